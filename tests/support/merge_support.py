"""What the tests of merging share: random contexts made by changes, and a plain check of what must hold of any."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tract.history.fold import apply_changes, result_ids
from tract.history.merge import MergePlan, Settled, plan_merge, settle
from tract.model.changes import Append, Change, Configure, Edit, Fold, Mark, Move, NewMessage, SetMark, Unfold
from tract.model.conflicts import Answer, Conflict
from tract.model.context import Context, Entry
from tract.model.messages import parse_message

EXAMPLES = int(os.environ.get("TRACT_MERGE_EXAMPLES", "60"))
law = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

BLOBS: dict[str, Mapping[str, Any]] = {}
"""Every message that a test made, by blob id."""

Op = tuple[str, int, int]
_KINDS = [
    *("user", "reply", "call", "system", "result", "result", "edit", "edit", "edit"),
    *("skip", "skip", "unskip", "pin", "important", "fold", "fold", "fold", "expand", "expand"),
    *("configure", "unset", "move"),
]
OPS = st.lists(st.tuples(st.sampled_from(_KINDS), st.integers(0, 6), st.integers(0, 3)), max_size=6)
BASE_OPS: list[Op] = [
    ("system", 0, 0),
    ("user", 0, 0),
    ("reply", 0, 0),
    ("call", 0, 1),
    ("result", 0, 0),
    ("result", 0, 0),
    ("user", 0, 0),
]


def keep(fields: Mapping[str, Any]) -> str:
    """Return the blob id of a message, and keep the message for `load`."""
    blob = parse_message(fields)
    BLOBS[blob.id] = blob.fields
    return blob.id


def load(blob_id: str) -> Mapping[str, Any]:
    """Return a message that a test made."""
    return BLOBS[blob_id]


def text(blob_id: str) -> Any:
    """Return the content of a message that a test made."""
    return BLOBS[blob_id]["content"]


def new(message_id: str, role: str, content: str, calls: Sequence[str] = ()) -> NewMessage:
    """Return a message as a change brings it in."""
    fields: dict[str, Any] = {"role": role, "content": content}
    if calls:
        fields["tool_calls"] = [
            {"id": call, "type": "function", "function": {"name": "f", "arguments": "{}"}} for call in calls
        ]
    return NewMessage(message_id, keep(fields), role, tuple(calls))


def answer_to(assistant: Entry, call: str, content: str) -> NewMessage:
    """Return a tool's result as a change brings it in."""
    message_id = result_ids(assistant)[assistant.calls.index(call)]
    blob_id = keep({"role": "tool", "content": content, "tool_call_id": call})
    return NewMessage(message_id, blob_id, "tool", (), call, assistant.message_id)


def edited(entry: Entry, content: str) -> Edit:
    """Return the change that gives a message other words."""
    return Edit(entry.message_id, keep({**BLOBS[entry.blob_id], "content": content}))


def folded(summary_id: str, message_ids: Iterable[str]) -> Fold:
    """Return the change that lets a new summary stand for messages."""
    return Fold(summary_id, tuple(message_ids), new(summary_id, "user", f"summary {summary_id}"))


def units(context: Context) -> list[Entry]:
    """Return the entries that exchanges go by, in order."""
    return [entry for entry in context.entries if entry.answers is None]


def shown_units(context: Context) -> list[Entry]:
    """Return the units that a model sees."""
    return [entry for entry in units(context) if context.is_visible(entry)]


def missing_results(context: Context, unit: Entry) -> list[str]:
    """Return the call ids of a unit that have no result."""
    return [
        call
        for call, result_id in zip(unit.calls, result_ids(unit), strict=True)
        if context.position(result_id) is None
    ]


class _Turn(NamedTuple):
    """One random step: where it happens, its tag, its two numbers, and what can be acted on."""

    context: Context
    tag: str
    name: str
    i: int
    j: int
    shown: list[Entry]

    @property
    def unit(self) -> Entry:
        return self.shown[self.i % len(self.shown)]

    @property
    def is_open(self) -> bool:
        return any(missing_results(self.context, unit) for unit in self.shown)


def play(context: Context, ops: Iterable[Op], tag: str) -> Context:
    """Return the context that random steps make of another; a step that does not fit is left out."""
    for number, (op, i, j) in enumerate(ops):
        turn = _Turn(context, tag, f"{tag}{number}", i, j, shown_units(context))
        step = _STEPS[op]
        context = apply_changes(context, step(turn) if turn.shown or op in ("system", "user") else ())
    return context


