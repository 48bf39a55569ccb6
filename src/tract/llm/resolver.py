"""Settling a conflict by asking a model for the one text that is to stand."""

from typing import Any

from tract.llm import _answers, _merged_text
from tract.llm._prompt import SYSTEM_PROMPT, Brief, read_issue, read_kind
from tract.llm.errors import LLMResponseError
from tract.llm.protocols import LLMClient, Resolution, ResolverCallable

__all__ = ["OpenAIResolver", "ResolverCallable"]

_SOURCE = "infrastructure:merge"
# These are settled by one of given choices, where a text that a model writes cannot stand.
_KINDS_WITHOUT_TEXT = frozenset({"mark", "config", "fold_overlap", "unanswered_call"})


class OpenAIResolver:
    """A resolver of conflicts that asks a model, through any `LLMClient`, once per conflict."""

    def __init__(
        self,
        client: LLMClient,
        *,
        model: str | None = None,
        temperature: float | None = 0.3,
        max_tokens: int | None = 2048,
        system_prompt: str | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._system_prompt = self._default_system_prompt() if system_prompt is None else system_prompt

    def __call__(self, issue: object) -> Resolution:
        """Return the model's text as a resolution; `skip`, unasked, where a text is no answer.

        Raises:
            LLMResponseError: the answer has no text, is cut off, or is no resolution: white space, conflict
                markers, the fence or the instructions repeated.
            Exception: whatever the client raises.
        """
        kind = read_kind(issue)
        if kind in _KINDS_WITHOUT_TEXT or not getattr(issue, "takes_text", True):
            return Resolution("skip", reasoning=f"{kind} is settled by a choice, which is left to a person")
        brief = read_issue(issue)
        messages = [
            {"role": "system", "content": self._system_prompt},
            {"role": "user", "content": brief.to_prompt()},
        ]
        response = self._client.chat(
            messages, model=self._model, temperature=self._temperature, max_tokens=self._max_tokens
        )
        text = self._read_text(response, brief)
        config = self._generation_config(response)
        return Resolution(
            "resolved", content_text=text, reasoning=f"resolved by model {config['model']}", generation_config=config
        )

    def _format_issue(self, issue: object) -> str:
        """Return the user's part of the prompt."""
        return read_issue(issue).to_prompt()

    @staticmethod
    def _default_system_prompt() -> str:
        """Return the system's part of the prompt, unless one is given."""
        return SYSTEM_PROMPT

    def _read_text(self, response: Any, brief: Brief) -> str:
        answer = _answers.extract_content(response)
        if _answers.is_cut_off(response):
            reason = _answers.find_finish_reason(response)
            raise LLMResponseError(f"the resolution is cut off (finish_reason {reason})", code=reason)
        text = _merged_text.unwrapped(answer, brief.sides)
        instructions = (self._system_prompt, brief.framing)
        fault = _merged_text.find_fault(text, brief.sides, instructions=instructions, mark=brief.mark)
        if fault is None and _merged_text.repeats(text, brief.left_out):
            fault = "it repeats what was left out"
        if fault is not None:
            raise LLMResponseError(f"the answer is no resolution: {fault}")
        return text

    def _generation_config(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return what a commit records of how the text was made."""
        served = response.get("model")
        asked = self._model if self._model is not None else getattr(self._client, "default_model", None)
        usage = _answers.extract_usage(response)
        config: dict[str, Any] = {
            "model": served if isinstance(served, str) and served else asked,
            "temperature": self._temperature,
            "source": _SOURCE,
        }
        return config if usage is None else {**config, "usage": usage}
