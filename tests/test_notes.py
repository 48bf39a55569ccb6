"""Notes on commits, and the list of workspaces."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tract import ContentError, RefError, RefNameError, RefNotFoundError, RevisionError, Tract
from tract_support import Another, texts


def test_notes_are_kept_beside_the_commit(t: Tract) -> None:
    """In the order in which they came, without a change to the commit, its id, or the context."""
    head_id = t.user("one").id

    first = t.note("HEAD", "checked by hand")
    second = t.note(head_id[:8], "see \ud800 and \0")

    assert t.notes() == t.notes(head_id) == [first, second]
    assert (first.text, first.author) == ("checked by hand", "Ada")
    assert (t.head_id, texts(t)) == (head_id, ["one"])
    assert t.fsck().is_clean


def test_a_commit_without_notes_has_none(t: Tract) -> None:
    """Those of other commits are not shown."""
    t.user("one")
    t.note("HEAD", "noted")
    t.user("two")

    assert t.notes() == []
    assert [note.text for note in t.notes("HEAD^")] == ["noted"]


@pytest.mark.parametrize("text", ["", " \n", None, 3, b"x"])
def test_a_note_says_something(t: Tract, text: str) -> None:
    """What is no text is refused, and nothing is written."""
    t.user("one")

    with pytest.raises(ContentError):
        t.note("HEAD", text)

    assert t.notes() == []


def test_a_note_needs_a_commit(t: Tract) -> None:
    """An unborn branch has none."""
    with pytest.raises(RevisionError):
        t.note("HEAD", "text")
    with pytest.raises(RevisionError):
        t.notes("nowhere")


def test_notes_added_at_once_are_all_kept(t: Tract, another: Another) -> None:
    """A lost race is tried again behind the other's note."""
    t.user("one")
    writers = [another(author=name) for name in ("Bob", "Cleo", "Dan")]

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda writer: [writer.note("main", f"note {n}") for n in range(5)], writers))

    kept = t.notes()
    assert len(kept) == 15
    for writer in ("Bob", "Cleo", "Dan"):
        assert [note.text for note in kept if note.author == writer] == [f"note {n}" for n in range(5)]


def test_a_note_is_undone(t: Tract) -> None:
    """Like any operation; so is taking notes away."""
    t.user("one")
    note = t.note("HEAD", "noted")

    removed = t.remove_notes("HEAD")
    after_removal = t.notes()
    t.undo()

    assert (removed, after_removal, t.notes()) == ([note], [], [note])
    t.undo()
    assert t.notes() == []
    assert t.remove_notes("HEAD") == []


def test_workspaces_are_listed_with_their_branches(t: Tract, another: Another) -> None:
    """The own one too, before it is ever switched; another one as soon as it is."""
    t.user("one")
    before = t.workspaces()
    another(workspace="web").switch("tabs", create=True)

    assert before == {"default": "main"}
    assert t.workspaces() == {"default": "main", "web": "tabs"}


def test_a_removed_workspace_starts_anew(t: Tract, another: Another) -> None:
    """Its branch stays; opened again it stands on main; an undo brings it back."""
    t.user("one")
    web = another(workspace="web")
    web.switch("tabs", create=True)

    t.remove_workspace("web")

    assert t.workspaces() == {"default": "main"}
    assert web.current_branch == "tabs"
    assert "tabs" in t.branches()
    assert another(workspace="web").current_branch == "main"
    t.undo()
    assert another(workspace="web").current_branch == "tabs"


def test_a_workspace_in_use_or_absent_is_not_removed(t: Tract) -> None:
    """Each is an error of its own, and nothing is changed."""
    t.user("one")
    t.switch("tabs", create=True)

    with pytest.raises(RefError, match="in use"):
        t.remove_workspace("default")
    with pytest.raises(RefNotFoundError):
        t.remove_workspace("web")
    with pytest.raises(RefNameError):
        t.remove_workspace("a b")
    assert t.workspaces() == {"default": "tabs"}
