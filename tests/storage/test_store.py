"""What every store does: one suite over all of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storage_support import (
    ABSENT,
    MAIN,
    NOW,
    append,
    commit,
    facts,
    ids,
    line,
    message,
    operation,
    publish,
    record,
    rich_facts,
)
from tract.exceptions import ConcurrentMoveError, StorageError
from tract.model.commits import added_messages
from tract.model.encoding import object_id
from tract.model.words import Word
from tract.protocols import GraphNode, LoggedMove, LoggedOperation, NewBlob, Operation, RefMove, Store, TokenCount


def test_a_new_store_is_empty(store: Store) -> None:
    """Nothing is found where nothing was published."""
    assert store.refs("") == {}
    assert store.find_ref(MAIN) is None
    assert store.find_tip(MAIN) is None
    assert store.moves() == []
    assert store.chain(ABSENT) == []
    assert store.ancestry([ABSENT], 0) == {}
    assert store.commits([ABSENT]) == {}
    assert store.blobs([ABSENT]) == {}
    assert store.find_record(ABSENT) is None
    assert store.commit_ids("", 10) == []
    assert not store.has_operation(ABSENT)
    assert list(store.check()) == []


def test_what_is_published_is_read_back(store: Store) -> None:
    """A commit, its message, its counts and its facts come back as they were given."""
    blob = message("hello", o200k_base=3, other_base=4)
    made = commit((), blob, note="first", about=rich_facts())

    publish(store, [blob, made], RefMove(MAIN, None, made.commit.id))

    tip = store.find_tip(MAIN)
    assert tip is not None
    assert (tip.commit, tip.generation, tip.facts) == (made.commit, 1, rich_facts())
    assert store.commits([made.commit.id]) == {made.commit.id: tip}
    assert store.blobs([blob.id]) == {blob.id: blob.payload}
    assert store.token_counts([blob.id], "o200k_base") == {blob.id: TokenCount(3, True)}
    assert store.token_counts([blob.id], "other_base") == {blob.id: TokenCount(4, True)}
    assert list(store.check()) == []


@pytest.mark.parametrize("text", ["\0", "\ud800", "é", "\U0001f600", "<|endoftext|>", "'; DROP TABLE refs; --"])
def test_any_text_comes_back(store: Store, text: str) -> None:
    """NUL, lone surrogates and SQL survive in messages, authors, names and records."""
    blob, kept = message(text), record(text)
    made = commit((), blob, note=text)
    done = Operation(object_id("operation", b"1"), text, text, NOW)

    store.publish([blob, kept, made], [RefMove(f"heads/{text}", None, made.commit.id)], done)

    assert store.find_ref(f"heads/{text}") == made.commit.id
    assert store.moves()[0].operation == done
    assert store.find_record(kept.id) == kept.payload
    assert store.chain(made.commit.id)[0].message == text
    assert list(store.check()) == []


def test_kinds_do_not_mix(store: Store) -> None:
    """A record is no message, a message no record, and neither is a commit."""
    blob, kept = message("hello"), record("hello")
    made = commit((), blob)

    publish(store, [blob, kept, made])

    every = [blob.id, kept.id, made.commit.id]
    assert list(store.blobs(every)) == [blob.id]
    assert list(store.commits(every)) == [made.commit.id]
    assert [store.find_record(name) for name in every] == [None, kept.payload, None]


def test_publishing_objects_twice_changes_nothing(store: Store) -> None:
    """Objects that are there already are left as they are."""
    blob = message("hello", o200k_base=3)
    made = line(2)
    publish(store, [blob, *made])

    publish(store, [message("hello", o200k_base=99), *made], name="again")

    assert store.token_counts([blob.id], "o200k_base") == {blob.id: TokenCount(3, True)}
    assert ids(store.chain(made[1].commit.id)) == [made[1].commit.id, made[0].commit.id]
    assert list(store.check()) == []


def test_a_count_that_comes_later_is_kept(store: Store) -> None:
    """A message that is there without counts, or with another encoding's, takes a new one."""
    bare, counted = message("bare"), message("counted", o200k_base=5)
    publish(store, [bare, counted])

    publish(store, [message("bare", o200k_base=1), message("counted", p50k_base=6, o200k_base=7)], name="again")

    assert store.token_counts([bare.id, counted.id], "o200k_base") == {
        bare.id: TokenCount(1, True),
        counted.id: TokenCount(5, True),
    }
    assert store.token_counts([bare.id, counted.id], "p50k_base") == {counted.id: TokenCount(6, True)}


