"""Moving work between tracts: clone, fetch, pull and push between stores of every kind, and remotes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sharing_support import KINDS, Places, compiles, open_at, shared_refs, write_story
from tract import (
    BatchError,
    BundleError,
    MergeInProgressError,
    NonFastForwardError,
    RefExistsError,
    RefNameError,
    RefNotFoundError,
    RevisionError,
    StorageError,
    Tract,
)
from tract.facade.peers import Place
from tract_support import answering, asking, texts

PAIRS = [(one, other) for one in KINDS for other in KINDS]


@pytest.fixture
def places(tmp_path: Path, request: pytest.FixtureRequest) -> Places:
    """Stores of any kind."""
    kinds = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    wants_server = "postgres" in str(kinds)
    return Places(tmp_path, request.getfixturevalue("postgres_server_url") if wants_server else "")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Tract, Tract]]:
    """A tract with a history, and a clone of it; both in files."""
    with open_at(tmp_path / "far.db") as far:
        write_story(far)
        with Tract.clone(tmp_path / "far.db", tmp_path / "near.db", author="Eve", durability="normal") as near:
            yield far, near


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_clone_is_the_same_at_every_ref(places: Places, one: str, other: str) -> None:
    """Branches, tags and what they compile to, down to the token counts; both stores stay clean."""
    with places.tract(one) as (far, where), places.place(other) as path:
        write_story(far)

        with Tract.clone(where, path, durability="normal") as near:
            assert shared_refs(near) == shared_refs(far)
            assert compiles(near) == compiles(far)
            assert (near.current_branch, near.fsck().faults) == ("main", ())
            assert [commit.author for commit in near.log()] == [commit.author for commit in far.log()]
            assert [near.status()] == [far.status()]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_is_pushed_is_pulled(places: Places, one: str, other: str) -> None:
    """Through a third store that both know, one tract's work reaches another's, which merges and gives it back."""
    with places.tract(one) as (near, _), places.tract(other) as (hub, where), open_at(None) as third:
        write_story(near)
        assert near.push(where, tags="all").commits == len(near.log())
        assert near.push(where, "side").commits == 1
        assert third.pull(where).kind == "fast_forward"
        third.user("from the third")
        near.user("from here")
        third.push(where)

        result = near.pull(where)
        near.push(where)

        assert result.kind == "clean"
        assert texts(near)[-2:] == ["from here", "from the third"]
        assert shared_refs(hub) == shared_refs(near)
        assert compiles(hub) == compiles(near)
        assert (hub.fsck().faults, third.fsck().faults, near.fsck().faults) == ((), (), ())


def test_doing_it_again_does_nothing(pair: tuple[Tract, Tract]) -> None:
    """Fetch, push and pull of what is there already move no ref and bring no commit."""
    far, near = pair
    before = len(near._repo.store.moves()), len(far._repo.store.moves())

    fetched, pushed, pulled = near.fetch(), near.push(), near.pull()

    assert (fetched.updates, fetched.commits) == ((), 0)
    assert (pushed.updates, pushed.commits) == ((), 0)
    assert pulled.kind == "up_to_date"
    assert (len(near._repo.store.moves()), len(far._repo.store.moves())) == before


def test_a_push_that_would_drop_commits_is_refused(pair: tuple[Tract, Tract]) -> None:
    """The error names both tips, and nothing is changed; by force it is done, and the far reflog keeps what it left."""
    far, near = pair
    theirs = far.user("said over there").id
    ours = near.user("said here").id

    with pytest.raises(NonFastForwardError) as refused:
        near.push()

    assert (refused.value.ref, refused.value.ours, refused.value.theirs) == ("heads/main", ours, theirs)
    assert far.head_id == theirs
    (update,) = near.push(force=True).updates
    assert (update.old, update.new, update.forced) == (theirs, ours, True)
    assert (far.head_id, far.resolve_revision("main@{1}")) == (ours, theirs)


def test_a_pull_merges_and_leaves_conflicts_to_be_settled(pair: tuple[Tract, Tract]) -> None:
    """It is a merge like any other: it waits, and goes on."""
    far, near = pair
    message_id = near.compile().message_ids[0]
    far.edit(message_id, "Be brief.")
    near.edit(message_id, "Be long.")

    result = near.pull()

    assert (result.kind, result.source, [each.conflict_type for each in result.conflicts]) == (
        "conflict",
        "origin/main",
        ["both_edit"],
    )
    with pytest.raises(MergeInProgressError):
        near.pull()
    result.resolve(result.conflicts[0].id, "Be.")
    commit = near.commit_merge()
    assert texts(near)[0] == "Be."
    assert commit.message == "merge origin/main into main"
    assert near.push().commits == 2
    assert far.head_id == commit.id


def test_a_pull_takes_the_options_of_a_merge(pair: tuple[Tract, Tract]) -> None:
    """A strategy settles its conflicts, and a message is said about it."""
    far, near = pair
    message_id = near.compile().message_ids[0]
    far.edit(message_id, "Be brief.")
    near.edit(message_id, "Be long.")

    result = near.pull(strategy="theirs", message="as they say")

    assert (result.committed, texts(near)[0], near.log(limit=1)[0].message) == (True, "Be brief.", "as they say")


def test_a_pull_of_a_place_that_is_no_remote_names_it(tmp_path: Path) -> None:
    """The merge commit says which branch of what was merged; no tracking ref is made."""
    with open_at(tmp_path / "far.db") as far, open_at(None) as near:
        far.user("one")
        near.pull(tmp_path / "far.db")
        far.user("two")
        near.user("three")

        near.pull(tmp_path / "far.db")

        assert near.log(limit=1)[0].message == f"merge main of {tmp_path / 'far.db'} into main"
        assert near.remote_branches() == {}


def test_fetched_branches_are_revisions(pair: tuple[Tract, Tract]) -> None:
    """`origin/main` and its like can be read, merged and branched from; branches of one's own stay."""
    far, near = pair
    before = near.branches()
    far.user("newer")
    far.branch("fix/typo", "main~1")

    result = near.fetch()

    assert near.branches() == before
    assert near.resolve_revision("origin/main") == far.head_id == result.branches["main"]
    assert near.resolve_revision("origin/fix/typo~0") == far.branches()["fix/typo"]
    assert near.resolve_revision("origin/main@{1}") == before["main"]
    assert texts(near, "origin/main")[-1] == "newer"
    assert sorted(near.remote_branches()) == ["origin/fix/typo", "origin/main", "origin/side"]
    assert sorted(update.ref for update in result.updates) == ["remotes/origin/fix/typo", "remotes/origin/main"]


