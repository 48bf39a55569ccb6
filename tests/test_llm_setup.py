"""How a client of `tract.llm` is set up, and what loading the package brings along."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tract.llm
from llm_support import HELLO, OK, Script, offline_client
from tract.llm import LLMConfigError, OpenAIClient


def test_the_base_url_falls_back_to_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any base URL, and with an empty one in the environment, OpenAI is asked."""
    monkeypatch.setenv("TRACT_OPENAI_BASE_URL", "")
    script = Script(OK)

    with offline_client(script, base_url=None) as client:
        client.chat(HELLO)

    assert str(script.requests[0].url) == "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize(
    ("base", "posted"),
    [
        ("http://h", "http://h/chat/completions"),
        ("http://h/", "http://h/chat/completions"),
        (" http://h:81/v1 ", "http://h:81/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions/", "http://h/v1/chat/completions"),
        ("http://h/a%20b/d?api-version=2024-10-21", "http://h/a%20b/d/chat/completions?api-version=2024-10-21"),
        ("http://h/d/chat/completions?api-version=1", "http://h/d/chat/completions?api-version=1"),
        ("http://h/v1/?a=/b/", "http://h/v1/chat/completions?a=/b/"),
        ("http://[::1]:8080/v1#x", "http://[::1]:8080/v1/chat/completions"),
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
    ],
)
def test_every_form_of_base_url_works(base: str, posted: str) -> None:
    """A trailing slash, a version, a query string and the whole path all lead to chat completions."""
    script = Script(OK)

    with offline_client(script, base_url=base) as client:
        client.chat(HELLO)

    assert str(script.requests[0].url) == posted


def test_azure_is_given_the_key_where_it_looks_for_it() -> None:
    """Azure's hosts read a key from `api-key`; no other host gets that header."""
    script = Script(OK)

    with offline_client(script, base_url="https://r.openai.azure.com/openai/deployments/d?api-version=1") as client:
        client.chat(HELLO)
    with offline_client(script, base_url="https://openai.azure.com.evil.test/d?api-version=1") as client:
        client.chat(HELLO)

    assert [request.headers.get("api-key") for request in script.requests] == ["test-key", None]


@pytest.mark.parametrize(
    "base", ["", "h/v1", "ftp://h", "http://", "http://h:x", "http://h\n/v1", "http://" + "a" * 64, "http://u:p@h/v1"]
)
def test_a_base_url_that_leads_nowhere_is_refused(base: str) -> None:
    """What is no http(s) URL of a host, or brings its own credentials, is said before anything is sent."""
    with pytest.raises(LLMConfigError):
        OpenAIClient("test-key", base)


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0}, {"timeout": "1"}, {"max_retries": -1}, {"max_retries": 1.5}, {"deadline": 0}, {"deadline": None}],
    ids=str,
)
def test_figures_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """A time or a number of tries that cannot be is an error of configuration."""
    with pytest.raises(LLMConfigError, match=next(iter(options))):
        OpenAIClient("test-key", **options)


def test_every_name_comes_from_the_package_and_from_its_module() -> None:
    """The package offers what its modules hold, and its type stub offers the same."""
    homes = {
        "client": ("LLMStatusError", "OpenAIClient"),
        "errors": ("LLMAuthError", "LLMClientError", "LLMConfigError", "LLMRateLimitError", "LLMResponseError"),
        "protocols": ("LLMClient", "Resolution", "ResolverCallable"),
        "resolver": ("OpenAIResolver", "ResolverCallable"),
    }
    for module, names in homes.items():
        loaded = __import__(f"tract.llm.{module}", fromlist=names)
        assert [getattr(loaded, name) is getattr(tract.llm, name) for name in names] == [True] * len(names)
    stub = (Path(tract.llm.__file__).with_suffix(".pyi")).read_text("utf-8")
    offered = [line.split(" as ")[1] for line in stub.splitlines() if line.startswith("from ")]
    assert sorted(offered) == sorted(tract.llm.__all__)
    assert not hasattr(tract.llm, "NoSuchName")


def test_the_resolver_loads_without_httpx() -> None:
    """Whoever brings a client of their own pays for neither httpx nor tenacity."""
    heavy = "set(sys.modules) & {'httpx', 'tenacity'}"
    imports = "import sys, tract.llm, tract.llm.errors, tract.llm.protocols, tract.llm.resolver"
    script = f"{imports}; print(len({heavy})); tract.llm.OpenAIClient; print(len({heavy}))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["0", "2"]