def test_counts_are_saved_for_messages_that_are_stored(store: Store) -> None:
    """Saved counts are found, in encodings old and new; one for an absent message or a record is dropped."""
    blob, kept = message("hello", o200k_base=3), record("hello")
    publish(store, [blob, kept])

    store.save_token_counts("new_base", {name: TokenCount(8, False) for name in (blob.id, kept.id, ABSENT)})
    store.save_token_counts("o200k_base", {blob.id: TokenCount(9, False)})

    assert store.token_counts([blob.id, kept.id, ABSENT], "new_base") == {blob.id: TokenCount(8, False)}
    assert store.token_counts([blob.id], "o200k_base") == {blob.id: TokenCount(3, True)}
    assert store.token_counts([blob.id], "never_seen") == {}
    assert list(store.check()) == []


def test_a_ref_moves_only_from_where_it_is_expected(store: Store) -> None:
    """A failed compare-and-set names both tips and changes nothing at all."""
    first, second, third = line(3)
    publish(store, [first, second], RefMove(MAIN, None, first.commit.id))
    blob = message("lost")

    with pytest.raises(ConcurrentMoveError) as caught:
        publish(
            store,
            [third, blob],
            RefMove("heads/a", None, second.commit.id),
            RefMove(MAIN, second.commit.id, third.commit.id),
            name="late",
        )

    assert (caught.value.ref, caught.value.expected, caught.value.found) == (MAIN, second.commit.id, first.commit.id)
    assert store.refs("") == {MAIN: first.commit.id}
    assert store.commits([third.commit.id]) == {}
    assert store.blobs([blob.id]) == {}
    assert not store.has_operation(operation("late").id)
    assert len(store.moves()) == 1


@pytest.mark.parametrize(
    ("old", "new"), [(None, "second"), ("second", "first"), ("second", None), (None, None), ("second", "second")]
)
def test_every_kind_of_move_is_refused_elsewhere(store: Store, old: str | None, new: str | None) -> None:
    """Making, moving and deleting a ref all fail if it does not stand at `old`."""
    first, second = line(2)
    names = {"first": first.commit.id, "second": second.commit.id, None: None}
    publish(store, [first, second], RefMove(MAIN, None, first.commit.id))

    with pytest.raises(ConcurrentMoveError):
        publish(store, [], RefMove(MAIN, names[old], names[new]), name="late")

    assert store.find_ref(MAIN) == first.commit.id


def test_a_ref_that_is_not_there_cannot_be_moved(store: Store) -> None:
    """The error of a move of an absent ref says that nothing was found."""
    (first,) = line(1)

    with pytest.raises(ConcurrentMoveError) as caught:
        publish(store, [first], RefMove(MAIN, first.commit.id, first.commit.id))

    assert caught.value.found is None


def test_refs_are_made_moved_and_deleted_together(store: Store) -> None:
    """One operation moves several refs, and each move is logged in order of name."""
    first, second = line(2)
    publish(
        store, [first, second], RefMove("heads/b", None, first.commit.id), RefMove("heads/c", None, first.commit.id)
    )

    moves = (
        RefMove("heads/c", first.commit.id, None),
        RefMove("heads/a", None, second.commit.id),
        RefMove("heads/b", first.commit.id, second.commit.id),
    )
    publish(store, [], *moves, name="many")

    assert store.refs("heads/") == {"heads/a": second.commit.id, "heads/b": second.commit.id}
    assert store.moves(limit=3) == [
        LoggedMove(operation("many"), move) for move in sorted(moves, key=lambda move: move.name, reverse=True)
    ]


def test_a_ref_may_name_a_ref(store: Store) -> None:
    """A workspace's target is a name, kept as it is even where it is as long as an id's bytes."""
    for name in ("heads/main", "heads/" + "x" * 26, "heads/" + "x" * 58):
        publish(store, [], RefMove(f"HEAD/{name}", None, name), name=name)

        assert store.find_ref(f"HEAD/{name}") == name
        assert store.moves(f"HEAD/{name}")[0].move.new == name
        assert store.find_tip(f"HEAD/{name}") is None