def test_a_fetch_of_one_branch_brings_no_other(pair: tuple[Tract, Tract]) -> None:
    """What only other branches have stays over there."""
    far, near = pair
    far.switch("side")
    far.append([{"role": "tool", "tool_call_id": "d", "content": "found"}])
    far.switch("main")
    far.user("newer")

    result = near.fetch("origin", "main")

    assert (result.commits, list(result.branches)) == (1, ["main"])
    with pytest.raises(RefNotFoundError):
        near.fetch("origin", "nowhere")


def test_a_rewritten_branch_is_fetched_as_it_is(pair: tuple[Tract, Tract]) -> None:
    """The update says that it left commits behind."""
    far, near = pair
    far.reset("main~1")
    far.user("instead")

    (update,) = near.fetch().updates

    assert (update.ref, update.new, update.forced) == ("remotes/origin/main", far.head_id, True)


def test_branches_that_are_gone_are_forgotten_when_asked(pair: tuple[Tract, Tract]) -> None:
    """Only `prune` takes a tracking ref away, and only that."""
    far, near = pair
    far.delete_branch("side", force=True)

    near.fetch()
    kept = "origin/side" in near.remote_branches()
    near.fetch(prune=True)

    assert kept
    assert list(near.remote_branches()) == ["origin/main"]
    assert "side" in near.branches()


def test_tags_come_with_what_is_fetched(pair: tuple[Tract, Tract]) -> None:
    """Reachable ones unless asked otherwise; one that stands elsewhere here stays, and is reported."""
    far, near = pair
    near.delete_tag("end")
    near.delete_tag("start")
    near.tag("start", "main")
    far.branch("away")
    far.switch("away")
    far.tag("hidden", far.user("aside").id)
    far.switch("main")
    far.delete_branch("away", force=True)

    without = near.fetch(tags="none")
    reachable = near.fetch()

    assert without.updates == ()
    assert [update.ref for update in reachable.updates] == ["tags/end"]
    assert reachable.tags_kept == ("start",)
    assert near.tags()["start"] == near.head_id
    near.fetch(tags="all")
    assert near.tags()["hidden"] == far.tags()["hidden"]


