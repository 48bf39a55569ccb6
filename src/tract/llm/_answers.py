"""What stands in a chat completion: whether it is one, its text, its usage, and why it ended."""

import json
from typing import Any

from tract.llm._provider_errors import printable
from tract.llm.errors import LLMResponseError

# Every provider's word for "there would have been more, or other, text".
_CUT_OFF = frozenset({"length", "max_tokens", "model_length", "content_filter", "safety", "error"})


def parse_answer(body: bytes | bytearray) -> dict[str, Any] | str:
    """Return a body as a chat completion, or, as text, what keeps it from being one."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        if not body.strip():
            return "the body is empty"
        if body.lstrip().startswith((b"data:", b"event:", b":")):
            return "the body is a stream of events, and streaming is not supported"
        return f"the body is no JSON ({error})"
    fault = _find_fault(answer)
    return answer if fault is None else fault


def _find_fault(answer: object) -> str | None:
    """Return what keeps a value from being a chat completion, None if nothing does."""
    if not isinstance(answer, dict):
        return "the answer is no JSON object"
    if answer.get("error"):
        return "the answer is an error"
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return "the answer has no choices"
    return None


def extract_content(response: Any) -> str:
    """Return the text of the first choice, the text parts of one in parts joined.

    Raises:
        LLMResponseError: there is none: no choice, null, empty or missing content, or a refusal.
    """
    message = _first_choice(response).get("message")
    if not isinstance(message, dict):
        raise LLMResponseError("the answer's first choice has no message")
    content = message.get("content")
    refusal = message.get("refusal") or _joined(content, kinds=("refusal",), field="refusal")
    if refusal:
        raise LLMResponseError(f"the model refused: {printable(str(refusal))}", code="refusal")
    text = content if isinstance(content, str) else _joined(content, kinds=("text", "output_text", None), field="text")
    if not text:
        calls = "; the model called a tool instead" if message.get("tool_calls") or message.get("function_call") else ""
        raise LLMResponseError(f"the answer has no text (finish_reason {find_finish_reason(response)}){calls}")
    return text


def extract_usage(response: Any) -> dict[str, Any] | None:
    """Return the token usage that the provider reports, None if it reports none."""
    usage = response.get("usage") if isinstance(response, dict) else None
    return usage if isinstance(usage, dict) else None


def find_finish_reason(response: Any) -> str | None:
    """Return why the model stopped writing its first choice, as the provider calls it."""
    reason = _first_choice(response).get("finish_reason")
    return reason if isinstance(reason, str) else None


def is_cut_off(response: Any) -> bool:
    """Tell whether the first choice ended by a limit or a filter and not because the model was done."""
    reason = find_finish_reason(response)
    return reason is not None and reason.lower() in _CUT_OFF


def _first_choice(response: Any) -> dict[str, Any]:
    fault = _find_fault(response)
    if fault is not None:
        raise LLMResponseError(fault)
    choice = response["choices"][0]
    if not isinstance(choice, dict):
        raise LLMResponseError("the answer's first choice is no JSON object")
    return choice


def _joined(parts: object, *, kinds: tuple[str | None, ...], field: str) -> str:
    """Return the texts of the content parts of some kinds, joined."""
    if not isinstance(parts, list):
        return ""
    texts = (part.get(field) for part in parts if isinstance(part, dict) and part.get("type") in kinds)
    return "".join(text for text in texts if isinstance(text, str))