def test_a_ref_cannot_name_what_is_not_stored(store: Store) -> None:
    """A target that is an id must be stored or given."""
    (first,) = line(1)
    publish(store, [first], RefMove("heads/a", None, first.commit.id))

    for move in (RefMove(MAIN, None, ABSENT), RefMove("heads/a", first.commit.id, ABSENT)):
        with pytest.raises(StorageError, match=ABSENT):
            publish(store, [], move, name=f"bad {move.name}")

    assert store.refs("") == {"heads/a": first.commit.id}


def test_refs_are_listed_by_prefix_in_order(store: Store) -> None:
    """A prefix is text, not a pattern, and ends at nothing but itself."""
    (first,) = line(1)
    names = ["heads/a", "heads/a_b", "heads/a%", "heads/aé", "heads/b", "heads0", "tags/a", "heads/\U0001f600"]
    publish(store, [first], *[RefMove(name, None, first.commit.id) for name in names])

    assert list(store.refs("")) == sorted(names)
    assert list(store.refs("heads/")) == sorted(name for name in names if name.startswith("heads/"))
    assert list(store.refs("heads/a_")) == ["heads/a_b"]
    assert list(store.refs("heads/a%")) == ["heads/a%"]
    assert store.refs("x") == {}


def test_an_operation_is_done_once(store: Store) -> None:
    """The same operation again is a no-op, even if its moves would not fit any more."""
    first, second = line(2)
    publish(store, [first], RefMove(MAIN, None, first.commit.id), name="once")
    publish(store, [second], RefMove(MAIN, first.commit.id, second.commit.id), name="then")

    publish(store, [first], RefMove(MAIN, None, first.commit.id), name="once")

    assert store.find_ref(MAIN) == second.commit.id
    assert store.has_operation(operation("once").id)
    assert len(store.moves()) == 2


def test_an_operation_that_failed_can_be_tried_again(store: Store) -> None:
    """A refused operation is not logged, so its id stays good."""
    first, second = line(2)
    publish(store, [first], RefMove(MAIN, None, first.commit.id))
    with pytest.raises(ConcurrentMoveError):
        publish(store, [second], RefMove(MAIN, None, second.commit.id), name="retry")

    publish(store, [second], RefMove(MAIN, first.commit.id, second.commit.id), name="retry")

    assert store.find_ref(MAIN) == second.commit.id


def test_a_commit_needs_its_parents(store: Store) -> None:
    """A commit whose parent is neither stored nor given before it is refused, and the error names the parent."""
    first, second = line(2)
    merge = commit((first.commit.id, ABSENT), note="merge")

    with pytest.raises(StorageError, match=first.commit.id):
        publish(store, [second])
    with pytest.raises(StorageError, match=ABSENT):
        publish(store, [first, merge], name="merge")

    assert store.commit_ids("", 10) == []


def test_moves_are_read_newest_first(store: Store) -> None:
    """The log of all refs and of one can be read in parts."""
    made = line(5)
    old: str | None = None
    for n, new in enumerate(made):
        publish(store, [new], RefMove(MAIN, old, new.commit.id), RefMove(f"tags/{n}", None, new.commit.id), name=str(n))
        old = new.commit.id

    assert [logged.move.new for logged in store.moves(MAIN)] == ids(made)[::-1]
    assert [logged.move.new for logged in store.moves(MAIN, skip=1, limit=2)] == ids(made)[3:1:-1]
    assert [logged.move.name for logged in store.moves(skip=1, limit=2)] == [MAIN, "tags/3"]
    assert store.moves(MAIN, skip=5) == []
    assert store.moves("heads/other") == []
    assert store.moves(MAIN, limit=0) == []


def test_the_chain_can_be_cut(store: Store) -> None:
    """Skip and limit give the same as slicing the whole."""
    made = line(6)
    publish(store, made)
    whole = ids(made)[::-1]

    for skip in range(8):
        assert ids(store.chain(whole[0], skip=skip)) == whole[skip:]
        for limit in range(8):
            assert ids(store.chain(whole[0], skip=skip, limit=limit)) == whole[skip:][:limit]
    assert ids(store.chain(whole[0], skip=10**30, limit=10**30)) == []


