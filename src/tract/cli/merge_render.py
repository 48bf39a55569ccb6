"""Merges, replays and conflicts as lines for people, and a conflict as the text that an editor is opened on."""

from collections.abc import Iterator, Mapping

from tract.cli.render import count, id_length, short
from tract.cli.terminal import Line, Styled, one_line, preview
from tract.model.conflicts import ConflictInfo, ConflictKind
from tract.operations.merge_result import MergeResult
from tract.operations.replay_result import ReplayResult, named
from tract.protocols import Resolution

_KINDS: Mapping[ConflictKind, str] = {
    "both_edit": "both sides changed what it says",
    "skip_vs_edit": "one side skipped it, the other changed what it says",
    "mark": "one side skipped it, the other pinned or raised it",
    "edit_plus_append": "one side changed it, the other went on from what it said before",
    "fold_vs_edit": "one side put it into a summary, the other changed it",
    "fold_vs_skip": "one side put it into a summary, the other skipped it",
    "fold_overlap": "both sides put it into a summary, in different ways",
    "tool_result": "the sides have two results of one call",
    "unanswered_call": "one side left a call without its result, and something would stand behind it",
    "config": "the sides set it to two values",
    "missing_message": "the commit changed it, and the branch does not have it: 'theirs' brings it along",
    "missing_call": "the commit answers its call, and the branch does not have it: 'theirs' brings it along",
}
_MARKERS = ("<<<<<<< ", "||||||| ", "=======", ">>>>>>> ")
_SHOWN_LINES = 6
_SHOWN_CHARACTERS = 400
_DOING = {"rebase": "rebasing {1} onto {0}", "cherry_pick": "picking {0} onto {1}", "revert": "reverting {0} on {1}"}
_DONE = {"rebase": "rebased {1} onto {0}", "cherry_pick": "picked {0} onto {1}", "revert": "reverted {0} on {1}"}
_NOTHING = {
    "rebase": "{1} stands on {0} already",
    "cherry_pick": "{1} has {0} already",
    "revert": "{1} has nothing of {0} to take back",
}

Waiting = MergeResult | ReplayResult


def merge_lines(result: MergeResult) -> Iterator[Line]:
    """Yield what a merge came to, in words; with what to do next where it waits."""
    yield from _headline(result)
    for notice in result.notices:
        yield f"note: {one_line(notice.text)}"
    if result.session_id is None:
        return
    yield ""
    yield from conflict_lines(result, shown_lines=_SHOWN_LINES)
    yield from next_steps(result)


def replay_lines(result: ReplayResult) -> Iterator[Line]:
    """Yield what a rebase, cherry-pick or revert came to, in words; with what to do next where it waits."""
    at: list[str | Styled] = [" at ", short(result.commit.id)] if result.commit is not None else []
    if result.session_id is not None:
        yield [doing(result), ": ", Styled(_left(result), "warning")]
    elif result.kind == "fast_forward":
        yield [
            Styled(result.target, "branch"),
            f" had nothing of its own: it now stands where {result.source} does,",
            *at,
        ]
    elif result.committed:
        counts = [count(len(result.commits), "commit")]
        counts += [f"{len(result.dropped)} left out"] if result.dropped else []
        settled = f", {count(len(result.conflicts), 'conflict')} settled" if result.conflicts else ""
        yield [_DONE[result.verb].format(result.source, result.target), *at, f": {', '.join(counts)}{settled}"]
    else:
        yield _NOTHING[result.verb].format(result.source, result.target)
    for notice in result.notices:
        yield f"note: {one_line(notice.text)}"
    if result.session_id is not None:
        yield ""
        yield from conflict_lines(result, shown_lines=_SHOWN_LINES)
        yield from next_steps(result)


def doing(result: Waiting) -> str:
    """Return what waits, in words."""
    if isinstance(result, ReplayResult):
        return _DOING[result.verb].format(result.source, result.target)
    return f"merging {result.source} into {result.target}"


def command_of(result: Waiting) -> str:
    """Return the command that goes on with what waits."""
    return f"tract {named(result.verb)}" if isinstance(result, ReplayResult) else "tract merge"


def _left(result: Waiting) -> str:
    left = len(result.open_conflicts)
    return f"{count(left, 'conflict')} open" if left else "every conflict has an answer, and nothing is committed yet"


def _headline(result: MergeResult) -> Iterator[Line]:
    at: list[str | Styled] = [" at ", short(result.commit.id)] if result.commit is not None else []
    target = Styled(result.target, "branch")
    if result.kind == "up_to_date":
        yield [target, f" has all of {result.source} already"]
    elif result.kind == "fast_forward":
        yield [target, f" had nothing of its own: it now stands where {result.source} does,", *at]
    elif result.committed:
        settled = f", {count(len(result.conflicts), 'conflict')} settled" if result.conflicts else ""
        yield [f"merged {result.source} into ", target, *at, settled]
    else:
        yield [f"merging {result.source} into ", target, ": ", Styled(_left(result), "warning")]


