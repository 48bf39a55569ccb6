"""An append is built on the tip that was last seen, and does what one built on the present tip would do."""

import pytest

from tract import RefNotFoundError, Tract
from tract.protocols import StoredCommit
from tract_support import Another, answering, asking, say, texts


def test_others_commits_are_built_on(t: Tract, another: Another) -> None:
    """What another object appended meanwhile stands before what is said then."""
    t.user("one")
    another().user("two")

    t.user("three")

    assert texts(t) == ["one", "two", "three"]


def test_a_branch_that_another_reset_is_gone_on_with(t: Tract, another: Another) -> None:
    """A tip that the branch no longer descends from is no conflict: nothing was read of it."""
    t.user("one")
    t.user("two")
    another().reset("main~1")

    t.user("three")

    assert texts(t) == ["one", "three"]


def test_a_call_that_another_answered_is_answered(t: Tract, another: Another) -> None:
    """Whether a message may follow is asked of the present tip."""
    t.user("look")
    t.append(asking("k"))
    another().append(answering("k"))

    t.user("thanks")

    assert texts(t) == ["look", "", "found", "thanks"]


def test_a_call_that_another_made_may_be_answered(t: Tract, another: Another) -> None:
    """A result whose call the last tip does not have is looked for in the present one."""
    t.user("look")
    another().append(asking("k"))

    t.append(answering("k"))

    assert texts(t) == ["look", "", "found"]


def test_a_branch_that_another_deleted_stays_deleted(t: Tract, another: Another) -> None:
    """Appending does not bring it back."""
    t.user("one")
    other = another()
    other.switch("side", create=True)
    other.delete_branch("main", force=True)

    with pytest.raises(RefNotFoundError):
        t.append(say("user", "two"))

    assert list(other.branches()) == ["side"]


def test_a_branch_that_is_born_meanwhile_was_not_deleted(t: Tract, another: Another) -> None:
    """Another thread's first message, said while this one looks at the unborn branch, is built upon."""
    store = t._repo.store
    find_tip = store.find_tip

    def find_tip_too_early(ref: str) -> StoredCommit | None:
        store.find_tip = find_tip  # type: ignore[method-assign]
        found = find_tip(ref)
        another().user("first")
        t._repo.workspace.born = True
        return found

    store.find_tip = find_tip_too_early  # type: ignore[method-assign]

    t.user("second")

    assert texts(t) == ["first", "second"]