def test_the_chain_follows_first_parents_over_forks_and_merges(store: Store) -> None:
    """A commit beside another on one parent has the same chain below it; a merge goes on with its first parent."""
    base = line(3, "base")
    left = line(2, "left", base[-1].commit.id)
    right = line(2, "right", base[1].commit.id)
    merge = commit((right[-1].commit.id, left[-1].commit.id), note="merge")

    publish(store, [*base, *left, *right, merge])

    assert ids(store.chain(left[-1].commit.id)) == ids([*base, *left])[::-1]
    assert ids(store.chain(merge.commit.id)) == ids([*base[:2], *right, merge])[::-1]
    assert ids(store.chain(merge.commit.id, skip=2, limit=2)) == ids([right[0], base[1]])


def test_ancestry_stops_at_the_floor(store: Store) -> None:
    """Parents of commits above the floor are there, with generations and all parents in order; no others are."""
    base = line(3, "base")
    left = line(2, "left", base[-1].commit.id)
    merge = commit((base[-1].commit.id, left[-1].commit.id), note="merge")
    publish(store, [*base, *left, merge])

    found = store.ancestry([merge.commit.id], 3)

    assert found == {
        merge.commit.id: GraphNode(merge.commit.id, merge.commit.parents, 6),
        left[1].commit.id: GraphNode(left[1].commit.id, left[1].commit.parents, 5),
        left[0].commit.id: GraphNode(left[0].commit.id, left[0].commit.parents, 4),
        base[2].commit.id: GraphNode(base[2].commit.id, base[2].commit.parents, 3),
    }


def test_a_merge_keeps_all_its_parents(store: Store) -> None:
    """Any number of parents, also one named twice, and a generation above the highest."""
    roots = [commit((), note=f"root {n}") for n in range(4)]
    high = commit((roots[3].commit.id,), note="high")
    merge = commit([*ids(roots), high.commit.id, roots[0].commit.id], note="merge")

    publish(store, [*roots, high, merge])

    assert store.ancestry([merge.commit.id], 2)[merge.commit.id] == GraphNode(merge.commit.id, merge.commit.parents, 3)
    assert list(store.check()) == []


def test_commits_are_found_by_prefix(store: Store) -> None:
    """Ids come in order, at most as many as asked for; what is no prefix of an id finds nothing."""
    made = line(40)
    publish(store, made)
    every = sorted(ids(made))

    assert store.commit_ids("", 100) == every
    assert store.commit_ids("", 3) == every[:3]
    for length in (1, 2, 5, 64):
        prefix = every[7][:length]
        assert store.commit_ids(prefix, 100) == [name for name in every if name.startswith(prefix)]
    for odd in ("x", "AB", every[0] + "0", "é", "\ud800", " "):
        assert store.commit_ids(odd, 100) == []


def test_what_is_no_id_is_absent(store: Store) -> None:
    """Text that is no id is never an error, and never found."""
    publish(store, line(1))

    for odd in ("", "x", "é", "\ud800", "A" * 64, "0" * 63, "\0" * 64):
        assert store.chain(odd) == []
        assert store.commits([odd, ABSENT]) == {}
        assert store.blobs([odd]) == {}
        assert store.ancestry([odd], 0) == {}
        assert store.find_record(odd) is None
        assert store.find_ref(odd) is None
        assert store.find_tip(odd) is None
        assert not store.has_operation(odd)


def test_many_objects_are_read_at_once(store: Store) -> None:
    """A list of thousands of ids, some absent and some twice, is one question."""
    blobs = [message(f"message {n}", o200k_base=n) for n in range(5000)]
    publish(store, blobs)
    wanted = [blob.id for blob in blobs]

    assert store.blobs([*wanted, ABSENT, wanted[0]]) == {blob.id: blob.payload for blob in blobs}
    assert store.token_counts(wanted, "o200k_base") == {blob.id: TokenCount(n, True) for n, blob in enumerate(blobs)}
    assert store.blobs([]) == {}


def test_a_large_message_comes_back(store: Store) -> None:
    """A message of megabytes is stored like any other."""
    blob = message("x" * 5_000_000)

    publish(store, [blob])

    assert store.blobs([blob.id]) == {blob.id: blob.payload}


