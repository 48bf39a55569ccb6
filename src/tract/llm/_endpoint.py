"""Where a base URL leads: the URL to post to, whether it is safe to send a key there, and in which header."""

import ipaddress

import httpx

from tract.llm.errors import LLMConfigError

OPENAI_BASE_URL = "https://api.openai.com/v1"

_PATH = "/chat/completions"
# Azure's own gateways take a key in `api-key`, and only tokens of its directory as a bearer.
_AZURE_DOMAINS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


def chat_endpoint(base_url: str) -> httpx.URL:
    """Return the URL of chat completions under a base URL, its query string kept.

    The base may be given with or without a trailing slash, or be the whole path already.

    Raises:
        LLMConfigError: it is no http(s) URL with a host, or has a user name or password in it.
    """
    # The URL itself is not shown: it may hold a key, given by mistake or in its query.
    fault = "the base URL must be http:// or https:// and a host"
    url = _parse(base_url)
    if url is None or url.scheme not in ("http", "https") or not _is_host(url.host):
        raise LLMConfigError(fault)
    if url.userinfo:
        raise LLMConfigError("the base URL must not hold a user name or password: the API key goes in a header")
    path, mark, query = url.raw_path.decode("ascii").partition("?")
    path = path.rstrip("/")
    if url.host == "api.openai.com" and not path:
        path = "/v1"
    if not path.endswith(_PATH):
        path += _PATH
    return url.copy_with(raw_path=f"{path}{mark}{query}".encode("ascii"), fragment=None)


def _parse(base_url: object) -> httpx.URL | None:
    if not isinstance(base_url, str):
        return None
    try:
        return httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        return None


def _is_host(host: str) -> bool:
    """Tell whether a name can be looked up at all; the socket module raises no `OSError` for one that cannot."""
    try:
        return bool(host) and bool(host.encode("idna"))
    except UnicodeError:
        return False


def is_in_the_clear(url: httpx.URL) -> bool:
    """Tell whether a key sent to this URL travels unencrypted over a network."""
    if url.scheme == "https" or url.host == "localhost" or url.host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return True


def key_headers(url: httpx.URL, key: str) -> dict[str, str]:
    """Return the headers that carry a key to this URL."""
    headers = {"authorization": f"Bearer {key}"}
    if url.host.endswith(_AZURE_DOMAINS):
        headers["api-key"] = key
    return headers
