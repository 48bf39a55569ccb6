"""Summaries as answers: what is asked, whether an answer may stand, and keeping one that was paid for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tract.exceptions import CorruptionError, SummaryError
from tract.formats.copies import own_fields
from tract.history.compression import Kept, kept_texts, readable
from tract.model.context import Entry
from tract.model.encoding import decode, encode, object_id, value_id
from tract.model.messages import Message
from tract.model.refs import REMEMBERED
from tract.operations.load import load_fields
from tract.operations.rendering import encoding_of, load_counts
from tract.operations.repo import Repo
from tract.protocols import NewRecord, RefMove, SummarizerCallable, Summary, SummaryRequest


def request_of(
    repo: Repo,
    config: Mapping[str, Any],
    told: Sequence[Entry],
    *,
    target_tokens: int | None = None,
    must_keep: Iterable[Kept] = (),
    is_lenient: bool = False,
    replaces: bool = True,
) -> SummaryRequest:
    """Return what a summarizer is asked about messages; tokens are counted as the configuration says.

    Raises:
        CompressError: what must be kept is nowhere in the messages.
    """
    encoding = encoding_of(repo, config)
    fields = load_fields(repo, [entry.blob_id for entry in told])
    counts = load_counts(repo, fields, encoding)
    texts = [readable(fields[entry.blob_id]) for entry in told]
    return SummaryRequest(
        tuple(Message.from_fields(own_fields(fields[entry.blob_id])) for entry in told),
        tuple(texts),
        sum(counts[entry.blob_id].tokens for entry in told),
        lambda text: repo.counter.count_message({"role": "user", "content": text}, encoding).tokens,
        target_tokens,
        kept_texts(texts, must_keep, is_lenient=is_lenient),
        replaces,
    )


def answer_of(summarizer: SummarizerCallable, request: SummaryRequest) -> Summary:
    """Return what a summarizer answers, a text alone too.

    Raises:
        SummaryError: it answers neither a summary nor a text.
        Exception: whatever it raises.
    """
    answer = summarizer(request)
    text = getattr(answer, "text", answer)
    if not isinstance(text, str):
        raise SummaryError(f"a summarizer answers a summary or a text, not {type(answer).__name__}")
    config = getattr(answer, "generation_config", None)
    if not isinstance(config, Mapping | None):
        raise SummaryError(f"a summary's generation_config is a mapping, not {type(config).__name__}")
    return Summary(text, None if config is None else decode(encode(dict(config))))


def check_summary(summary: Summary, request: SummaryRequest, *, is_given: bool = False) -> Summary:
    """Return a summary if it may stand; one that the caller gave may be larger than what it replaces.

    Raises:
        SummaryError: it is empty, lacks what must be kept, or is over the target or no smaller than what it replaces.
    """
    if not summary.text.strip():
        raise SummaryError("the summary is empty", text=summary.text)
    missing = request.missing(summary.text)
    if missing:
        raise SummaryError(
            f"the summary lacks {', '.join(map(repr, missing))}, which must be kept", text=summary.text, missing=missing
        )
    limit = request.target_tokens if is_given else request.limit_tokens
    tokens = request.count_tokens(summary.text)
    if limit is not None and tokens > limit:
        bound = (
            f"its target is {request.target_tokens}"
            if limit == request.target_tokens
            else f"what it {'replaces' if request.replaces else 'tells'} has {request.source_tokens}"
        )
        raise SummaryError(
            f"the summary has {tokens} tokens, and {bound}", text=summary.text, token_count=tokens, limit=limit
        )
    return summary


def paid_id(told: Sequence[tuple[str, str]], request: SummaryRequest) -> str:
    """Return the id of what is asked: the same messages with the same words, within the same bounds."""
    asked = [[list(pair) for pair in told], request.target_tokens, list(request.must_keep)]
    return value_id("summary", asked)


def find_paid(repo: Repo, key: str) -> Summary | None:
    """Return a summary that was written for the same question and could not be published, or None. Two statements."""
    record_id = repo.store.find_ref(REMEMBERED + key)
    payload = None if record_id is None else repo.store.find_record(record_id)
    if payload is None:
        return None
    try:
        kept = decode(payload)["summary"]
        return Summary(kept["text"], kept["generation_config"])
    except (KeyError, TypeError) as error:
        raise CorruptionError(f"record {record_id} is no summary", object_id=record_id) from error


def keep_paid(repo: Repo, paid: Mapping[str, Summary]) -> None:
    """Keep summaries that were written and could not be published, for who asks the same again."""
    records: list[NewRecord] = []
    moves: list[RefMove] = []
    for key, summary in sorted(paid.items()):
        value: dict[str, Any] = {"text": summary.text, "generation_config": summary.generation_config}
        payload = encode({"kind": "summary", "summary": value}, sort_keys=False)
        record = NewRecord(object_id("record", payload), payload)
        old = repo.store.find_ref(REMEMBERED + key)
        if old != record.id:
            records.append(record)
            moves.append(RefMove(REMEMBERED + key, old, record.id))
    if moves:
        repo.store.publish(records, moves, repo.operation("remember"))
