"""Blame: each line of a message leads to the commit that put it there."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import BatchError, MessageNotFoundError, Resolution, Tract
from tract_support import Clock, answering, asking


def blamed(t: Tract, message_id: str, at: str | None = None) -> list[tuple[str, str]]:
    """Return each line with the commit that it is blamed on."""
    return [(line.text, line.origin.commit.id) for line in t.blame(message_id, at).lines]


def test_each_line_leads_to_its_commit(t: Tract) -> None:
    """A line stays with who wrote it, whatever is done to the lines around it."""
    first = t.user("one\ntwo\nthree", author="Ada")
    message_id = first.message_ids[0]
    second = t.edit(message_id, "zero\none\n2\nthree", author="Bob", metadata={"generation_config": {"model": "m1"}})
    third = t.edit(message_id, "one\n2\nthree\nfour", author="Cleo")

    found = t.blame(message_id[:8])

    assert blamed(t, message_id) == [
        ("one", first.id),
        ("2", second.id),
        ("three", first.id),
        ("four", third.id),
    ]
    assert [line.number for line in found.lines] == [1, 2, 3, 4]
    assert (found.message_id, found.origin.commit, found.origin.kind) == (message_id, first, "append")
    edited = found.lines[1].origin
    assert (edited.kind, edited.commit.author, edited.model) == ("edit", "Bob", "m1")
    assert blamed(t, message_id, first.id) == [("one", first.id), ("two", first.id), ("three", first.id)]


def test_lines_are_followed_through_merges(t: Tract) -> None:
    """What the other side wrote leads to the other side's commit, and what a resolver wrote to the merge."""
    first = t.user("one\n\ntwo\n\nthree")
    message_id = first.message_ids[0]
    t.switch("other", create=True)
    theirs = t.edit(message_id, "1\n\ntwo\n\ndrei")
    new = t.user("new")
    t.switch("main")
    t.edit(message_id, "one\n\nzwei\n\ntres")

    def resolver(issue: object) -> Resolution:
        return Resolution("resolved", content_text="1\n\nzwei\n\nthree, as agreed")

    merge = t.merge("other", resolver=resolver, auto_commit=True).commit
    assert merge is not None
    ours = t.history(message_id)[1].commit

    assert blamed(t, message_id) == [
        ("1", theirs.id),
        ("", first.id),
        ("zwei", ours.id),
        ("", first.id),
        ("three, as agreed", merge.id),
    ]
    origin = t.blame(new.message_ids[0]).origin
    assert (origin.commit, origin.kind) == (new, "append")
    assert t.blame(message_id).lines[-1].origin.kind == "merge"


def test_a_message_without_text_has_no_lines(t: Tract) -> None:
    """Still it came from somewhere."""
    asked = t.append(asking("c1"))
    t.append(answering("c1", "one\ntwo"))

    found = t.blame(asked.message_ids[0])

    assert (found.origin.commit, found.lines) == (asked, ())


def test_marks_and_other_messages_touch_nothing(t: Tract) -> None:
    """Neither a pin, nor a skip, nor an edit of another message."""
    first = t.user("one")
    other = t.user("two")
    t.pin(first.message_ids[0])
    t.edit(other.message_ids[0], "2")

    assert blamed(t, first.message_ids[0]) == [("one", first.id)]


def test_several_changes_of_one_commit_are_one(t: Tract) -> None:
    """A batch that says and edits is where all its lines come from."""
    with t.batch() as batch:
        said = t.user("one\ntwo")
        t.edit(said.message_ids[0], "one\n2")
    assert batch.commit is not None

    assert blamed(t, said.message_ids[0]) == [("one", batch.commit.id), ("2", batch.commit.id)]


def test_what_is_not_there_cannot_be_blamed(t: Tract) -> None:
    """An unknown message, or one that came later; nor what a batch has not written."""
    first = t.user("one")
    later = t.user("two").message_ids[0]

    with pytest.raises(MessageNotFoundError):
        t.blame("0" * 64)
    with pytest.raises(MessageNotFoundError):
        t.blame(later, first.id)
    with t.batch(), pytest.raises(BatchError):
        t.blame(later)


def test_a_spawned_child_is_followed_into(t: Tract) -> None:
    """A child merged whole brings its own commits."""
    t.user("one")
    with t.spawn("helper") as child:
        said = child.user("found")
        t.collapse(child)

    assert t.blame(said.message_ids[0]).origin.commit == said


@dataclass
class Writer:
    """A slow, obvious blame: it notes for each line who put it there, as it writes it."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    written: int = 0

    def write(self, edits: list[tuple[int, bool]]) -> None:
        """Take lines away, or put new ones in; who does it is told later."""
        for place, is_new in edits:
            at = place % (len(self.lines) + 1)
            if is_new or len(self.lines) < 2:
                self.lines.insert(at, (f"line {self.written}", ""))
                self.written += 1
            else:
                del self.lines[at % len(self.lines)]

    def sign(self, commit_id: str) -> None:
        """Tell who wrote the lines that nobody wrote yet."""
        self.lines = [(text, by or commit_id) for text, by in self.lines]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(text for text, _ in self.lines)


EDITS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=60)
@given(st.lists(st.tuples(EDITS, st.booleans()), min_size=1, max_size=12))
def test_blame_finds_who_wrote_each_line(edits: list[tuple[list[tuple[int, bool]], bool]]) -> None:
    """As a writer who noted it says, whether an edit was made here or came by a merge."""
    writer = Writer()
    writer.write([(0, True), (0, True), (0, True)])
    with Tract.open(clock=Clock()) as t:
        said = t.user(writer.text)
        writer.sign(said.id)
        message_id = said.message_ids[0]
        for number, (edit, elsewhere) in enumerate(edits):
            writer.write(edit)
            if elsewhere:
                t.switch(f"b{number}", create=True)
            commit = t.edit(message_id, writer.text)
            writer.sign(commit.id)
            if elsewhere:
                t.switch("main")
                t.user("meanwhile")
                t.merge(f"b{number}")

        assert blamed(t, message_id) == writer.lines
