"""Rebase, cherry-pick and revert of random conversations through the verbs, against a plain replay of a plain list."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tract import Tract

law = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

STEP = st.tuples(st.sampled_from(["say", "say", "edit", "skip", "pin", "set"]), st.integers(0, 9), st.integers(0, 99))
STEPS = st.lists(STEP, max_size=6)
Step = tuple[str, int, int]


class Plain:
    """What the verbs are held against: a list of message ids with a text and a mark for each, and settings."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}
        self.marks: dict[str, str] = {}
        self.config: dict[str, Any] = {}

    def do(self, act: tuple[str, str, Any]) -> None:
        """Do one thing; saying what was said before does nothing."""
        kind, key, value = act
        if kind == "say" and key not in self.texts:
            self.ids.append(key)
            self.texts[key], self.marks[key] = value, "normal"
        elif kind == "edit":
            self.texts[key] = value
        elif kind == "mark":
            self.marks[key] = value
        elif kind == "set":
            self.config[key] = value

    def shown(self) -> list[tuple[str, str]]:
        """Return what a model sees."""
        return [(key, self.texts[key]) for key in self.ids if self.marks[key] != "skipped"]


def act(t: Tract, step: Step, targets: list[str], tag: str) -> tuple[str, str, Any] | None:
    """Take one step on the branch, and return what it did; None where it changed nothing."""
    kind, which, value = step
    head = t.head_id
    target = targets[which % len(targets)]
    done: tuple[str, str, Any]
    if kind == "say":
        done = ("say", str(t.user(f"{tag} {value}").message_id), f"{tag} {value}")
        targets.append(done[1])
    elif kind == "edit":
        t.edit(target, f"{tag} edits {value}")
        done = ("edit", target, f"{tag} edits {value}")
    elif kind == "set":
        t.configure({f"{tag}{which}": value})
        done = ("set", f"{tag}{which}", value)
    else:
        t.mark(target, "skipped" if kind == "skip" else "pinned")
        done = ("mark", target, "skipped" if kind == "skip" else "pinned")
    return None if t.head_id == head else done


def play(t: Tract, steps: Iterable[Step], targets: list[str], tag: str) -> list[tuple[str, str, Any]]:
    """Take steps on the branch, and return what they did."""
    found = (act(t, step, targets, tag) for step in steps)
    return [done for done in found if done is not None]


def started(t: Tract, shared: list[Step]) -> tuple[list[tuple[str, str, Any]], list[str]]:
    """Begin a conversation of four messages and more, and return what was done and the ids for either side to touch."""
    ids = [str(t.user(f"start {number}").message_id) for number in range(4)]
    done = [("say", key, f"start {number}") for number, key in enumerate(ids)]
    return [*done, *play(t, shared, ids, "shared")], ids


def shown(t: Tract) -> list[tuple[str, str]]:
    """Return what a model sees."""
    compiled = t.compile()
    return list(zip(compiled.message_ids, [message.text for message in compiled.messages], strict=True))


@law
@given(STEPS, STEPS, STEPS)
def test_a_rebase_is_the_branchs_own_acts_done_after_the_others(
    shared: list[Step], ours: list[Step], theirs: list[Step]
) -> None:
    """Where the two sides touch different messages, what compiles is `main`, then what the branch did, one by one."""
    with Tract.open() as t:
        plain = Plain()
        common, ids = started(t, shared)
        t.branch("topic")
        on_main = play(t, ours, ids[::2], "main")
        main_head = t.head_id
        t.switch("topic")
        on_topic = play(t, theirs, ids[1::2], "topic")

        result = t.rebase("main")

        for done in (*common, *on_main, *on_topic):
            plain.do(done)
        assert shown(t) == plain.shown()
        assert dict(t.compile().config) == plain.config
        assert result.open_conflicts == ()
        assert main_head in {commit.id for commit in t.log()}
        assert len(result.commits) == len(on_topic) * bool(on_main)
        assert t.fsck().is_clean


@law
@given(STEPS, STEPS, STEPS)
def test_picking_is_replaying_and_picking_twice_adds_nothing(
    shared: list[Step], ours: list[Step], theirs: list[Step]
) -> None:
    """What is picked compiles as if it were done here, and the last of it picked again is nothing."""
    with Tract.open() as t:
        plain = Plain()
        common, ids = started(t, shared)
        fork = t.head_id
        t.branch("topic")
        on_main = play(t, ours, ids[::2], "main")
        t.switch("topic")
        on_topic = play(t, theirs, ids[1::2], "topic")
        t.switch("main")

        t.cherry_pick(f"{fork}..topic")
        again = t.cherry_pick("topic") if on_topic else t.cherry_pick(f"{fork}..topic")

        for done in (*common, *on_main, *on_topic):
            plain.do(done)
        assert shown(t) == plain.shown()
        assert (again.kind, again.commits) == ("up_to_date", ())
        assert t.fsck().is_clean


@law
@given(STEPS, st.data())
def test_what_is_reverted_newest_first_is_undone_and_its_revert_restores_it(shared: list[Step], data: Any) -> None:
    """A model sees what it saw before the commits, and after a revert of the revert what it saw last."""
    with Tract.open() as t:
        started(t, shared)
        head, before = t.head_id, shown(t)
        count = data.draw(st.integers(1, len(t.log()) - 1))
        earlier = t.compile(f"HEAD~{count}")

        result = t.revert(f"HEAD~{count}..HEAD")

        assert [message.text for message in t.compile().messages] == [message.text for message in earlier.messages]
        assert t.compile().config == earlier.config
        t.revert(f"{head}..HEAD")
        assert shown(t) == before
        assert result.commits
        assert t.fsck().is_clean


def test_the_laws_hold_for_a_file_too(path: Path) -> None:
    """A rebase of many commits in a file is found clean, and its facts are those of the compiled context."""
    with Tract.open(path, durability="normal") as t:
        t.user("start")
        t.branch("topic")
        t.user("main's")
        t.switch("topic")
        for number in range(30):
            t.user(f"topic {number}")
        t.rebase("main")

        status, compiled = t.status(), t.compile()

        assert (status.message_count, status.token_count) == (32, compiled.token_count)
        assert t.fsck().is_clean