def _say(role: str) -> Callable[[_Turn], list[Change]]:
    def step(turn: _Turn) -> list[Change]:
        calls = [f"k{number}" for number in range(1 + turn.j % 2)] if role == "call" else []
        name = turn.name + ("x" if turn.context.position(turn.name) is not None else "")
        speaker = "assistant" if role in ("call", "reply") else role
        return [] if turn.is_open else [Append(new(name, speaker, f"c{turn.name}", calls))]

    return step


def _result(turn: _Turn) -> list[Change]:
    for unit in turn.shown:
        for call in missing_results(turn.context, unit)[:1]:
            return [Append(answer_to(unit, call, f"r{turn.tag}{turn.j}"))]
    return []


def _edit(turn: _Turn) -> list[Change]:
    members = turn.context.exchange(turn.unit.message_id)
    return [edited(members[turn.j % len(members)], f"e{turn.tag}{turn.j}")]


def _mark(mark: Mark) -> Callable[[_Turn], list[Change]]:
    def step(turn: _Turn) -> list[Change]:
        if mark == "skipped" and missing_results(turn.context, turn.unit):
            return []
        return [] if mark == "pinned" and turn.unit.summary else [SetMark(turn.unit.message_id, mark)]

    return step


def _unskip(turn: _Turn) -> list[Change]:
    hidden = [unit for unit in units(turn.context) if unit.mark == "skipped" and unit.folded_into is None]
    return [SetMark(hidden[turn.i % len(hidden)].message_id, "normal")] if hidden and not turn.is_open else []


def _fold(turn: _Turn) -> list[Change]:
    start = turn.i % len(turn.shown)
    ids = [
        unit.message_id
        for unit in turn.shown[start : start + 2 + turn.j]
        if unit.mark != "pinned" and unit.role != "system" and not missing_results(turn.context, unit)
    ]
    free = turn.context.position(turn.name) is None
    return [folded(turn.name, ids)] if ids and free else []


def _expand(turn: _Turn) -> list[Change]:
    summaries = [unit for unit in turn.shown if unit.summary]
    return [Unfold(summaries[turn.i % len(summaries)].message_id)] if summaries else []


def _move(turn: _Turn) -> list[Change]:
    if turn.is_open or turn.unit.role == "system":
        return []
    others = [unit.message_id for unit in units(turn.context) if unit != turn.unit]
    return [Move(turn.unit.message_id, ([None, *others])[turn.j % (len(others) + 1)])]


_STEPS: dict[str, Callable[[_Turn], list[Change]]] = {
    "user": _say("user"),
    "reply": _say("reply"),
    "call": _say("call"),
    "system": _say("system"),
    "result": _result,
    "edit": _edit,
    "skip": _mark("skipped"),
    "pin": _mark("pinned"),
    "important": _mark("important"),
    "unskip": _unskip,
    "fold": _fold,
    "expand": _expand,
    "move": _move,
    "configure": lambda turn: [Configure({"ab"[turn.i % 2]: turn.j})],
    "unset": lambda turn: [Configure({"ab"[turn.i % 2]: None})],
}


class Triple(NamedTuple):
    """A base and what two sides made of it."""

    base: Context
    ours: Context
    theirs: Context

    def swapped(self) -> "Triple":
        """Return the triple as the other side sees it."""
        return Triple(self.base, self.theirs, self.ours)

    def plan(self, **options: Any) -> MergePlan:
        """Return the plan of the merge."""
        return plan_merge(*self, load=load, **options)


def started() -> Context:
    """Return the conversation that random histories start with."""
    return play(Context(), BASE_OPS, "b")


@st.composite
def triples(draw: st.DrawFn, without: tuple[str, ...] = ()) -> Triple:
    """Draw a conversation and what two sides made of it; steps named in `without` do not occur."""
    base, ours, theirs = ([op for op in draw(OPS) if op[0] not in without] for _ in range(3))
    start = play(started(), base, "c")
    return Triple(start, play(start, ours, "o"), play(start, theirs, "t"))


CHOICES = st.lists(st.sampled_from(["ours", "theirs", "other", "text"]), min_size=1, max_size=6)


