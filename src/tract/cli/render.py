"""Values as lines for people: commits, messages, differences, and where things stand."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tract.cli.terminal import Line, Style, Styled, one_line, preview
from tract.formats.compiled import CompiledContext
from tract.model.changes import Append, Change, Configure, Edit, Fold, Insert, Move, SetMark, Unfold
from tract.model.commits import Commit
from tract.model.messages import Message
from tract.model.results import Diff, ImportReport, MessageDiff, MessageVersion, ReflogEntry

SHORTEST_ID = 8
_SHOWN_CHANGES = 8
_SHOWN_SETTING = 60

Messages = Mapping[str, Message]
"""Messages by the ids of their blobs."""


def id_length(ids: Iterable[str]) -> int:
    """Return how many characters tell these ids apart, never fewer than eight."""
    ordered = sorted(set(ids))
    return max([SHORTEST_ID, *(_common_length(left, right) + 1 for left, right in pairwise(ordered))])


def _common_length(left: str, right: str) -> int:
    return next((place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), len(left))


def short(full_id: str | None, length: int = SHORTEST_ID) -> Styled:
    """Return an id as people are shown it."""
    return Styled(full_id[:length] if full_id is not None else "-" * length, "id")


def date(moment: datetime) -> str:
    """Return a time as the reader's clock has it."""
    try:
        local = moment.astimezone()
    except (OverflowError, ValueError, OSError):
        local = moment.astimezone(UTC)
    return f"{local:%Y-%m-%d %H:%M:%S %z}"


def spoken(message: Message) -> list[str]:
    """Return what a message says, in lines: its text, its other parts by their kinds, and its tool calls."""
    lines = message.text.split("\n") if message.text else []
    if isinstance(message.content, list):
        lines += [f"[{part['type']}]" for part in message.content if not isinstance(part.get("text"), str)]
    return lines + [_call(call) for call in message.tool_calls or ()]


def _call(call: Mapping[str, Any]) -> str:
    function = call.get("function") or call.get("custom")
    named = function if isinstance(function, Mapping) else {}
    arguments = named.get("arguments", named.get("input", ""))
    return f"-> {named.get('name', '?')}({one_line(str(arguments))}) {call['id']}"


def gist(message: Message, width: int = 72) -> str:
    """Return the beginning of what a message says, as one line."""
    return preview(" ".join(spoken(message)), width)


def decoration(refs: Sequence[str], head: str | None) -> list[str | Styled]:
    """Return the names that stand at a commit, in brackets behind a space; `head` is the current branch if it does."""
    if not refs:
        return []
    names: list[str | Styled] = []
    for ref in refs:
        kind: Style = "tag" if ref.startswith("tag: ") else "branch"
        names += [", "] if names else []
        names += [Styled("HEAD -> ", "head"), Styled(ref, kind)] if ref == head else [Styled(ref, kind)]
    return [" ", Styled("(", "id"), *names, Styled(")", "id")]


def commit_line(commit: Commit, names: Sequence[str | Styled], said: str, length: int = SHORTEST_ID) -> Line:
    """Return a commit in one line: its id, the names that stand at it, and its message or what it says."""
    return [short(commit.id, length), *names, " ", preview(commit.message), *([": ", said] if said else [])]


def commit_head(commit: Commit, names: Sequence[str | Styled], length: int = SHORTEST_ID) -> Iterator[Line]:
    """Yield who made a commit, when, and the message given to it."""
    yield [Styled("commit ", "id"), short(commit.id, length), *names]
    if len(commit.parents) > 1:
        yield f"Merge:  {' '.join(parent[:length] for parent in commit.parents)}"
    if commit.author:
        yield f"Author: {commit.author}"
    yield f"Date:   {date(commit.created_at)}"
    model = commit.generation_config.get("model")
    if model:
        yield f"Model:  {model}"
    yield from _settled_lines(commit)
    if commit.given_message is not None:
        yield ""
        for line in commit.given_message.split("\n"):
            yield f"    {line}"


def change_lines(changes: Sequence[Change], messages: Messages, *, indent: str = "    ") -> Iterator[Line]:
    """Yield what a commit's first changes do, a line for each."""
    for change in changes[:_SHOWN_CHANGES]:
        yield [indent, *_change(change, messages)]
    if len(changes) > _SHOWN_CHANGES:
        yield f"{indent}... and {len(changes) - _SHOWN_CHANGES} more"


def _change(change: Change, messages: Messages) -> list[str | Styled]:
    match change:
        case Append(message) | Insert(message):
            return [*_speaker(message.role, message.message_id), *_gist_of(message.blob_id, messages)]
        case Edit(message_id, blob_id):
            return ["edit ", short(message_id), *_gist_of(blob_id, messages)]
        case SetMark(message_id, mark):
            return ["mark ", short(message_id), " ", mark]
        case Fold(summary_id, message_ids):
            return [f"fold {len(message_ids)} messages into ", short(summary_id)]
        case Unfold(summary_id):
            return ["unfold ", short(summary_id)]
        case Move(message_id):
            return ["move ", short(message_id)]
        case Configure(settings):
            return ["configure ", ", ".join(f"{key} = {setting(value)}" for key, value in settings.items())]


