"""Merge bases, ancestry and walks over the commit graph."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract.history.graph import ahead, is_ancestor, merge_bases, walk
from tract.protocols import GraphNode

Graph = dict[str, GraphNode]


def graph_of(parents: dict[str, tuple[str, ...]]) -> Graph:
    """Return the graph of commits given parents first."""
    nodes: Graph = {}
    for commit_id, ids in parents.items():
        nodes[commit_id] = GraphNode(commit_id, ids, 1 + max((nodes[item].generation for item in ids), default=0))
    return nodes


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph of up to 14 commits with up to 3 parents each, several roots among them."""
    parents: dict[str, tuple[str, ...]] = {}
    for number in range(draw(st.integers(2, 14))):
        choices = list(parents)[-5:]
        chosen = draw(st.lists(st.sampled_from(choices), max_size=3, unique=True)) if choices else []
        parents[f"{draw(st.integers(0, 99)):02d}-{number}"] = tuple(chosen)
    return graph_of(parents)


def closure(graph: Graph, tips: Iterable[str]) -> set[str]:
    """Return all that is reached from some commits, themselves included."""
    found: set[str] = set()
    waiting = list(tips)
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in found:
            found.add(commit_id)
            waiting.extend(graph[commit_id].parents)
    return found


def naive_bases(graph: Graph, ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """Return the common ancestors that no other common ancestor reaches."""
    common = closure(graph, ours) & closure(graph, theirs)
    return sorted(one for one in common if not any(one in closure(graph, [two]) for two in common - {one}))


def recording(graph: Graph) -> tuple[Callable[[str], GraphNode], list[str]]:
    """Return a lookup, and the list of what was asked of it."""
    asked: list[str] = []

    def lookup(commit_id: str) -> GraphNode:
        asked.append(commit_id)
        return graph[commit_id]

    return lookup, asked


def straight(count: int) -> dict[str, tuple[str, ...]]:
    """Return a history of one line, `0` the root."""
    return {str(number): ((str(number - 1),) if number else ()) for number in range(count)}


@settings(max_examples=200, deadline=None)
@given(graphs(), st.data())
def test_merge_bases_are_the_best_common_ancestors(graph: Graph, data: st.DataObject) -> None:
    """Any two sets of commits have the bases that the definition gives."""
    sets = st.lists(st.sampled_from(sorted(graph)), min_size=1, max_size=3)
    ours, theirs = data.draw(sets), data.draw(sets)

    found = merge_bases(ours, theirs, graph.__getitem__)

    assert found == naive_bases(graph, ours, theirs)


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_is_ancestor_means_reached(graph: Graph, data: st.DataObject) -> None:
    """A commit is an ancestor exactly of what reaches it, itself included."""
    one, two = data.draw(st.sampled_from(sorted(graph))), data.draw(st.sampled_from(sorted(graph)))

    assert is_ancestor(one, two, graph.__getitem__) == (one in closure(graph, [two]))


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_walk_passes_every_ancestor_once_newest_first(graph: Graph, data: st.DataObject) -> None:
    """A walk is the closure of its tips, by generation downwards, then by id."""
    tips = data.draw(st.lists(st.sampled_from(sorted(graph)), min_size=1, max_size=3))

    found = list(walk(tips, graph.__getitem__))

    assert found == sorted((graph[item] for item in closure(graph, tips)), key=lambda node: (-node.generation, node.id))


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_ahead_is_the_difference_of_closures(graph: Graph, data: st.DataObject) -> None:
    """What is ahead is reached from the one and not from the other, in the order of a walk."""
    one, two = data.draw(st.sampled_from(sorted(graph))), data.draw(st.sampled_from(sorted(graph)))

    found = ahead(one, two, graph.__getitem__)

    expected = closure(graph, [one]) - closure(graph, [two])
    assert found == [node for node in walk(one, graph.__getitem__) if node.id in expected]


def test_bases_of_a_fork_look_up_nothing_below_it() -> None:
    """Finding the base of two short branches costs what is above it, however long the shared history."""
    parents = straight(5_000)
    parents |= {"a": ("4999",), "b": ("4999",), "b2": ("b",)}
    lookup, asked = recording(graph_of(parents))

    found = merge_bases("a", "b2", lookup)

    assert found == ["4999"]
    assert sorted(asked) == ["4999", "a", "b", "b2"]


def test_walk_looks_up_no_more_than_it_gives() -> None:
    """The first commits of a long history are had without looking at the rest."""
    lookup, asked = recording(graph_of(straight(1_000)))

    nodes = walk("999", lookup)
    first, second = next(nodes), next(nodes)

    assert (first.id, second.id) == ("999", "998")
    assert asked == ["999", "998"]


def test_ancestry_of_a_newer_commit_looks_at_nothing_older() -> None:
    """Whether a recent commit is in a branch's history is answered above its generation."""
    parents = straight(1_000) | {"side": ("990",)}
    lookup, asked = recording(graph_of(parents))

    found = is_ancestor("side", "999", lookup)

    assert not found
    assert len(asked) < 15


@pytest.mark.parametrize("tangles", [1, 2_000])
def test_criss_cross_history_of_any_length_has_two_bases(tangles: int) -> None:
    """A long ladder of cross merges neither recurses too deep nor loses a base."""
    parents: dict[str, tuple[str, ...]] = {"root": (), "a0": ("root",), "b0": ("root",)}
    for number in range(tangles):
        parents[f"a{number + 1}"] = (f"a{number}", f"b{number}")
        parents[f"b{number + 1}"] = (f"b{number}", f"a{number}")
    graph = graph_of(parents)

    found = merge_bases(f"a{tangles}", f"b{tangles}", graph.__getitem__)

    assert found == [f"a{tangles - 1}", f"b{tangles - 1}"]
    assert is_ancestor("root", f"a{tangles}", graph.__getitem__)


def test_histories_without_a_common_root_have_no_base() -> None:
    """Unrelated commits have no base."""
    graph = graph_of({"a": (), "b": (), "c": ("a",)})

    assert merge_bases("c", "b", graph.__getitem__) == []
