"""Steps of a history, read as changes alone, are the commits' changes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_support import ids, line, publish
from tract import CorruptionError
from tract.model.changes import Append, Change, Configure, Edit, NewMessage, SetMark
from tract.model.commits import build_commit, parse_commits, parse_steps
from tract.model.encoding import decode_all, encode
from tract.protocols import Store

IDS = st.text("0123456789abcdef", min_size=64, max_size=64)
ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
PLAIN = st.builds(NewMessage, IDS, IDS, ROLES)
CALLING = st.builds(NewMessage, IDS, IDS, ROLES, st.tuples(st.text(max_size=5)), st.text(max_size=5), IDS)
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Append, PLAIN),
    st.builds(Append, CALLING),
    st.builds(Edit, IDS, IDS),
    st.builds(SetMark, IDS, st.just("pinned")),
    st.builds(Configure, st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)),
)


@given(
    st.lists(IDS, max_size=2),
    st.one_of(st.builds(Append, PLAIN).map(lambda change: [change]), st.lists(CHANGES, max_size=3)),
    st.one_of(st.none(), st.text(max_size=5)),
    st.text(max_size=8),
)
def test_a_step_is_what_its_commit_says(
    parents: list[str], changes: list[Change], message: str | None, author: str
) -> None:
    """Whether its bytes are recognised by their shape or parsed."""
    made, payload = build_commit(
        parents, changes, message=message, author=author, created_at=datetime(2026, 1, 2, tzinfo=UTC)
    )

    (step,) = parse_steps([made.id], [payload])

    assert step == (made.parents[:1], made.changes)
    assert parse_commits([made.id], [payload]) == [made]


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"parents":[],"changes":[{"do":"what"}],"time":1}', b"1", b"{"])
def test_what_is_no_commit_is_no_step(payload: bytes) -> None:
    """The error is the one that reading it as a commit gives."""
    with pytest.raises(CorruptionError):
        parse_steps(["0" * 64], [payload])
    with pytest.raises(CorruptionError):
        parse_commits(["0" * 64], [payload])


@given(st.lists(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)), max_size=600))
def test_many_payloads_are_read_as_each_alone(values: list[object]) -> None:
    """However many there are."""
    assert list(decode_all([encode(value) for value in values])) == values


def test_payloads_that_are_json_only_together_are_not_json() -> None:
    """What one lacks another cannot make up for."""
    with pytest.raises(CorruptionError):
        list(decode_all([b'{"a":1', b'"b":2}']))


@pytest.mark.parametrize(("skip", "limit"), [(0, None), (0, 2), (3, None), (2, 3), (50, None)])
def test_steps_are_the_chain_unread(store: Store, skip: int, limit: int | None) -> None:
    """The same ids, and of any number of the newest the changes, oldest first."""
    made = line(300)
    publish(store, made)
    tip = made[-1].commit.id
    chain = store.chain(tip, skip=skip, limit=limit)

    steps = store.steps(tip, skip=skip, limit=limit)

    assert list(steps.ids) == [commit.id for commit in chain]
    assert steps.is_whole == (limit is None)
    for count in (0, 1, len(chain) // 2, len(chain)):
        expected = [change for commit in reversed(chain[:count]) for change in commit.changes]
        assert list(steps.changes(count)) == expected


def test_steps_of_nothing_are_none(store: Store) -> None:
    """An id that no commit has."""
    assert ids([]) == list(store.steps("0" * 64).ids)
