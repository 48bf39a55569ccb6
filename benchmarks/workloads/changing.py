"""Changing something in the middle of a long conversation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.bench import Bench
from benchmarks.harness import Act, Check, Entrant, Row, race
from tract import Tract
from tract.model.changes import Fold, NewMessage
from tract.model.encoding import live_message_id
from tract.model.messages import parse_message
from tract.operations.batch import record
from tract.operations.record import Draft, Notes

_TIMES = 5
_FOLDED = 50


def change(bench: Bench) -> Row:
    """Measure an edit, a skip and a summary in the middle, each with the compile that follows."""
    length = bench.sizes.long
    verbs: dict[str, Callable[[Tract, list[str]], object]] = {
        "edit": lambda tract, ids: tract.edit(ids[0], "Something else was said here."),
        "skip": lambda tract, ids: tract.skip(ids[1]),
        "fold": lambda tract, ids: fold(tract, ids[2:]),
    }
    entrants = [_entrant(bench, verb, f"{name}, {length:,} messages") for name, verb in verbs.items()]
    figures = race(entrants, bench.sizes.rounds)
    checks = [Check(name, found.value / 1000, 5, "ms") for name, found in zip(verbs, figures.values(), strict=True)]
    return Row("change", "change the middle of a conversation, then compile", list(figures.values()), checks)


def _entrant(bench: Bench, verb: Callable[[Tract, list[str]], object], name: str) -> Entrant:
    @contextmanager
    def prepare(_: int) -> Iterator[Act]:
        with bench.copy(bench.sizes.long) as conversation:
            tract = conversation.tract
            compiled = tract.compile()
            tract.skip(compiled.message_ids[0])
            compiled = tract.compile()
            width = min(_FOLDED + 2, len(compiled) // (2 * _TIMES + 1))
            middle = len(compiled) // 3
            ids = list(compiled.message_ids[middle : middle + width * _TIMES])

            def act() -> None:
                for time in range(_TIMES):
                    verb(tract, ids[time * width : (time + 1) * width])
                    tract.compile()

            yield act

    return Entrant(name, prepare, _TIMES)


def fold(tract: Tract, message_ids: list[str]) -> None:
    """Let a summary stand for messages."""

    def fill(draft: Draft) -> None:
        blob = parse_message({"role": "user", "content": "What was said so far, in short."})
        summary = NewMessage(live_message_id(draft.operation.id, 0), blob.id, blob.role)
        draft.add([Fold(summary.message_id, tuple(message_ids), summary)], [blob])

    record(tract._repo, "compress", fill, Notes())
