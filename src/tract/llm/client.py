"""The client for servers that speak OpenAI's chat completions."""

import contextlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import tenacity

from tract.llm import _answers
from tract.llm._endpoint import OPENAI_BASE_URL, chat_endpoint, is_in_the_clear, key_headers
from tract.llm._failures import LLMStatusError, Reply, connection_error
from tract.llm._retry import Call, is_tried_again, pause_seconds
from tract.llm._secret import Secret, keep_out_of_logs
from tract.llm._transport import Deadline, bind_to_deadlines, read_into, tls_context, until
from tract.llm.errors import LLMClientError, LLMConfigError, LLMDeadlineError, LLMRequestError

__all__ = ["ANSWER_LIMIT_BYTES", "LLMStatusError", "OpenAIClient"]

ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest answer, unpacked, that is read; a longer one is refused as soon as that is known."""

_ERROR_LIMIT_BYTES = 64 * 1024
_KEY_VARIABLE = "TRACT_OPENAI_API_KEY"
_BASE_URL_VARIABLE = "TRACT_OPENAI_BASE_URL"
# Models are asked minutes apart; a connection that was opened once should still be there.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=60.0)

_logger = logging.getLogger("tract.llm")


class OpenAIClient:
    """Asks a server that speaks OpenAI's chat completions; one client keeps its connections and may serve many threads.

    `api_key` and `base_url` fall back to the environment's `TRACT_OPENAI_API_KEY` and `TRACT_OPENAI_BASE_URL`,
    then the base URL to OpenAI's. `timeout` bounds, in seconds, each connect, read and write; `deadline` all of
    a call: its tries, the waits between them, and the reading of the answer.

    Raises:
        LLMConfigError: no key, or a key, base URL or figure that cannot be used.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        default_model: str = "gpt-4o-mini",
        timeout: float | None = 120.0,
        max_retries: int = 3,
        *,
        deadline: float = 600.0,
    ) -> None:
        self.default_model = default_model
        self._secret = Secret(os.environ.get(_KEY_VARIABLE, "") if api_key is None else api_key)
        del api_key  # a traceback that shows local variables must not show it
        fault = self._secret.find_fault()
        if fault is not None:
            raise LLMConfigError(f"{fault} (given as api_key, or in {_KEY_VARIABLE})")
        if base_url is None:
            base_url = os.environ.get(_BASE_URL_VARIABLE, "").strip() or OPENAI_BASE_URL
        if not isinstance(max_retries, int) or max_retries < 0:
            raise LLMConfigError(f"max_retries must be a whole number, 0 or more, not {max_retries!r}")
        self._endpoint = chat_endpoint(base_url)
        self._deadline_seconds = _checked_seconds("deadline", deadline)
        self._retrying = tenacity.Retrying(
            retry=is_tried_again,
            wait=pause_seconds,
            stop=tenacity.stop_after_attempt(max_retries + 1),
            before_sleep=tenacity.before_sleep_log(_logger, logging.WARNING),
            reraise=True,
        )
        self._client = httpx.Client(
            timeout=None if timeout is None else _checked_seconds("timeout", timeout),
            limits=_LIMITS,
            verify=tls_context(),
            headers={"user-agent": "tract-context"},
        )
        bind_to_deadlines(self._client)
        keep_out_of_logs(self._secret)
        if is_in_the_clear(self._endpoint):
            _logger.warning("the API key goes to %s unencrypted: its URL is http://", self._endpoint.host)

    def __repr__(self) -> str:
        return f"<OpenAIClient {self.default_model}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; closing twice is harmless."""
        self._client.close()

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        deadline: float | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the model's answer as the provider gives it: a dict whose `choices` is a list that is not empty.

        Parameters that are None are not sent; further keywords go into the payload as they are. `deadline`
        replaces the client's own for this call, in seconds, and is never sent.

        Raises:
            LLMRequestError: the payload is no JSON, or the client is closed.
            LLMAuthError: 401 or 403.
            LLMRateLimitError: 429 after all retries; at once if the quota is spent or the wait asked for too long.
            LLMStatusError: any other status that is no success; an `httpx.HTTPStatusError` as well.
            LLMConnectionError: no whole answer after all retries; `LLMDeadlineError` if time ran out.
            LLMResponseError: a success whose body is no answer, or larger than `ANSWER_LIMIT_BYTES`.
        """
        seconds = self._deadline_seconds if deadline is None else _checked_seconds("deadline", deadline)
        given = {"temperature": temperature, "max_tokens": max_tokens}
        payload = {
            "model": self.default_model if model is None else model,
            "messages": list(messages),
            **{name: value for name, value in given.items() if value is not None},
            **kwargs,
        }
        call = Call(_encoded(payload), Deadline(seconds))
        with until(call.deadline):
            answer: dict[str, Any] = self._retrying(self._try_once, call)
        return answer

    extract_content = staticmethod(_answers.extract_content)
    extract_usage = staticmethod(_answers.extract_usage)

    def _try_once(self, call: Call) -> dict[str, Any]:
        if self._client.is_closed:
            raise LLMRequestError("the client is closed", attempts=call.attempts)
        if call.deadline.remaining() <= 0:
            raise self._deadline_error(call)
        call.attempts += 1
        # Failures are values until here: this frame, unlike those below, holds nothing that a traceback must not show.
        outcome = self._exchange(call)
        if isinstance(outcome, LLMClientError):
            call.last_failure = str(outcome)
            raise outcome from None
        return outcome

    def _exchange(self, call: Call) -> dict[str, Any] | LLMClientError:
        try:
            response = self._client.send(self._request(call), stream=True, follow_redirects=False, auth=None)
            with contextlib.closing(response):
                return self._read(response, call)
        except RuntimeError:
            if not self._client.is_closed:
                raise
            return LLMRequestError("the client was closed during the call", attempts=call.attempts)
        except httpx.RequestError as error:
            if self._client.is_closed:
                return LLMRequestError("the client was closed during the call", attempts=call.attempts)
            if call.deadline.remaining() <= 0:
                return self._deadline_error(call)
            failure = connection_error(error, self._endpoint.host, self._secret.masked)
            failure.attempts = call.attempts
            return failure

    def _request(self, call: Call) -> httpx.Request:
        headers = {
            "accept": "application/json",
            # Only what can be unpacked bit by bit: a small answer may unpack to more than the memory holds.
            "accept-encoding": "gzip",
            "content-type": "application/json",
            **key_headers(self._endpoint, self._secret.reveal()),
        }
        timeout = call.deadline.bound(self._client.timeout)
        return self._client.build_request("POST", self._endpoint, content=call.body, headers=headers, timeout=timeout)

    def _read(self, response: httpx.Response, call: Call) -> dict[str, Any] | LLMClientError:
        body = bytearray()
        if not response.is_success:
            # The status says what happened; the provider's words are welcome as far as they come.
            with contextlib.suppress(httpx.RequestError):
                read_into(body, response, call.deadline, limit=_ERROR_LIMIT_BYTES)
            return self._reply(response, body).to_error(call.attempts)
        try:
            whole = read_into(body, response, call.deadline, limit=ANSWER_LIMIT_BYTES)
        except httpx.DecodingError as error:
            answer: dict[str, Any] | str = f"the body cannot be unpacked: {error}"
        else:
            answer = _answers.parse_answer(body) if whole else f"the body is larger than {ANSWER_LIMIT_BYTES:,} bytes"
        if isinstance(answer, dict):
            return answer
        return self._reply(response, body[:_ERROR_LIMIT_BYTES]).to_response_error(answer, call.attempts)

    def _reply(self, response: httpx.Response, body: bytearray) -> Reply:
        return Reply(response, bytes(body), self._secret.masked)

    def _deadline_error(self, call: Call) -> LLMDeadlineError:
        tries = "1 try" if call.attempts == 1 else f"{call.attempts} tries"
        before = f"; before that: {call.last_failure}" if call.last_failure else ""
        message = f"no whole answer from {self._endpoint.host} in {call.deadline.seconds:g} s and {tries}{before}"
        return LLMDeadlineError(message, attempts=call.attempts)


def _checked_seconds(name: str, value: object) -> float:
    """Return a time span as it is, if it is one."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return value
    raise LLMConfigError(f"{name} must be a number of seconds above 0, not {value!r}")


def _encoded(payload: dict[str, Any]) -> bytes:
    """Return the payload as JSON, once for all tries."""
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise LLMRequestError(f"the request cannot be sent as JSON: {error}") from error