def test_tags_are_pushed_by_name(pair: tuple[Tract, Tract]) -> None:
    """None unless asked for; one that stands elsewhere is replaced by force alone."""
    far, near = pair
    near.tag("one")
    near.tag("two")
    near.push()
    none_yet = set(far.tags())

    near.push(tags=["one"])

    assert none_yet == {"start", "end"}
    assert set(far.tags()) == {"start", "end", "one"}
    near.user("more")
    near.delete_tag("one")
    near.tag("one")
    with pytest.raises(RefExistsError):
        near.push(tags="all")
    assert far.head_id != near.head_id
    near.push(tags="all", force=True)
    assert far.tags() == near.tags()
    with pytest.raises(RefNotFoundError):
        near.push(tags=["nowhere"])


def test_a_push_may_name_the_branch_over_there(pair: tuple[Tract, Tract]) -> None:
    """`to` is its name there, and where it is then seen."""
    far, near = pair

    near.push("origin", "side", to="eve/side")

    assert far.branches()["eve/side"] == near.branches()["side"] == near.remote_branches()["origin/eve/side"]


def test_what_waits_and_where_workspaces_stand_never_travel(pair: tuple[Tract, Tract]) -> None:
    """Sessions of merges, remembered answers, workspaces and remotes stay where they were made."""
    far, near = pair
    message_id = near.compile().message_ids[0]
    far.edit(message_id, "Be brief.")
    near.edit(message_id, "Be long.")
    result = near.pull(strategy="manual")
    result.resolve(result.conflicts[0].id, "Be.")
    near.abort_merge()
    near.switch("side")
    near.switch("main")
    near.pull(strategy="ours")
    near.merge("origin/side", strategy="ours")
    near.push()

    with Tract.clone(near) as third:
        travelled = [*third._repo.store.refs(""), *far._repo.store.refs("")]

    assert {name.split("/")[0] for name in travelled} == {"heads", "tags", "HEAD"}


def test_tracts_of_other_names(tmp_path: Path) -> None:
    """`name` says which tract of a store; without it, the one that is called the same, or as the remote says."""
    place = tmp_path / "store.db"
    with open_at(place, name="web") as far, open_at(None, name="web") as near:
        far.user("hello")
        assert near.pull(place).kind == "fast_forward"
        near.user("more")
        near.push(place, name="copy")

        with Tract.clone(place, name="copy", as_name="mine") as third:
            assert (texts(third), third._repo.store.tract) == (["hello", "more"], "mine")
            assert third.remotes()["origin"].tract == "copy"
            third.user("again")
            third.push()

        assert Tract.tracts(place) == ["copy", "web"]
        with open_at(place, name="copy") as copy:
            assert texts(copy) == ["hello", "more", "again"]
        assert texts(far) == ["hello"]
        with pytest.raises(RefNotFoundError):
            near.fetch(place, name="nowhere")
        assert Tract.tracts(place) == ["copy", "web"]


def test_tracts_of_one_store_share_what_they_have(tmp_path: Path) -> None:
    """Between two tracts in one file nothing is copied."""
    place = tmp_path / "store.db"
    with open_at(place, name="one") as one, open_at(place, name="two") as two:
        one.user("hello")

        result = two.fetch(place, name="one")

        assert (result.commits, result.branches) == (0, one.branches())


def test_an_unborn_branch_pulls(tmp_path: Path) -> None:
    """A new tract takes over what it pulls; one without commits has nothing to push."""
    with open_at(tmp_path / "far.db") as far, open_at(None) as near:
        with pytest.raises(RefNotFoundError):
            near.push(tmp_path / "far.db")
        with pytest.raises(RefNotFoundError):
            near.pull(tmp_path / "far.db")
        far.user("hello")

        assert near.pull(tmp_path / "far.db").kind == "fast_forward"
        assert texts(near) == ["hello"]