def choose(conflict: Conflict, wish: str) -> Answer:
    """Return an answer that fits a conflict and is as near to a wish as can be."""
    if wish == "text" and conflict.takes_text:
        return Answer(text="V")
    return Answer(conflict.choices[-1] if wish not in conflict.choices else wish)


def resolve(plan: MergePlan, wishes: Sequence[str]) -> Settled:
    """Return a plan settled by answers that follow wishes, one after the other."""
    answers: dict[str, Answer] = {}
    settled = settle(plan, answers)
    while settled.open_conflicts:
        asked = settled.open_conflicts[0]
        assert asked.id not in answers, "an answered conflict is settled"
        answers[asked.id] = choose(asked, wishes[len(answers) % len(wishes)])
        settled = settle(plan, answers)
    BLOBS.update({blob.id: blob.fields for blob in settled.new_blobs.values()})
    return settled


def compiled(context: Context) -> list[str]:
    """Return what a model sees: the blobs, in order."""
    return [entry.blob_id for entry in context.visible()]


def faults(context: Context) -> list[str]:
    """Return what is wrong with a context, found the plain way: everything looked at, nothing shared with the merge."""
    entries = {entry.message_id: entry for entry in context.entries}
    found = [] if len(entries) == len(context.entries) else ["a message is there twice"]
    found += _misplaced_results(context, entries)
    found += _misplaced_folds(context, entries)
    for summary_id in entries:
        found += _untrue_summary(context, entries, summary_id)
    return found


def _outermost(entries: Mapping[str, Entry], unit: str) -> str:
    for _ in range(len(entries) + 1):
        into = entries[unit].folded_into
        if into is None:
            return unit
        unit = into
    return ""


def _is_shown(entries: Mapping[str, Entry], unit: str) -> bool:
    entry = entries[unit]
    if entry.mark == "skipped" or entry.folded_into is not None:
        return False
    return not entry.summary or any(other.folded_into == unit for other in entries.values())


def _misplaced_results(context: Context, entries: Mapping[str, Entry]) -> list[str]:
    found, unit, shown = [], None, []
    for entry in context.entries:
        if entry.answers is None:
            unit = entry.message_id
            if _is_shown(entries, unit):
                shown.append(entry)
        elif entry.answers != unit:
            found.append(f"result {entry.message_id} is away from its call")
        elif entry.mark != "normal" or entry.folded_into is not None:
            found.append(f"result {entry.message_id} has a mark of its own")
    still_open = [entry for entry in shown[:-1] if any(item not in entries for item in result_ids(entry))]
    return found + [f"something stands behind the open call {entry.message_id}" for entry in still_open]


def _misplaced_folds(context: Context, entries: Mapping[str, Entry]) -> list[str]:
    found = []
    for entry in context.entries:
        if entry.folded_into is None:
            continue
        top = _outermost(entries, entry.message_id)
        if not top or not entries[entry.folded_into].summary:
            found.append(f"{entry.message_id} is folded into nothing")
        elif entry.mark in ("pinned", "skipped"):
            found.append(f"{entry.message_id} is {entry.mark} and folded")
        elif entry.summary and not any(other.folded_into == entry.message_id for other in context.entries):
            found.append(f"{entry.message_id} stands for nothing and is folded")
        elif entries[top].mark != "skipped" and not _is_shown(entries, top):
            found.append(f"{entry.message_id} is lost in {top}")
    return found


def _untrue_summary(context: Context, entries: Mapping[str, Entry], summary_id: str) -> list[str]:
    """Return what a visible summary tells that is not so, tells beside itself, or does not tell though it should."""
    if not entries[summary_id].summary or not _is_shown(entries, summary_id):
        return []
    told, found = context.seen[summary_id], []
    for message_id, blob_id in told.items():
        head = entries[message_id].answers or message_id
        top = _outermost(entries, head)
        if entries[message_id].blob_id != blob_id:
            found.append(f"{summary_id} tells what {message_id} no longer says")
        if entries[head].mark == "skipped":
            found.append(f"{summary_id} tells {head}, which is skipped")
        if top != summary_id and _is_shown(entries, top) and entries[head].mark != "pinned":
            found.append(f"{summary_id} tells {head}, which is shown")
    for entry in context.entries:
        head = entry.answers or entry.message_id
        if not entry.summary and _outermost(entries, head) == summary_id and entry.message_id not in told:
            found.append(f"{summary_id} does not tell {entry.message_id}")
    return found
