"""Every verb in any order, as a state machine of hypothesis: after each, what stands is what a plain list says."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from formats_support import faults_for_anthropic, faults_for_openai
from merge_support import faults
from tract import CorruptionError, TraceError, Tract
from tract.model.conflicts import ConflictInfo, Leave
from tract.operations.load import load_context_at
from tract.operations.merge_result import MergeResult
from tract.operations.purging import PURGED
from tract.operations.replay_result import ReplayResult
from tract.protocols import Resolution
from tract_support import Clock, another_on, answering, asking
from verb_model import Plain, Shown, lost_or_doubled, names, read_plain, shown_by, with_summaries

NUMBER = st.integers(0, 40)
STRATEGY = st.sampled_from(["auto", "manual", "ours", "theirs", "union"])
ROLE = st.sampled_from(["user", "user", "assistant", "system"])
MARK = st.sampled_from(["skipped", "skipped", "normal", "normal", "pinned", "important"])
WISHES = st.lists(st.sampled_from(["ours", "theirs", "text", "last", "leave", "abort"]), min_size=1, max_size=4)
TEXTS = ("Hello.", "One\ntwo\nthree", "One\n2\nthree", "One\ntwo\n3", "é 漢 🙂", "a" * 300, "{}", "[purged]")
LEAVE: tuple[Leave, ...] = ("system", "tool_result", "fold_vs_skip")

_MEMORY = contextlib.nullcontext()
Handle = MergeResult | ReplayResult


class VerbMachine(RuleBasedStateMachine):
    """One tract, a hub that it pushes to and pulls from, and what stands at each commit by the plain list."""

    def __init__(self, place: contextlib.AbstractContextManager[Path | str | None] = _MEMORY) -> None:
        super().__init__()
        self.closing = contextlib.ExitStack()
        self.place = self.closing.enter_context(place)
        self.t = Tract.open(self.place, author="Ada", clock=Clock(), durability="normal")
        self.hub = Tract.open(author="Hub", clock=Clock())
        self.plain: dict[str | None, Plain] = {None: Plain()}
        self.calls: dict[str, int] = {}
        self.count = 0
        self.has_purged = False

    # What the rules share

    def standing(self) -> str | None:
        """Return the id of the tip, None on an unborn branch or one that an undo took away."""
        return self.t.branches().get(self.t.current_branch or "")

    def now(self) -> Plain:
        """Return what stands at the tip."""
        return self.at(self.standing())

    def at(self, commit_id: str | None) -> Plain:
        """Return what stands at a commit, read from the store where no rule knew it."""
        if commit_id not in self.plain:
            assert commit_id is not None
            self.plain[commit_id] = read_plain(self.t, commit_id)
            self.compare(self.t, commit_id)
        return self.plain[commit_id]

    def compare(self, t: Tract, commit_id: str) -> None:
        """Check that a commit compiles to what the plain list says; what was purged stays so, said again too."""
        self.alike(shown_by(t, commit_id), self.plain[commit_id].shown())

    def alike(self, found: Shown, wanted: Shown) -> None:
        """Check that the same is shown, whatever is purged."""
        gone = {key for key, _, text in (*found, *wanted) if text == PURGED} if self.has_purged else set()
        assert [each for each in found if each[0] not in gone] == [each for each in wanted if each[0] not in gone]
        assert [key for key, *_ in found] == [key for key, *_ in wanted]

    def refs(self) -> tuple[object, ...]:
        """Return all that names commits."""
        return (self.t.branches(), self.t.tags(), self.t.current_branch)

    def text(self, number: int) -> str:
        """Return one of few texts, or a new one."""
        self.count += 1
        return TEXTS[number] if number < len(TEXTS) else f"said {self.count}"

    @contextlib.contextmanager
    def bearing(self) -> Iterator[None]:
        """Bear an error of tract's, if it is none of damage and nothing changed."""
        before = self.refs()
        try:
            yield
        except CorruptionError:
            raise
        except TraceError:
            assert self.refs() == before

    def step(self, act: Callable[[], Any], becomes: Callable[[Any], Plain]) -> None:
        """Do what makes one commit, and note what stands then."""
        tip = self.standing()
        with self.bearing():
            made = act()
            if made is not None and self.standing() != tip:
                self.plain[self.standing()] = becomes(made)

    def some(self, number: int, shown: bool = False) -> str:
        """Return a message id."""
        ids = [key for key, *_ in self.now().shown()] if shown else self.now().ids
        return ids[number % len(ids)] if ids else "none"

    def branch_name(self, number: int) -> str:
        """Return the name of a branch or tag."""
        found = [*sorted(self.t.branches()), *sorted(self.t.tags())]
        return found[number % len(found)] if found else "none"

    def commit_id(self, number: int) -> str:
        """Return a commit of any branch's history."""
        found = self.t.log(self.branch_name(number)) if self.t.branches() or self.t.tags() else []
        return found[number % len(found)].id if found else "none"

    # Saying and changing

    @initialize()
    def begin(self) -> None:
        """Say three things."""
        for role in ("system", "user", "assistant"):
            self.say(role, 40)

    @rule(role=ROLE, number=NUMBER)
    def say(self, role: str, number: int) -> None:
        """Say something."""
        before, text = self.now(), self.text(number)
        self.step(lambda: getattr(self.t, role)(text), lambda made: before.saying(role, text, made.message_id))

    @rule(count=st.integers(1, 2), answered=st.integers(0, 2))
    def ask(self, count: int, answered: int) -> None:
        """Call tools, and answer some of the calls."""
        before = self.now()
        call_ids = [f"call{number}" for number in range(count)]
        results = [answering(call_id) for call_id in call_ids[:answered]]

        def becomes(made: Any) -> Plain:
            self.calls[made.message_ids[0]] = count
            return before.asking(*made.message_ids)

        self.step(lambda: self.t.append([asking(*call_ids), *results]), becomes)

    @rule(number=st.integers(0, 1))
    def answer(self, number: int) -> None:
        """Answer a call that waits."""
        before = self.now()

        def becomes(made: Any) -> Plain:
            # Which of several calls of one id is the nearest that waits is told by tests of its own.
            name = read_plain(self.t, made.id).unit_of(made.message_id)[0]
            assert len(before.unit_of(name)) <= self.calls[name]
            return before.answered(name, made.message_id, "late")

        self.step(lambda: self.t.tool("late", tool_call_id=f"call{number}"), becomes)

    @rule(number=NUMBER, words=NUMBER)
    def edit(self, number: int, words: int) -> None:
        """Give a message other words."""
        before, key, text = self.now(), self.some(number), self.text(words)
        self.step(lambda: self.t.edit(key, text), lambda made: before.edited(key, text))

    @rule(number=NUMBER, mark=MARK)
    def mark(self, number: int, mark: Any) -> None:
        """Mark a message."""
        before, key = self.now(), self.some(number)
        self.step(lambda: self.t.mark(key, mark), lambda made: before.marked(key, mark))

    @rule(key=st.sampled_from("abc"), value=st.one_of(st.none(), st.integers(0, 3)))
    def configure(self, key: str, value: int | None) -> None:
        """Set or unset something."""
        before = self.now()
        self.step(lambda: self.t.configure({key: value}), lambda made: before.configured(key, value))

    @rule(number=NUMBER, given_up=st.booleans())
    def batch(self, number: int, given_up: bool) -> None:
        """Do several things at once, or give them up half way."""
        before, key = self.now(), self.some(number)
        text = self.text(number)

        def act() -> object:
            with contextlib.suppress(ZeroDivisionError), self.t.batch() as made:
                self.t.user(text)
                self.t.mark(key, "pinned")
                if given_up:
                    raise ZeroDivisionError
                self.t.user("then")
            return None if given_up else made

        tip = self.standing()
        with self.bearing():
            act()
            if given_up:
                assert self.standing() == tip
                return
            one, two = self.t.log(limit=1)[0].message_ids
            plain = before.saying("user", text, one).marked(key, "pinned")
            self.plain[self.standing()] = plain.saying("user", "then", two)

    # Names

    @rule(number=NUMBER, at=NUMBER)
    def branch(self, number: int, at: int) -> None:
        """Make a branch."""
        with self.bearing():
            self.t.branch(f"b{number % 4}", self.commit_id(at))

    @rule(number=NUMBER)
    def switch(self, number: int) -> None:
        """Go to another branch."""
        with self.bearing():
            self.t.switch(self.branch_name(number))

    @rule(number=NUMBER, force=st.booleans())
    def delete_branch(self, number: int, force: bool) -> None:
        """Delete a branch."""
        with self.bearing():
            self.t.delete_branch(self.branch_name(number), force=force)

    @rule(number=NUMBER, to=NUMBER)
    def rename_branch(self, number: int, to: int) -> None:
        """Give a branch another name."""
        with self.bearing():
            self.t.rename_branch(self.branch_name(number), f"b{to % 4}")

    @rule(number=NUMBER)
    def tag(self, number: int) -> None:
        """Make a tag, or delete it."""
        with self.bearing():
            name = f"t{number % 3}"
            self.t.delete_tag(name) if name in self.t.tags() else self.t.tag(name, self.commit_id(number))

    @rule(number=NUMBER)
    def reset(self, number: int) -> None:
        """Set the branch back to some commit."""
        with self.bearing():
            self.t.reset(self.commit_id(number))

    # Joining and replaying

    def settle(self, result: Handle, wishes: list[str]) -> None:
        """Settle conflicts by wishes, and finish what waits, give it up, or leave it waiting."""
        for count in range(20):
            if result.session_id is None or not result.open_conflicts:
                break
            wish = wishes[count % len(wishes)]
            if wish == "leave":
                return
            if wish == "abort":
                self.t.abort_merge() if isinstance(result, MergeResult) else self.t.abort_replay()
                return
            conflict = result.open_conflicts[0]
            try:
                result.resolve(conflict.id, self.wished(conflict, wish))
            except TraceError:
                result.resolve(conflict.id, conflict.choices[0])
        if result.session_id is not None:
            if isinstance(result, MergeResult):
                self.t.commit_merge(result)
            else:
                self.t.continue_replay(result)

    @staticmethod
    def wished(conflict: ConflictInfo, wish: str) -> str | Resolution:
        """Return an answer to a conflict."""
        if wish == "text" and conflict.takes_text:
            return Resolution("resolved", content_text="settled")
        return wish if wish in conflict.choices else conflict.choices[-1]

    def joined(
        self, act: Callable[[], Handle], other: Plain, wishes: list[str], *, removed: set[str], whole: bool
    ) -> None:
        """Do what joins another context with ours, and hold it against the laws."""
        before, tip = self.now(), self.standing()
        with self.bearing():
            result = act()
            found = {key for conflict in result.conflicts for key in self.concerned(conflict)}
            try:
                self.settle(result, wishes)
            except CorruptionError:
                raise
            except TraceError:
                assert self.standing() == tip
                return
            found |= {key for conflict in result.conflicts for key in self.concerned(conflict)}
            if self.standing() != tip:
                after = self.now()
                asked = with_summaries(found | removed, before, other, after)
                assert lost_or_doubled(before, other, after, asked, removed, whole=whole) == []

    @staticmethod
    def concerned(conflict: ConflictInfo) -> set[str]:
        """Return the messages that a conflict is about."""
        members = {member.message_id for member in conflict.members}
        return {*conflict.message_ids, *members, str(conflict.message_id)}

    @rule(number=NUMBER, strategy=STRATEGY, wishes=WISHES)
    def merge(self, number: int, strategy: Any, wishes: list[str]) -> None:
        """Merge a branch."""
        name = self.branch_name(number)
        with self.bearing():
            other = self.at(self.t.resolve_revision(name))
            self.joined(
                lambda: self.t.merge(name, strategy=strategy, allow=LEAVE), other, wishes, removed=set(), whole=True
            )

    @rule(number=NUMBER, strategy=STRATEGY, wishes=WISHES)
    def rebase(self, number: int, strategy: Any, wishes: list[str]) -> None:
        """Replay the branch on another."""
        name = self.branch_name(number)
        with self.bearing():
            other = self.at(self.t.resolve_revision(name))
            self.joined(
                lambda: self.t.rebase(name, strategy=strategy, allow=LEAVE), other, wishes, removed=set(), whole=True
            )

    @rule(number=NUMBER, strategy=STRATEGY, wishes=WISHES)
    def cherry_pick(self, number: int, strategy: Any, wishes: list[str]) -> None:
        """Replay one commit here."""
        key = self.commit_id(number)
        with self.bearing():
            other = self.at(self.t.resolve_revision(key))
            self.joined(
                lambda: self.t.cherry_pick(key, strategy=strategy, allow=LEAVE),
                other,
                wishes,
                removed=set(),
                whole=False,
            )

    @rule(number=NUMBER, strategy=STRATEGY, wishes=WISHES)
    def revert(self, number: int, strategy: Any, wishes: list[str]) -> None:
        """Take one commit's work back."""
        key = self.commit_id(number)
        with self.bearing():
            (commit,) = self.t.log(key, limit=1)
            parent = self.at(commit.parents[0] if commit.parents else None)
            removed = set(self.at(key).ids) - set(parent.ids)
            self.joined(
                lambda: self.t.revert(key, strategy=strategy, allow=LEAVE), parent, wishes, removed=removed, whole=False
            )

    @rule(wishes=WISHES)
    def finish(self, wishes: list[str]) -> None:
        """Finish what waits."""
        with self.bearing():
            waiting = self.t.merge_session() or self.t.replay_session()
            if waiting is not None:
                self.settle(waiting, wishes)

    # Summaries

    @rule(start=NUMBER, length=st.integers(0, 6))
    def compress(self, start: int, length: int) -> None:
        """Let a summary stand for some messages."""
        before = self.now()
        shown = [key for key, *_ in before.shown()]
        if not shown:
            return
        start %= len(shown)
        chosen = shown[start : start + length + 1]
        text = self.text(40)
        units = [
            unit for unit in before.shown_units() if set(unit) & set(chosen) and before.may_fold(unit, calls=self.calls)
        ]
        self.step(
            lambda: self.t.compress(f"{chosen[0]}..{chosen[-1]}", summary=text),
            lambda made: before.compressed(names(units), made.message_id, text),
        )

    @rule(number=NUMBER)
    def expand(self, number: int) -> None:
        """Show again what a summary stands for."""
        before = self.now()
        found = sorted(before.summaries)
        key = found[number % len(found)] if found else "none"
        self.step(lambda: self.t.expand(key), lambda made: before.expanded(key))

    # Time

    @rule(number=st.integers(1, 3), back=st.booleans())
    def undo(self, number: int, back: bool) -> None:
        """Take operations back; doing them again gives what was there."""
        before = self.refs()
        with self.bearing():
            self.t.undo(number)
            after = self.refs()
            self.t.redo(number)
            assert self.refs() == before
            self.t.undo(number)
            assert self.refs() == after
            if back:
                self.t.redo(number)

    @rule(number=st.integers(1, 3))
    def redo(self, number: int) -> None:
        """Do again what was taken back."""
        with self.bearing():
            self.t.redo(number)

    @rule(keep=st.sampled_from(["0s", "1h"]))
    def gc(self, keep: str) -> None:
        """Delete what nothing names; every name compiles as before."""
        before = {name: shown_by(self.t, key) for name, key in self.t.branches().items()}
        refs = self.refs()
        self.t.gc(keep=keep)
        assert self.refs() == refs
        assert {name: shown_by(self.t, key) for name, key in self.t.branches().items()} == before

    @rule(number=NUMBER)
    def purge(self, number: int) -> None:
        """Overwrite a message for good; all others stay."""
        before, key, refs = self.now(), self.some(number, shown=True), self.refs()
        with self.bearing():
            report = self.t.purge(key, confirmed=True)
            assert report.done
            assert self.refs() == refs
            self.plain, self.has_purged = {None: Plain()}, True
            pairs = list(zip(before.shown(), self.now().shown(), strict=True))
            assert {new[2] for old, new in pairs if old != new} <= {PURGED}
            assert {each: text for each, _, text in self.now().shown()}[key] == PURGED
            assert before.ids == self.now().ids

    # Others

    @rule(
        inherit=st.sampled_from(["all", "pinned"]),
        summary=st.booleans(),
        strategy=STRATEGY,
        wishes=WISHES,
        number=NUMBER,
    )
    def delegate(self, inherit: Any, summary: bool, strategy: Any, wishes: list[str], number: int) -> None:
        """Let a child work, and take in what it found."""
        self.count += 1
        with self.bearing():
            before, tip = self.now(), self.standing()
            with self.t.spawn(f"child{self.count}", inherit=inherit) as child:
                with contextlib.suppress(TraceError):
                    child.user(self.text(number))
                    child.skip(child.compile().message_ids[0])
                other = read_plain(child, str(child.head_id)) if child.head_id else Plain()
                if summary:
                    result = self.t.collapse(child, summary="It is done.")
                    assert result.commit is not None
                    self.plain[self.standing()] = before.saying("user", "It is done.", str(result.commit.message_id))
                    return
            name = f"child{self.count}"
            self.joined(
                lambda: self.t.collapse(name, strategy=strategy, allow=LEAVE), other, wishes, removed=set(), whole=True
            )
            assert tip is not None

    @rule(force=st.booleans())
    def push(self, force: bool) -> None:
        """Push the branch to the hub, which then has it as it is here."""
        with self.bearing():
            name = self.t.current_branch
            pushed = self.t.push(self.hub, force=force)
            assert self.hub.branches()[str(name)] == self.standing(), pushed
            self.compare(self.hub, str(self.standing()))

    @rule(number=NUMBER)
    def work_at_the_hub(self, number: int) -> None:
        """Let somebody else go on with a branch that was pushed."""
        found = sorted(self.hub.branches())
        with contextlib.suppress(TraceError):
            self.hub.switch(found[number % len(found)] if found else "none")
            self.hub.user(self.text(number))
            ids = self.hub.compile().message_ids
            self.hub.edit(ids[number % len(ids)], self.text(number))

    @rule(strategy=STRATEGY, wishes=WISHES, ask=st.booleans())
    def pull(self, strategy: Any, wishes: list[str], ask: bool) -> None:
        """Merge what the hub has of the branch."""
        name = str(self.t.current_branch)
        with self.bearing():
            if name in self.hub.branches():
                other = read_plain(self.hub, self.hub.branches()[name])
                self.joined(
                    lambda: self.t.pull(self.hub, strategy=strategy, allow=LEAVE),
                    other,
                    wishes,
                    removed=set(),
                    whole=True,
                )

    @rule(numbers=st.lists(NUMBER, min_size=1, max_size=4))
    def take_over(self, numbers: list[int]) -> None:
        """Import a conversation, and the same again, which is nothing new."""
        said = [{"role": "user", "content": TEXTS[number % len(TEXTS)]} for number in numbers]
        with self.bearing():
            before = self.now()
            report = self.t.import_messages(said)
            tip = self.standing()
            again = self.t.import_messages(said)
            assert (again.added, again.message_ids, self.standing()) == (0, report.message_ids, tip)
            self.alike(self.now().shown()[: len(before.shown())], before.shown())
            assert set(report.message_ids) <= set(self.now().ids)

    @rule(number=NUMBER)
    def read(self, number: int) -> None:
        """Read in every way; what comes out is not checked here, but that only typed errors do."""
        t, key = self.t, self.some(number)
        reads: tuple[Callable[[], object], ...] = (
            *(t.status, t.log, t.show, t.diff, t.reflog, t.operations, t.timeline, t.children, t.notes, t.remotes),
            *(lambda: t.blame(key), lambda: t.history(key), lambda: t.search("said"), t.export_messages),
            lambda: t.bisect(self.commit_id(number), "HEAD", lambda compiled: len(compiled.messages) < 4),
            *(lambda: t.diff(self.commit_id(number)), lambda: t.note(self.commit_id(number), "noted")),
        )
        with self.bearing():
            reads[number % len(reads)]()

    @rule()
    def begin_anew(self) -> None:
        """Go on with another object, which has nothing in mind."""
        branch = self.t.current_branch
        if self.place is None:
            fresh = another_on(self.t, author="Ada")
        else:
            fresh = Tract.open(self.place, author="Ada", clock=Clock(), durability="normal")
        self.t.close()
        self.t = fresh
        assert self.t.current_branch == branch

    # What always holds

    @invariant()
    def a_model_is_sent_what_the_list_says(self) -> None:
        """What compiles is the plain list's, valid for each provider, and whole."""
        tip = self.standing()
        if tip is None:
            return
        plain = self.at(tip)
        compiled = self.t.compile(tip, budget=10**9)
        self.compare(self.t, tip)
        assert dict(compiled.config) == plain.config
        assert faults_for_openai(compiled.to_openai()) == []
        request = compiled.to_anthropic()
        leading = [fault for fault in faults_for_anthropic(request) if fault != "the first message is not the user's"]
        assert leading == []
        assert faults(load_context_at(self.t._repo, tip)) == []
        status = self.t.status()
        assert (status.message_count, status.token_count) == (len(compiled.messages), compiled.token_count)

    def teardown(self) -> None:
        """Check the whole store, every commit that any rule knew, and another object's view."""
        try:
            assert self.t.fsck().is_clean
            assert self.hub.fsck().is_clean
            reached = {commit.id for name in (*self.t.branches(), *self.t.tags()) for commit in self.t.log(name)}
            with another_on(self.t) as fresh:
                for commit_id in sorted(reached & {key for key in self.plain if key is not None}):
                    self.compare(fresh, commit_id)
        finally:
            self.t.close()
            self.hub.close()
            self.closing.close()