def test_a_clone_of_nothing_is_empty(tmp_path: Path) -> None:
    """It knows where it comes from, and can push there."""
    with open_at(tmp_path / "far.db") as far, Tract.clone(tmp_path / "far.db") as near:
        assert (near.branches(), near.current_branch, near.head_id) == ({}, "main", None)
        near.user("first")
        near.push()

        assert texts(far) == ["first"]


def test_a_clone_stands_where_the_other_tract_stands(tmp_path: Path) -> None:
    """On its branch; where that is not there, on `main`, else on the first there is."""
    with open_at(tmp_path / "far.db") as far:
        far.user("hello")
        far.switch("work", create=True)
        with Tract.clone(tmp_path / "far.db") as near:
            assert near.current_branch == "work"
        far.switch("main")
        far.delete_branch("work", force=True)
        far.rename_branch("main", "trunk")
        far.switch("trunk")
        far._repo.store.publish([], [], far._repo.operation("nothing"))
        with Tract.clone(tmp_path / "far.db") as near:
            assert near.current_branch == "trunk"


def test_a_clone_into_what_has_branches_is_refused(pair: tuple[Tract, Tract], tmp_path: Path) -> None:
    """Nothing of it is changed."""
    _, near = pair
    before = near._repo.store.refs("")

    with pytest.raises(RefExistsError):
        Tract.clone(tmp_path / "far.db", tmp_path / "near.db")

    assert near._repo.store.refs("") == before


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    """To read from, a store must be there; a word that is no remote is not taken for a path."""
    with open_at(None) as t:
        t.user("hello")
        with pytest.raises(StorageError):
            t.fetch(tmp_path / "nowhere.db")
        with pytest.raises(StorageError):
            Tract.clone(tmp_path / "nowhere.db", tmp_path / "new.db")
        with pytest.raises(RefNotFoundError):
            t.push("orgin")
        with pytest.raises(RefNotFoundError):
            t.push()

    assert list(tmp_path.iterdir()) == []


def test_a_push_makes_a_store(tmp_path: Path) -> None:
    """Where there is none."""
    with open_at(None) as t:
        t.user("hello")
        t.push(tmp_path / "new.db")

    with open_at(tmp_path / "new.db") as made:
        assert texts(made) == ["hello"]


def test_a_push_into_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """The file stays as it was."""
    (tmp_path / "notes.txt").write_text("dear diary")
    with open_at(None) as t:
        t.user("hello")
        with pytest.raises(StorageError):
            t.push(tmp_path / "notes.txt")

    assert (tmp_path / "notes.txt").read_text() == "dear diary"


def test_remotes_are_kept_by_name(t: Tract, tmp_path: Path) -> None:
    """Added once, listed, and forgotten with where their branches were seen; a path is kept from the root on."""
    with open_at(tmp_path / "far.db") as far:
        far.user("hello")
    t.add_remote("far", tmp_path / "far.db", tract="default")
    t.fetch("far")

    assert {name: (remote.url, remote.tract) for name, remote in t.remotes().items()} == {
        "far": (str(tmp_path / "far.db"), "default")
    }
    assert t.resolve_revision("far/main") == t.fetch().branches["main"]
    with pytest.raises(RefExistsError):
        t.add_remote("far", tmp_path / "other.db")
    with pytest.raises(RefNameError):
        t.add_remote("a/b", tmp_path / "other.db")
    assert t.fsck().is_clean
    t.remove_remote("far")
    assert (t.remotes(), t.remote_branches()) == ({}, {})
    with pytest.raises(RefNotFoundError):
        t.remove_remote("far")
    with pytest.raises(RevisionError):
        t.resolve_revision("far/main")


def test_a_password_is_not_kept() -> None:
    """What is kept of a URL is all but its password, wherever that stands."""
    with open_at(None) as t:
        kept = t.add_remote("hub", "postgresql://me:secret@host/db?schema=s&password=secret&sslmode=require")

        assert kept == t.remotes()["hub"]
        assert kept.url == "postgresql://me@host/db?schema=s&sslmode=require"


