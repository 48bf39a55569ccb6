"""What can go wrong when a model is asked, as one tree under `LLMClientError`.

    LLMClientError
    ├── LLMConfigError           no usable key, base URL or option; nothing was sent
    ├── LLMRequestError          what was asked cannot be sent: not JSON, or the client is closed
    ├── LLMConnectionError       no whole answer arrived: refused, reset, timed out
    │   └── LLMDeadlineError     the deadline passed first
    ├── LLMAuthError             401 or 403
    ├── LLMRateLimitError        429
    ├── LLMStatusError           any other status; an `httpx.HTTPStatusError` too, so `tract.llm.client` holds it
    └── LLMResponseError         an answer that is none: not JSON, no choices, no text, a refusal

Every error pickles and deep-copies, and none holds the API key.
"""

from tract.exceptions import TraceError

__all__ = [
    "LLMAuthError",
    "LLMClientError",
    "LLMConfigError",
    "LLMConnectionError",
    "LLMDeadlineError",
    "LLMRateLimitError",
    "LLMRequestError",
    "LLMResponseError",
]


class LLMClientError(TraceError):
    """A model could not be asked, or did not answer; `code` is the provider's own, `retry_after` in seconds."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    attempts: int = 0
    retryable: bool = False
    """Whether the same request may succeed when it is sent again; what the client's own retries go by."""


class LLMConfigError(LLMClientError):
    """The key, the base URL or an option cannot be used; nothing was sent."""


class LLMRequestError(LLMClientError):
    """The request cannot be sent: it is no JSON, or the client is closed."""


class LLMConnectionError(LLMClientError):
    """No whole answer arrived: the connection failed, broke, or was silent for longer than the timeout."""


class LLMDeadlineError(LLMConnectionError):
    """The deadline passed before a whole answer was there."""


class LLMAuthError(LLMClientError):
    """The provider refused the key (401), or what the key may do (403)."""


class LLMRateLimitError(LLMClientError):
    """The provider asks for fewer requests, or the quota is spent (429); a number alone is `retry_after`."""

    def __init__(self, message: str | float | None = None, retry_after: float | None = None, **facts: object) -> None:
        if isinstance(message, int | float):
            message, retry_after = None, message
        if message is None:
            message = "rate limited" if retry_after is None else f"rate limited; retry after {retry_after:g} s"
        super().__init__(message, retry_after=None if retry_after is None else float(retry_after), **facts)


class LLMResponseError(LLMClientError):
    """The answer cannot be used: not JSON, an error in place of an answer, no choices, no text, a refusal."""
