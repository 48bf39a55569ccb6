"""Writing a summary by asking a model, in pieces where the messages are many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tract.exceptions import SummaryError
from tract.llm import _answers, _merged_text
from tract.llm._summary_prompt import SYSTEM_PROMPT, Section, SummaryPrompt, in_pieces, prompt_id, sections_of
from tract.llm.errors import LLMConfigError, LLMResponseError
from tract.llm.protocols import LLMClient, SummarizerCallable, Summary, SummaryRequest

__all__ = ["OpenAISummarizer", "SummarizerCallable"]

_SOURCE = "infrastructure:compress"
_HEADING = "Summary of {count} earlier messages, written by a language model:\n\n"
_SMALLEST_INPUT = 500
_SMALLEST_ROOM = 8
_USUAL_AIM = 1000
_KEPT_PIECES = 256


class OpenAISummarizer:
    """A summarizer that asks a model through any `LLMClient`: once, or once a piece and once for all of them.

    A prompt holds at most `input_tokens` of the conversation. Summaries of pieces are kept until the whole is written,
    so that a failure on the way is not paid for twice.

    Raises:
        LLMConfigError: `input_tokens` is too small to be of use.
    """

    def __init__(
        self,
        client: LLMClient,
        *,
        model: str | None = None,
        temperature: float | None = 0.3,
        max_tokens: int | None = 4096,
        input_tokens: int = 24_000,
        system_prompt: str | None = None,
    ) -> None:
        if input_tokens < _SMALLEST_INPUT:
            raise LLMConfigError(f"input_tokens must be {_SMALLEST_INPUT} or more, not {input_tokens!r}")
        self._client = client
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._input_tokens = input_tokens
        self._system_prompt = SYSTEM_PROMPT if system_prompt is None else system_prompt
        self._pieces: dict[SummaryPrompt, str] = {}

    def __call__(self, request: SummaryRequest) -> Summary:
        """Return the model's summary under a heading that says what it is.

        Raises:
            SummaryError: it is over the limit, or lacks what must be kept, twice; or no summary could be shorter.
            LLMResponseError: the answer has no text, is cut off, or repeats its instructions, twice.
            Exception: whatever the client raises.
        """
        heading = _HEADING.format(count=len(request.messages))
        room = request.limit_tokens - request.count_tokens(heading)
        if room < _SMALLEST_ROOM:
            raise SummaryError(f"no summary is shorter than {request.limit_tokens} tokens", limit=request.limit_tokens)
        tally = _Tally()
        sections = sections_of([message.role for message in request.messages], request.texts, request.count_tokens)
        pieces = in_pieces(sections, self._input_tokens, request.count_tokens)
        are_parts = False
        while len(pieces) > 1:
            sections = [section for piece in pieces for section in self._shortened(piece, request, tally, are_parts)]
            pieces, are_parts = in_pieces(sections, self._input_tokens, request.count_tokens), True
        aim = request.target_tokens or min(_USUAL_AIM, max(request.source_tokens // 4, _SMALLEST_ROOM))
        prompt = SummaryPrompt(pieces[0] if pieces else (), request.must_keep, min(aim, room), are_parts)
        text = self._ask(prompt, _Bounds(request, heading, request.limit_tokens), tally)
        for piece in tally.pieces:
            self._pieces.pop(piece, None)
        return Summary(heading + text, self._generation_config(tally))

    def _shortened(
        self, piece: Sequence[Section], request: SummaryRequest, tally: "_Tally", are_parts: bool
    ) -> Sequence[Section]:
        """Return the summary of a piece, or the piece as it is if it is as short as its summary may be."""
        limit = self._input_tokens // 4
        if sum(section.tokens for section in piece) <= limit:
            return piece
        kept = tuple(kept for kept in request.must_keep if any(kept in section.text for section in piece))
        prompt = SummaryPrompt(tuple(piece), kept, limit // 2, are_parts)
        text = self._pieces.get(prompt)
        if text is None:
            text = self._ask(prompt, _Bounds(request, "", limit), tally)
            while len(self._pieces) >= _KEPT_PIECES:
                self._pieces.pop(next(iter(self._pieces)))
            self._pieces[prompt] = text
        tally.pieces.append(prompt)
        return [Section(f"summary of {piece[0].speaker} to {piece[-1].speaker}", text, request.count_tokens(text))]

    def _ask(self, prompt: SummaryPrompt, bounds: "_Bounds", tally: "_Tally") -> str:
        """Return an answer that may stand; one that may not is asked for again once."""
        try:
            return self._ask_once(prompt, bounds, tally)
        except (LLMResponseError, SummaryError) as error:
            again = replace(prompt, refusal=bounds.refusal(error, prompt.aim_tokens))
            return self._ask_once(again, bounds, tally)

    def _ask_once(self, prompt: SummaryPrompt, bounds: "_Bounds", tally: "_Tally") -> str:
        messages = [
            {"role": "system", "content": self._system_prompt},
            {"role": "user", "content": prompt.to_prompt()},
        ]
        max_tokens = None if self._max_tokens is None else max(self._max_tokens, 2 * prompt.aim_tokens)
        response = self._client.chat(messages, model=self._model, temperature=self._temperature, max_tokens=max_tokens)
        tally.add(response)
        answer = _answers.extract_content(response)
        if _answers.is_cut_off(response):
            reason = _answers.find_finish_reason(response)
            raise LLMResponseError(f"the summary is cut off (finish_reason {reason})", code=reason)
        text = _merged_text.unwrapped(answer, prompt.texts).strip()
        instructions = (self._system_prompt, prompt.framing)
        fault = _merged_text.find_fault(text, prompt.texts, instructions=instructions, mark=prompt.mark)
        if fault is not None:
            raise LLMResponseError(f"the answer is no summary: {fault}")
        bounds.check(text, prompt.must_keep)
        return text

    def _generation_config(self, tally: "_Tally") -> dict[str, Any]:
        """Return what a commit records of how the text was made."""
        asked = self._model if self._model is not None else getattr(self._client, "default_model", None)
        config: dict[str, Any] = {
            "model": tally.model or asked,
            "temperature": self._temperature,
            "source": _SOURCE,
            "prompt_id": prompt_id(self._system_prompt),
            "calls": tally.calls,
        }
        return {**config, "usage": tally.usage} if tally.usage else config


@dataclass
class _Tally:
    """What was asked on the way to one summary: the model that served, the calls, their usage, and the pieces."""

    model: str | None = None
    calls: int = 0
    usage: dict[str, Any] = field(default_factory=dict)
    pieces: list[SummaryPrompt] = field(default_factory=list)

    def add(self, response: Any) -> None:
        self.calls += 1
        served = response.get("model") if isinstance(response, dict) else None
        if isinstance(served, str) and served:
            self.model = served
        for key, value in (_answers.extract_usage(response) or {}).items():
            if type(value) is int:
                self.usage[key] = self.usage.get(key, 0) + value


@dataclass(frozen=True)
class _Bounds:
    """What an answer must keep to; its heading counts."""

    request: SummaryRequest
    heading: str
    limit: int

    def check(self, text: str, must_keep: Sequence[str]) -> None:
        missing = tuple(kept for kept in must_keep if kept not in text)
        if missing:
            named = ", ".join(map(repr, missing))
            raise SummaryError(f"the summary lacks {named}, which must be kept", text=text, missing=missing)
        tokens = self.request.count_tokens(self.heading + text)
        if tokens > self.limit:
            raise SummaryError(
                f"the summary has {tokens} tokens, more than {self.limit}",
                text=text,
                token_count=tokens,
                limit=self.limit,
            )

    def refusal(self, error: Exception, aim_tokens: int) -> str:
        """Return why an answer is refused, in words of ours: what the model said is none of its instructions."""
        if isinstance(error, SummaryError):
            return (
                "it lacked texts that must stand in it" if error.missing else f"it was longer than {aim_tokens} tokens"
            )
        return "it was cut off, empty, or no summary"
