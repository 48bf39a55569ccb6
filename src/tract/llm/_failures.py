"""From what came back, or did not, to the error that says so; no error holds the key or the request's headers."""

import http
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tract.llm._provider_errors import ProviderError, printable, read_provider_error
from tract.llm._retry import is_status_retried, read_retry_after
from tract.llm.errors import (
    LLMAuthError,
    LLMClientError,
    LLMConnectionError,
    LLMRateLimitError,
    LLMResponseError,
)

_KEPT_BODY_BYTES = 2000
_KEPT_REQUEST_HEADERS = frozenset({"accept", "accept-encoding", "content-type", "host", "user-agent"})
# The body that is kept is unpacked and cut, so what describes it on the wire would be wrong.
_DROPPED_RESPONSE_HEADERS = frozenset({"content-encoding", "content-length", "set-cookie", "transfer-encoding"})
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-amzn-requestid")


class LLMStatusError(LLMClientError, httpx.HTTPStatusError):
    """Any other error status; `request` and `response` are copies without credentials, the body cut."""

    def __init__(self, message: str, *, request: httpx.Request, response: httpx.Response, **facts: object) -> None:
        httpx.HTTPStatusError.__init__(self, message, request=request, response=response)
        for name, value in facts.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from their arguments alone, and httpx's needs more than those.
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(kind: type[LLMStatusError], args: tuple[object, ...]) -> LLMStatusError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class Reply:
    """A response as far as it was read, with the key masked in whatever is taken out of it."""

    def __init__(self, response: httpx.Response, body: bytes, mask: Callable[[str], str]) -> None:
        self.status = response.status_code
        self.body = body
        self.mask = mask
        self._response = response

    @property
    def request_id(self) -> str | None:
        """The provider's name for the request, from the headers."""
        found = next(filter(None, (self._response.headers.get(name) for name in _REQUEST_ID_HEADERS)), None)
        return None if found is None else printable(self.mask(found))

    def to_error(self, attempts: int) -> LLMClientError:
        """Return the error that a status other than 2xx stands for."""
        said = read_provider_error(self.body, self.mask)
        headers = self._response.headers
        facts: dict[str, Any] = {
            "status": self.status,
            "code": said.code,
            "request_id": self.request_id or said.request_id,
            "retry_after": read_retry_after(headers),
            "attempts": attempts,
        }
        message = self._message(said, facts)
        if self.status in (401, 403):
            return LLMAuthError(message, **facts)
        retryable = is_status_retried(self.status, headers)
        if self.status == 429:
            return LLMRateLimitError(message, retryable=retryable and not said.is_quota_spent, **facts)
        request = self._clean_request()
        response = self._clean_response(request)
        return LLMStatusError(message, request=request, response=response, retryable=retryable, **facts)

    def to_response_error(self, fault: str, attempts: int) -> LLMResponseError:
        """Return the error for a 2xx whose body is no answer, in the provider's words if it has any."""
        said = read_provider_error(self.body, self.mask)
        request_id = self.request_id or said.request_id
        facts: dict[str, Any] = {"status": self.status, "request_id": request_id, "attempts": attempts}
        message = ": ".join(filter(None, (f"HTTP {self.status} from {self._host()}, but {fault}", said.words[:500])))
        return LLMResponseError(message + _in_brackets(request_id=request_id), code=said.code, **facts)

    def _message(self, said: ProviderError, facts: dict[str, Any]) -> str:
        try:
            phrase = http.HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        words = said.words or "no explanation given"
        if 300 <= self.status < 400:
            words = f"a redirect, which is not followed; {words}"
        wait = facts["retry_after"]
        details = _in_brackets(
            code=said.code,
            request_id=facts["request_id"],
            retry_after=None if wait is None else f"{wait:g} s",
            attempts=facts["attempts"],
        )
        return f"{' '.join(filter(None, ('HTTP', str(self.status), phrase)))} from {self._host()}: {words}{details}"

    def _host(self) -> str:
        return self._response.request.url.host

    def _clean_request(self) -> httpx.Request:
        request = self._response.request
        headers = self._masked(item for item in request.headers.multi_items() if item[0] in _KEPT_REQUEST_HEADERS)
        return httpx.Request(request.method, self.mask(str(request.url)), headers=headers)

    def _clean_response(self, request: httpx.Request) -> httpx.Response:
        items = self._response.headers.multi_items()
        headers = self._masked(item for item in items if item[0] not in _DROPPED_RESPONSE_HEADERS)
        body = self.mask(self.body.decode("utf-8", "replace")).encode("utf-8")[:_KEPT_BODY_BYTES]
        return httpx.Response(self.status, headers=headers, content=body, request=request)

    def _masked(self, items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name, self.mask(value)) for name, value in items]


def _in_brackets(**details: object) -> str:
    known = [f"{name.replace('_', ' ')} {value}" for name, value in details.items() if value is not None]
    return f" ({', '.join(known)})" if known else ""


def connection_error(error: httpx.RequestError, host: str, mask: Callable[[str], str]) -> LLMClientError:
    """Return the error for a response that did not come, or not whole.

    The original is not chained: its request has the key, and the frames it came through do too.
    """
    said = printable(mask(str(error))) or "no reason given"
    # What this side did wrong stays wrong.
    ours = isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol)
    retryable = isinstance(error, httpx.TransportError) and not ours
    return LLMConnectionError(f"no answer from {host} ({type(error).__name__}: {said})", retryable=retryable)