def blob_ids(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the ids of the blobs that `change_lines` shows."""
    for change in changes[:_SHOWN_CHANGES]:
        if isinstance(change, Append | Insert):
            yield change.message.blob_id
        elif isinstance(change, Edit):
            yield change.blob_id


def _gist_of(blob_id: str, messages: Messages) -> list[str]:
    found = messages.get(blob_id)
    return ["  ", gist(found)] if found is not None else []


def _speaker(role: str, message_id: str) -> list[str | Styled]:
    return [Styled(role, "role"), " ", short(message_id)]


def setting(value: Any) -> str:
    """Return a configuration's value as short JSON."""
    return preview(json.dumps(value, ensure_ascii=False), _SHOWN_SETTING) if value is not None else "unset"


def diff_lines(diff: Diff) -> Iterator[Line]:
    """Yield what is different: whole messages that came or went, and edits as differences of their texts."""
    for each in diff.removed:
        yield from _whole("-", "removed", each.message_id, each.before)
    for each in diff.edited:
        yield from _edited(each)
    for each in diff.added:
        yield from _whole("+", "added", each.message_id, each.after)
    for mark in diff.marked:
        yield ["mark ", short(mark.message_id), f" {mark.before} -> {mark.after}"]
    for fold in diff.folded:
        if fold.after is not None:
            yield ["folded ", short(fold.message_id), " into ", short(fold.after)]
        else:
            yield ["unfolded ", short(fold.message_id)]
    for message_id in diff.moved:
        yield ["moved ", short(message_id)]
    for key, (before, after) in diff.configured.items():
        yield f"configured {key}: {setting(before)} -> {setting(after)}"


def _whole(sign: str, style: Style, message_id: str, message: Message | None) -> Iterator[Line]:
    if message is not None:
        yield [Styled(f"{sign} {message.role} ", style), short(message_id)]
        for line in spoken(message):
            yield [Styled(f"{sign}   {line}", style)]


def _edited(edited: MessageDiff) -> Iterator[Line]:
    role = edited.after.role if edited.after is not None else ""
    yield [Styled("~ ", "warning"), *_speaker(role, edited.message_id)]
    text_diff = edited.text_diff
    for line in text_diff.split("\n") if text_diff else ():
        yield ["    ", _diff_line(line)]
    changed = _other_fields(edited)
    if changed:
        yield f"    changed beside the text: {', '.join(changed)}"


def _diff_line(line: str) -> str | Styled:
    styles: Mapping[str, Style] = {"+": "added", "-": "removed", "@": "role"}
    style = styles.get(line[:1])
    return Styled(line, style) if style is not None else line


def _other_fields(edited: MessageDiff) -> list[str]:
    before = edited.before.model_dump() if edited.before is not None else {}
    after = edited.after.model_dump() if edited.after is not None else {}
    ignored = {"content"} if edited.text_diff else set()
    return [key for key in sorted({*before, *after} - ignored) if before.get(key) != after.get(key)]


def _settled_lines(commit: Commit) -> Iterator[Line]:
    """Yield who settled the first conflicts of a merge, as its commit tells: metadata may hold anything."""
    merge = commit.metadata.get("merge")
    told = merge.get("conflicts") if isinstance(merge, Mapping) else None
    for each in told[:_SHOWN_CHANGES] if isinstance(told, list) else ():
        if isinstance(each, Mapping):
            config = each.get("generation_config")
            model = f", {config.get('model')}" if isinstance(config, Mapping) else ""
            key = str(each.get("key"))
            about = key if each.get("kind") == "config" else key[:SHORTEST_ID]
            yield f"Settled: {each.get('kind')} of {about} by {each.get('by')}{model}"


def version_lines(version: MessageVersion) -> Iterator[Line]:
    """Yield what a commit did to a message, and what the message said then."""
    commit = version.commit
    model = commit.generation_config.get("model")
    beside = "".join(f"  {word}" for word in (commit.author, model) if word)
    yield [short(commit.id), f"  {date(commit.created_at)}{beside}  ", Styled(version.action, "title")]
    for line in spoken(version.message):
        yield f"    {line}"


def reflog_line(entry: ReflogEntry) -> Line:
    """Return one move of a branch or tag."""
    author = f"  {entry.author}" if entry.author else ""
    return [short(entry.new_id), f" {entry.selector}: {entry.kind}  {date(entry.created_at)}{author}"]


def compiled_lines(compiled: CompiledContext) -> Iterator[Line]:
    """Yield the messages that a model is sent, each with its id and tokens, and what they cost in all."""
    length = id_length(compiled.message_ids)
    parts = zip(compiled.messages, compiled.message_ids, compiled.token_counts, strict=True)
    for message, message_id, tokens in parts:
        yield [Styled(message.role, "role"), " ", short(message_id, length), Styled(f"  {tokens} tokens", "dim")]
        for line in spoken(message):
            yield f"    {line}"
    yield [Styled(f"{count(len(compiled.message_ids), 'message')}, {token_total(compiled)}", "title")]


def token_total(compiled: CompiledContext) -> str:
    """Return how many tokens a context has, and whether that is an estimate."""
    return count(compiled.token_count, "token") + ("" if compiled.tokens_exact else " (estimated)")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun; the plural has an s unless it is given."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


def import_lines(report: ImportReport, branch: str, title: str | None) -> Iterator[Line]:
    """Yield what the import of one conversation added and repaired."""
    of = f" of {preview(title, 40)!r}" if title else ""
    known = len(report.message_ids) - report.added
    parts: list[str | Styled] = [f"{branch}: added {count(report.added, 'message')}{of}"]
    parts += [f"; {known} known before"] if known else []
    parts += [" in ", short(report.commit.id)] if report.commit is not None else []
    yield parts
    if report.unanswered:
        yield f"    repaired: {count(len(report.unanswered), 'call')} without a result answered with '[no result]'"
    if report.orphans:
        yield f"    repaired: {count(len(report.orphans), 'result')} without a call kept, but skipped"