def next_steps(result: Waiting) -> Iterator[Line]:
    """Yield what a person can do about what waits."""
    length = id_length(conflict.id for conflict in result.conflicts)
    command = command_of(result)
    if result.open_conflicts:
        shown = result.open_conflicts[0].id[:length]
        skip = f", '{command} --skip' leaves the commit out" if isinstance(result, ReplayResult) else ""
        yield f"'tract conflicts' shows them whole; 'tract resolve {shown} --ours' settles one,"
        yield "or --theirs, --text TEXT, --file PATH, or nothing for an editor."
        yield f"Then '{command} --continue'; '{command} --abort' gives up{skip}."
    else:
        yield f"'{command} --continue' commits it, 'tract resolve' changes an answer, '{command} --abort' gives up."


def conflict_lines(result: Waiting, *, shown_lines: int | None = None) -> Iterator[Line]:
    """Yield the conflicts of what waits with their texts, at most so many lines of each."""
    length = id_length(conflict.id for conflict in result.conflicts)
    for conflict in result.conflicts:
        yield from one_conflict(conflict, result.resolutions.get(conflict.id), length, shown_lines=shown_lines)
        yield ""


def one_conflict(
    conflict: ConflictInfo, resolution: Resolution | None, length: int, *, shown_lines: int | None = None
) -> Iterator[Line]:
    """Yield a conflict: what it is about, what each side says, what may answer it, and the answer."""
    about = ["message ", short(conflict.message_id)] if conflict.message_id is not None else [f"setting {conflict.key}"]
    yield [short(conflict.id, length), " ", Styled(conflict.conflict_type, "title"), " of ", *about]
    yield f"    {_KINDS.get(conflict.conflict_type, '')}"
    if conflict.ancestor_content_text is not None:
        yield ["    ", Styled("base", "role")]
        yield from _text_lines(conflict.ancestor_content_text, shown_lines)
    sides = (
        ("ours", conflict.commit_a, conflict.content_a_text),
        ("theirs", conflict.commit_b, conflict.content_b_text),
    )
    for name, commit, text in sides:
        yield ["    ", Styled(name, "role"), "  ", short(commit.id), Styled(f" {preview(commit.message)}", "dim")]
        if text is None and conflict.conflict_type == "config":
            text = "unset"
        if text is not None:
            yield from _text_lines(text, shown_lines)
    if not conflict.takes_text:
        yield f"    to choose from: {', '.join(conflict.choices)}"
    if conflict.needs_leave is not None:
        yield f"    a model settles this only with --allow {conflict.needs_leave}"
    if resolution is not None:
        yield ["    ", Styled("answer", "added"), Styled(_by_whom(resolution), "dim")]
        yield from _text_lines(_answer_text(resolution), shown_lines)


def _text_lines(text: str, shown_lines: int | None) -> Iterator[Line]:
    lines = text.split("\n")
    for line in lines[:shown_lines]:
        is_cut = shown_lines is not None and len(line) > _SHOWN_CHARACTERS
        yield f"        {preview(line, _SHOWN_CHARACTERS) if is_cut else line}"
    if shown_lines is not None and len(lines) > shown_lines:
        yield f"        ... and {count(len(lines) - shown_lines, 'line')} more"


def _answer_text(resolution: Resolution) -> str:
    if resolution.content is not None:
        text = getattr(resolution.content, "text", None)
        return text if isinstance(text, str) else str(resolution.content)
    return resolution.content_text if resolution.content_text is not None else "(the edit is accepted)"


def _by_whom(resolution: Resolution) -> str:
    model = (resolution.generation_config or {}).get("model")
    return f"  by {one_line(str(model))}" if model else ""


def conflict_draft(conflict: ConflictInfo) -> str:
    """Return both sides of a conflict between markers, for an editor."""
    ours, theirs = conflict.content_a_text or "", conflict.content_b_text or ""
    base = conflict.ancestor_content_text
    middle = [f"{_MARKERS[1]}base", base] if base is not None else []
    parts = [f"{_MARKERS[0]}ours", ours, *middle, _MARKERS[2], theirs, f"{_MARKERS[3]}theirs"]
    return "\n".join(parts) + "\n"


def has_markers(text: str) -> bool:
    """Tell whether a marker of the draft is left in a text."""
    return any(line.startswith((_MARKERS[0], _MARKERS[3])) for line in text.split("\n"))