def test_the_default_remote_is_origin_or_the_only_one(tmp_path: Path) -> None:
    """Of several without `origin` none is meant."""
    with open_at(tmp_path / "far.db") as far, open_at(None) as t:
        far.user("hello")
        t.add_remote("one", tmp_path / "far.db")
        assert t.fetch().branches == far.branches()
        t.add_remote("two", tmp_path / "nowhere.db")
        with pytest.raises(RefNotFoundError):
            t.fetch()
        t.add_remote("origin", tmp_path / "far.db")
        assert t.fetch().source == str(tmp_path / "far.db")


def test_a_branch_of_ones_own_does_not_hide_what_is_pulled(pair: tuple[Tract, Tract]) -> None:
    """A branch named `origin/main` is another thing than the remote's `main`."""
    far, near = pair
    near.branch("origin/main", "start")
    far.user("newer")

    near.pull()

    assert near.head_id == far.head_id


def test_no_transfer_inside_a_batch(t: Tract) -> None:
    """What is written is one commit; history moves before or after it."""
    other: Place = t
    t.user("hello")
    for act in (t.fetch, t.pull, t.push):
        with pytest.raises(BatchError), t.batch():
            act(other)


def test_a_long_history_travels_in_several_parcels(tmp_path: Path) -> None:
    """Hundreds of commits, edits among them, with forks and merges, arrive equal and clean."""
    with open_at(tmp_path / "far.db") as far:
        first = far.user("0")
        for n in range(1, 150):
            far.user(str(n))
            if n % 30 == 0:
                far.edit(first.message_ids[0], f"first, edited at {n}")
                far.branch(f"side-{n}")
                far.switch(f"side-{n}")
                for m in range(40):
                    far.user(f"{n} {m}")
                far.switch("main")
                far.merge(f"side-{n}", no_ff=True)

        with Tract.clone(tmp_path / "far.db", tmp_path / "near.db", durability="normal") as near:
            assert compiles(near) == compiles(far)
            assert near.status() == far.status()
            assert near.fsck().is_clean


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_purged_stays_so(places: Places, kind: str, tmp_path: Path) -> None:
    """A tombstone travels, to a store or in a bundle: the message has its place and its calls, and says nothing."""
    with places.tract(kind) as (far, where), places.place(kind) as path:
        said = far.user("my key is sk-1234")
        asked = far.append([asking("a"), answering("a", "sk-1234 works")])
        edited = far.edit(said.message_ids[0], "my key is sk-5678")
        far.user("more")
        for message_id in (*said.message_ids, *asked.message_ids):
            far.purge(message_id, confirmed=True)
        far.bundle(tmp_path / "purged.bundle")

        with Tract.clone(where, path, durability="normal") as near, Tract.clone(tmp_path / "purged.bundle") as unpacked:
            for copy in (near, unpacked):
                assert copy.compile().to_openai() == far.compile().to_openai()
                assert copy.compile(edited.parents[0]).to_openai() == far.compile(edited.parents[0]).to_openai()
                assert (copy.fsck().faults, copy.fsck().purged) == ((), far.fsck().purged)
            assert near.status().token_count == near.compile().token_count
            far.pull(near)
            assert b"sk-" not in (tmp_path / "purged.bundle").read_bytes()


def test_what_was_purged_elsewhere_is_kept_here(tmp_path: Path) -> None:
    """A tombstone takes the place of nothing that is there, and what is purged here does not come back."""
    with open_at(tmp_path / "far.db") as far, open_at(None) as near:
        said = far.user("my key is sk-1234")
        near.pull(tmp_path / "far.db")
        far.purge(said.message_ids[0], confirmed=True)
        far.user("my key is sk-1234")
        near.pull(tmp_path / "far.db")
        assert texts(near) == ["my key is sk-1234"] * 2
        near.purge(said.message_ids[0], confirmed=True)

        with Tract.clone(near) as third:
            third.pull(near)

            assert texts(third) == ["[purged]"] * 2


@pytest.mark.parametrize("place", [5, 0, ["hub.db"], b"hub.db", 2.5], ids=repr)
def test_what_is_no_place_is_refused(t: Tract, place: Any) -> None:
    """Neither a path nor a URL: an error that says so, for every verb that takes one."""
    t.user("hello")
    verbs: list[Callable[[Any], object]] = [t.push, t.fetch, t.pull, Tract.clone, t.bundle, t.verify_bundle]

    for verb in verbs:
        with pytest.raises((StorageError, BundleError), match="named by a path"):
            verb(place)