def test_tracts_share_objects_and_nothing_else(store: Store) -> None:
    """A sibling sees the objects and the operations that were done, but has refs and a log of its own."""
    made = append(store, "hello")
    other = store.sibling("other")

    publish(other, [], RefMove("heads/x", None, made.id), name="other")

    assert other.find_tip(MAIN) is None
    assert other.refs("") == {"heads/x": made.id}
    assert store.refs("") == {MAIN: made.id}
    assert [logged.move.name for logged in other.moves()] == ["heads/x"]
    assert ids(other.chain(made.id)) == [made.id]
    assert store.has_operation(operation("other").id)
    assert store.tracts() == other.tracts() == ["default", "other"]
    other.close()
    assert store.find_ref(MAIN) == made.id


def test_one_operation_moves_refs_of_several_tracts(store: Store) -> None:
    """A move may name another tract, made if it is not there; each tract logs what moved in it."""
    made = append(store, "hello")

    publish(
        store, [], RefMove("child/web", None, made.id), RefMove(MAIN, None, made.id, tract="web"), name="two tracts"
    )

    with store.sibling("web") as web:
        assert web.refs("") == {MAIN: made.id}
        assert [logged.move for logged in web.moves()] == [RefMove(MAIN, None, made.id)]
    assert store.refs("") == {"child/web": made.id, MAIN: made.id}
    assert [logged.move.name for logged in store.moves(limit=1)] == ["child/web"]
    assert list(store.check()) == []


def test_a_move_refused_in_one_tract_moves_nothing_in_another(store: Store) -> None:
    """Refs of several tracts move together, or none does."""
    made = append(store, "hello")
    moves = (RefMove("child/web", None, made.id), RefMove(MAIN, ABSENT, made.id, tract="web"))

    with pytest.raises(ConcurrentMoveError) as caught:
        publish(store, [], *moves, name="two tracts")

    assert (caught.value.ref, caught.value.expected, caught.value.found) == (MAIN, ABSENT, None)
    assert store.refs("") == {MAIN: made.id}


def test_facts_are_read_with_the_tip(store: Store) -> None:
    """Each commit keeps its own facts and a generation one above its parent's."""
    made = [append(store, str(n)) for n in range(3)]

    found = store.commits(ids(made))

    assert [found[name].facts for name in ids(made)] == [facts(1), facts(2), facts(3)]
    assert [found[name].generation for name in ids(made)] == [1, 2, 3]


def test_a_closed_store_refuses(store: Store) -> None:
    """Closing twice is harmless; any other method raises."""
    append(store, "hello")
    store.close()
    store.close()

    for refused in (
        lambda: store.find_ref(MAIN),
        lambda: store.find_tip(MAIN),
        lambda: store.blobs([ABSENT]),
        lambda: store.chain(ABSENT),
        lambda: store.moves(),
        lambda: publish(store, []),
        lambda: list(store.check()),
    ):
        with pytest.raises(StorageError):
            refused()


def test_threads_share_a_store(store: Store) -> None:
    """Writers in several threads that try again after a lost race all land, once, in one line."""

    def write(writer: int) -> int:
        lost = 0
        for n in range(20):
            while True:
                try:
                    append(store, f"{writer} {n}")
                    break
                except ConcurrentMoveError:
                    lost += 1
        return lost

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    tip = store.find_tip(MAIN)
    assert tip is not None
    assert tip.generation == tip.facts.message_count == len(store.moves(MAIN)) == 80
    said = [new.blob_id for made in store.chain(tip.commit.id) for new in added_messages(made.changes)]
    assert sorted(said) == sorted(message(f"{writer} {n}").id for writer in range(4) for n in range(20))
    assert list(store.check()) == []


def test_objects_alone_leave_no_log(store: Store) -> None:
    """An operation that moves no ref inserts its objects and is not logged."""
    blob: NewBlob = message("hello")

    publish(store, [blob], name="objects")

    assert store.blobs([blob.id]) == {blob.id: blob.payload}
    assert not store.has_operation(operation("objects").id)
    assert store.moves() == []


def test_the_log_is_read_by_operation(store: Store) -> None:
    """Newest first, each with all its moves of this tract's refs in order of name, before any operation."""
    made = line(2)
    first, second = ids(made)
    one, two, three = operation("one"), operation("two"), operation("three")
    with store.sibling("other") as other:
        store.publish(made, [RefMove("heads/b", None, first), RefMove("heads/a", None, first)], one)
        store.publish([], [RefMove("heads/b", first, second), RefMove("heads/a", None, first, "other")], two)
        other.publish([], [RefMove("heads/z", None, second)], three)

        logged = store.operations()

        assert logged == [
            LoggedOperation(two, (RefMove("heads/b", first, second),)),
            LoggedOperation(one, (RefMove("heads/a", None, first), RefMove("heads/b", None, first))),
        ]
        assert store.operations(limit=1) == logged[:1]
        assert store.operations(before=two.id) == logged[1:]
        assert store.operations(before=one.id) == []
        assert store.operations(before=three.id) == store.operations(before=ABSENT) == []
        assert [found.operation for found in other.operations()] == [three, two]


def test_operations_are_found_by_the_beginning_of_their_ids(store: Store) -> None:
    """Those of this tract alone, in order of id."""
    made = line(1)
    with store.sibling("other") as other:
        publish(store, made, RefMove("heads/a", None, made[0].commit.id), name="one")
        publish(store, [], RefMove("heads/b", None, made[0].commit.id), name="two")
        publish(other, [], RefMove("heads/c", None, made[0].commit.id), name="three")

    everything = store.find_operations("", 10)

    assert [found.operation.id for found in everything] == sorted([operation("one").id, operation("two").id])
    assert store.find_operations("", 1) == everything[:1]
    assert store.find_operations(operation("two").id[:8], 10) == store.operations(limit=1)
    assert store.find_operations(operation("three").id, 10) == store.find_operations("x", 10) == []


def test_search_tells_where_words_were_recorded(store: Store) -> None:
    """Newest first, of commits that a ref ever led to; words must all be there, and a prefix be continued."""
    one, two, three = message("red apple"), message("red pear"), message("apples")
    first = commit((), one)
    second = commit((first.commit.id,), two, three)
    never = message("red apple that no ref led to")
    unseen = commit((first.commit.id,), never)
    publish(store, [one, first], RefMove(MAIN, None, first.commit.id), name="one")

    before = store.search([Word("red")], limit=10)
    publish(store, [two, three, never, second, unseen], RefMove(MAIN, first.commit.id, second.commit.id), name="two")
    publish(store, [], RefMove(MAIN, second.commit.id, None), name="three")

    def found(*words: Word, skip: int = 0, limit: int = 10) -> list[tuple[str, int, int, str]]:
        return [(at.commit_id, at.generation, at.n, at.blob_id) for at in store.search(words, skip=skip, limit=limit)]

    of_one = (first.commit.id, 1, 0, one.id)
    of_two, of_three = (second.commit.id, 2, 0, two.id), (second.commit.id, 2, 1, three.id)
    assert [at.message_id for at in before] == [added_messages(first.commit.changes)[0].message_id]
    assert found(Word("red")) == [of_two, of_one]
    assert found(Word("red"), Word("apple")) == [of_one]
    assert found(Word("apple", is_prefix=True)) == [of_three, of_one]
    assert found(Word("red"), limit=1) == [of_two]
    assert found(Word("red"), skip=1) == [of_one]
    assert found(Word("green")) == []
    assert list(store.check()) == []


def test_search_keeps_to_its_tract(store: Store) -> None:
    """What another tract recorded is not found, though it is the same object."""
    blob = message("shared")
    mine = commit((), blob)
    theirs = commit((), blob, note="theirs")
    with store.sibling("other") as other:
        publish(other, [blob, theirs], RefMove(MAIN, None, theirs.commit.id), name="one")
        before = store.search([Word("shared")], limit=10)
        publish(store, [mine], RefMove(MAIN, None, mine.commit.id), name="two")

        assert before == []
        assert [at.commit_id for at in store.search([Word("shared")], limit=10)] == [mine.commit.id]
        assert [at.commit_id for at in other.search([Word("shared")], limit=10)] == [theirs.commit.id]


def test_many_may_search_at_once(store: Store) -> None:
    """Each fills the index, and none finds a message twice."""
    for n in range(30):
        append(store, f"needle {n}")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: store.search([Word("needle")], limit=100), range(8)))

    assert [len(each) for each in found] == [30] * 8
