"""Bundles: a branch with its history in one file, whole or refused, and with nothing that was not checked."""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sharing_support import KINDS, Places, compiles, open_at, shared_refs, write_story
from storage_support import NOW
from tract import BundleError, PrerequisitesError, RefNotFoundError, RevisionError, TraceError, Tract, TransferError
from tract.formats import bundle as bundle_format
from tract.formats.bundle import Bundle, BundleHeader, Piece, write_bundle
from tract.model.changes import (
    Append,
    Change,
    Configure,
    Edit,
    Fold,
    Insert,
    Move,
    NewMessage,
    SetMark,
    Unfold,
    change_to_json,
)
from tract.model.commits import build_commit
from tract.model.encoding import encode, live_message_id, object_id, result_message_id
from tract.model.refs import INCOMING
from tract_support import texts

MAIN = "heads/main"
Dump = tuple[dict[str, str], list[str], int]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a bundle may be written."""
    return tmp_path / "work.bundle"


@pytest.fixture
def near() -> Iterator[Tract]:
    """A tract that bundles are pulled into."""
    with open_at(None) as opened:
        yield opened


def dump(t: Tract) -> Dump:
    """Return all that a store in memory holds: refs, objects, and moves."""
    store: Any = t._repo.store
    return store.refs(""), sorted(store._memory.payloads), len(store.moves())


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_is_pulled_from(tmp_path: Path, file: Path, request: pytest.FixtureRequest, kind: str) -> None:
    """A clone of a bundle of all branches is the tract; the file can be read by its owner alone."""
    server = request.getfixturevalue("postgres_server_url") if kind == "postgres" else ""
    places = Places(tmp_path, server)
    with places.tract(kind) as (far, _), places.place(kind) as path:
        write_story(far)

        report = far.bundle(file, "main", "side")

        assert report.refs == shared_refs(far)
        assert (report.prerequisites, report.missing) == ((), ())
        assert os.stat(file).st_mode & 0o777 == 0o600
        with Tract.clone(file, path, durability="normal") as near:
            assert (shared_refs(near), compiles(near)) == (shared_refs(far), compiles(far))
            assert near.fsck().is_clean
            assert near.pull().kind == "up_to_date"


def test_a_bundle_takes_one_branch_with_what_it_needs(near: Tract, file: Path) -> None:
    """The current one unless others are named, and the tags on its history alone."""
    with open_at(None) as far:
        far.user("shared")
        far.tag("shared")
        far.switch("side", create=True)
        far.tag("aside", far.user("aside").id)
        far.switch("main")
        far.user("more")

        report = far.bundle(file)

        assert report.refs == {MAIN: far.head_id, "tags/shared": far.tags()["shared"]}
        assert (report.commits, report.messages) == (2, 2)
        assert near.fetch(file).branches == {"main": far.head_id}
        assert near.tags() == {"shared": far.tags()["shared"]}


def test_a_bundle_may_build_on_what_the_other_has(near: Tract, file: Path) -> None:
    """With `since` it holds only what is newer, and says what must be there; else the error names what is missing."""
    with open_at(None) as far:
        old = far.user("old")
        far.bundle(file)
        near.pull(file)
        far.user("new")

        report = far.bundle(file, since="main~1")

        assert (report.commits, report.prerequisites) == (1, (old.id,))
        with open_at(None) as stranger:
            before = dump(stranger)
            with pytest.raises(PrerequisitesError) as refused:
                stranger.fetch(file)
            assert (refused.value.commit_ids, stranger.verify_bundle(file).missing) == ((old.id,), (old.id,))
            assert dump(stranger) == before
        assert near.verify_bundle(file).missing == ()
        near.pull(file)
        assert texts(near) == ["old", "new"]


def test_nothing_to_write_is_an_error(file: Path) -> None:
    """As are branches and revisions that are not there; the file stays as it was."""
    file.write_bytes(b"before")
    with open_at(None) as t:
        with pytest.raises(RefNotFoundError):
            t.bundle(file)
        t.user("hello")
        with pytest.raises(BundleError):
            t.bundle(file, since="main")
        with pytest.raises(RefNotFoundError):
            t.bundle(file, "nowhere")
        with pytest.raises(RevisionError):
            t.bundle(file, since=["nowhere"])
        with pytest.raises(BundleError):
            t.bundle(file / "no folder" / "x.bundle")

    assert (file.read_bytes(), os.listdir(file.parent)) == (b"before", [file.name])


def test_a_bundle_in_many_pieces(near: Tract, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that fill several frames, and commits in several groups, arrive whole."""
    monkeypatch.setattr(bundle_format, "_FULL_FRAME", 1000)
    with open_at(None) as far:
        far.append([{"role": "user", "content": f"{n} " + "x" * 300} for n in range(50)])
        for n in range(40):
            far.user(str(n % 7))

        far.bundle(file)

        near.pull(file)
        assert texts(near) == texts(far)
        assert near.fsck().is_clean


def small_bundle(file: Path) -> bytes:
    """Write a small bundle, and return its bytes."""
    with open_at(None) as far:
        far.user("hello")
        far.bundle(file)
    return file.read_bytes()


def refused(t: Tract, file: Path, error: type[TraceError] = TransferError) -> str:
    """Return what is said about a bundle that is refused whole, by each verb that reads one."""
    before = dump(t)
    for act in (t.fetch, t.pull, t.verify_bundle, Tract.clone):
        with pytest.raises(error) as raised:
            act(file)
    assert dump(t) == before
    return str(raised.value)


def test_each_flipped_byte_is_found(near: Tract, file: Path) -> None:
    """Whichever byte is altered, the bundle is refused and nothing is written."""
    whole = small_bundle(file)
    before = dump(near)

    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BundleError):
            near.fetch(file)

    assert dump(near) == before


def test_each_truncation_is_found(near: Tract, file: Path) -> None:
    """Wherever the file is cut off, or goes on, it is refused and nothing is written."""
    whole = small_bundle(file)
    before = dump(near)

    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(BundleError):
            near.fetch(file)
    file.write_bytes(whole + b"\0")
    with pytest.raises(BundleError):
        near.fetch(file)

    assert dump(near) == before


def test_another_version_is_refused_by_name(near: Tract, file: Path) -> None:
    """A bundle of a later tract says so."""
    whole = small_bundle(file)
    place = len(bundle_format.MAGIC) + 1
    changed = whole[:place] + b"\2" + whole[place + 1 : -32]
    file.write_bytes(changed + hashlib.sha256(changed).digest())

    assert "another version" in refused(near, file, BundleError)


def test_what_is_no_bundle_is_refused(near: Tract, tmp_path: Path) -> None:
    """A text, an empty file, a folder."""
    (tmp_path / "notes.txt").write_text("dear diary")
    (tmp_path / "empty").touch()

    for name in ("notes.txt", "empty"):
        assert "no bundle" in refused(near, tmp_path / name, BundleError)
    with pytest.raises(TraceError):
        near.fetch(tmp_path)


@dataclass(frozen=True)
class Frames:
    """The parts that a bundle is written from, to be written wrongly."""

    totals: tuple[int, int, int]
    frames: Sequence[tuple[bytes, int, bytes]]

    def write(self, file: Path) -> None:
        """Write a bundle whose digest is right, whatever it holds."""
        body = bundle_format.MAGIC + struct.pack(">H", 1) + struct.pack(">QQQ", *self.totals)
        for kind, size, packed in self.frames:
            body += struct.pack(">cII", kind, len(packed), size) + packed
        file.write_bytes(body + hashlib.sha256(body).digest())


def frame(kind: bytes, data: bytes) -> tuple[bytes, int, bytes]:
    """Return a frame as it must be."""
    return kind, len(data), zlib.compress(data)


HEADER = encode({"refs": {}, "head": None, "prerequisites": []})
END = frame(b"E", b"")
LISTED = struct.pack(">I", 4) + b"none"

WRONG = {
    "a frame that grows larger than it says": Frames(
        (len(HEADER) + 10, 0, 1), [frame(b"R", HEADER), (b"M", 10, zlib.compress(b"\0" * 1000)), END]
    ),
    "a frame larger than any may be": Frames((2**31, 0, 1), [frame(b"R", HEADER), (b"M", 2**31, b"x"), END]),
    "a frame smaller than it says": Frames(
        (len(HEADER) + 99, 0, 1), [frame(b"R", HEADER), (b"M", 99, zlib.compress(LISTED)), END]
    ),
    "more than it says": Frames((len(HEADER), 0, 1), [frame(b"R", HEADER), frame(b"M", LISTED), END]),
    "less than it says": Frames((len(HEADER) + 9, 0, 0), [frame(b"R", HEADER), END]),
    "fewer objects than it says": Frames((len(HEADER), 1, 0), [frame(b"R", HEADER), END]),
    "more than is allowed": Frames((2**63, 0, 0), [frame(b"R", HEADER), END]),
    "no refs": Frames((0, 0, 0), [END]),
    "refs that are a list": Frames((2, 0, 0), [frame(b"R", b"[]"), END]),
    "refs that are no JSON": Frames((2, 0, 0), [frame(b"R", b"{]"), END]),
    "refs to numbers": Frames((47, 0, 0), [frame(b"R", b'{"head":null,"prerequisites":[],"refs":{"a":1}}'), END]),
    "a frame that is not packed": Frames((len(HEADER) + 4, 0, 1), [frame(b"R", HEADER), (b"M", 4, b"none"), END]),
    "a frame of another kind": Frames(
        (len(HEADER) + len(LISTED), 0, 1), [frame(b"R", HEADER), frame(b"X", LISTED), END]
    ),
    "an object that is cut off": Frames((len(HEADER) + 5, 0, 1), [frame(b"R", HEADER), frame(b"M", LISTED[:5]), END]),
    "a length that is cut off": Frames((len(HEADER) + 2, 0, 1), [frame(b"R", HEADER), frame(b"M", LISTED[:2]), END]),
    "messages without commits": Frames(
        (len(HEADER) + len(LISTED), 0, 1), [frame(b"R", HEADER), frame(b"M", LISTED), END]
    ),
    "no end": Frames((len(HEADER), 0, 0), [frame(b"R", HEADER)]),
    "something behind the end": Frames((len(HEADER), 0, 0), [frame(b"R", HEADER), END, END]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_bundle_that_lies_about_itself_is_refused(near: Tract, file: Path, wrong: str) -> None:
    """The digest may be right: sizes are checked before anything is unpacked, and what is unpacked after."""
    WRONG[wrong].write(file)

    refused(near, file, BundleError)


def test_a_reader_may_allow_less(file: Path) -> None:
    """What a bundle holds unpacked is compared with the reader's limit first of all."""
    small_bundle(file)

    with pytest.raises(BundleError):
        Bundle(file, limit_bytes=100)


USER = encode({"role": "user", "content": "hello"}, sort_keys=False)
CALLING = encode(
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    sort_keys=False,
)
RESULT = encode({"role": "tool", "tool_call_id": "a", "content": "found"}, sort_keys=False)
FIRST, SECOND, THIRD = (live_message_id(str(n) * 64, n) for n in range(3))


def new(message_id: str, payload: bytes = USER, **facts: Any) -> NewMessage:
    """Return a message that comes in."""
    told = {"role": "user", **({"role": "assistant", "calls": ("a",)} if payload is CALLING else {}), **facts}
    return NewMessage(message_id, object_id("blob", payload), **told)


def commit(changes: Sequence[Change], *parents: str) -> bytes:
    """Return a commit's bytes."""
    return build_commit(parents, changes, created_at=NOW)[1]


def raw_commit(**fields: object) -> bytes:
    """Return a commit's bytes with any fields."""
    return encode({"changes": [change_to_json(Append(new(FIRST)))], "parents": [], "time": 1} | fields)


BASE = commit([Append(new(FIRST))])
BASE_ID = object_id("commit", BASE)
ANSWER = result_message_id(SECOND, "a")


def on_base(*changes: Change) -> list[bytes]:
    """Return a good commit and one upon it."""
    return [BASE, commit(changes, BASE_ID)]


MALICIOUS: dict[str, tuple[list[bytes], list[bytes]]] = {
    "an edit of what is not there": (on_base(Edit(SECOND, object_id("blob", USER))), [USER]),
    "a message twice": (on_base(Append(new(FIRST))), [USER]),
    "an edit that changes the role": (on_base(Edit(FIRST, object_id("blob", CALLING))), [USER, CALLING]),
    "another role than the message's": ([commit([Append(new(FIRST, role="system"))])], [USER]),
    "calls that the message has not": ([commit([Append(new(FIRST, calls=("x",)))])], [USER]),
    "something behind an open call": (on_base(Append(new(SECOND, CALLING)), Append(new(THIRD))), [USER, CALLING]),
    "a result without a call": (on_base(Append(new(SECOND, RESULT, role="tool", call_id="a"))), [USER, RESULT]),
    "a result of another message": (
        on_base(Append(new(ANSWER, RESULT, role="tool", call_id="a", answers=FIRST))),
        [USER, RESULT],
    ),
    "a result inserted under another id": (
        on_base(
            Insert(new(SECOND, CALLING), FIRST),
            Insert(new(THIRD, RESULT, role="tool", call_id="a", answers=SECOND), FIRST),
        ),
        [USER, CALLING, RESULT],
    ),
    "a result inserted beside another call": (
        on_base(
            Insert(new(SECOND, CALLING), FIRST),
            Insert(new(ANSWER, RESULT, role="tool", call_id="a", answers=SECOND), None),
        ),
        [USER, CALLING, RESULT],
    ),
    "a mark that there is not": (on_base(SetMark(FIRST, "loud")), [USER]),  # type: ignore[arg-type]
    "a fold of nothing": (on_base(Fold(SECOND, (), new(SECOND))), [USER]),
    "an unfold of what is no summary": (on_base(Unfold(FIRST)), [USER]),
    "a move behind itself": (on_base(Move(FIRST, FIRST)), [USER]),
    "a model that is no text": (on_base(Configure({"model": 5})), [USER]),
    "a setting that is no number": ([BASE, raw_commit(parents=[BASE_ID]).replace(b'"time":1', b'"time":NaN')], [USER]),
    "a parent that does not come": ([BASE, commit([], "0" * 64)], [USER]),
    "a child before its parent": (list(reversed(on_base())), [USER]),
    "a message that does not come": ([BASE], []),
    "a message that nobody names": ([BASE], [USER, CALLING]),
    "a message that is none": ([BASE], [USER, b'{"role":"bard","content":"sing"}']),
    "a message written otherwise": (
        [commit([Append(new(FIRST, b'{ "role":"user","content":"x"}'))])],
        [b'{ "role":"user","content":"x"}'],
    ),
    "a commit that is no JSON": ([b"{"], []),
    "a commit that is a list": ([b"[]"], []),
    "a commit with a field of its own": ([raw_commit(extra=1)], [USER]),
    "a commit written otherwise": ([raw_commit() + b" "], [USER]),
    "a change that there is not": ([raw_commit(changes=[{"do": "sing"}])], [USER]),
    "parents that are a text": ([raw_commit(parents="0")], [USER]),
    "a parent that is a number": ([raw_commit(parents=[5])], [USER]),
    "a time that is a text": ([raw_commit(time="now")], [USER]),
    "a time beyond all": ([raw_commit(time=10**30)], [USER]),
    "an author that is a number": ([raw_commit(author=5)], [USER]),
    "metadata that are a list": ([raw_commit(metadata=[1])], [USER]),
    "a message's id that is none": ([raw_commit(changes=[change_to_json(Append(new("5")))])], [USER]),
    "settings that are a list": ([raw_commit(changes=[{"do": "configure", "settings": [1]}])], []),
    "settings without an end": (
        [b'{"changes":[{"do":"configure","settings":{"a":' + b"[" * 5000 + b"]" * 5000 + b'}}],"parents":[],"time":1}'],
        [],
    ),
}


@pytest.mark.parametrize("case", MALICIOUS)
def test_a_malicious_bundle_changes_nothing(near: Tract, file: Path, case: str) -> None:
    """Its digest and hashes are right, but what it holds is not: the error says so, and the store is as before."""
    commits, messages = MALICIOUS[case]
    near.user("here before")
    before = dump(near)
    head = object_id("commit", commits[-1])
    write_bundle(file, BundleHeader({MAIN: head}, MAIN, []), [Piece(commits, messages)])

    for act in (near.fetch, Tract.clone):
        with pytest.raises(TransferError):
            act(file)

    assert dump(near) == before
    assert near.fsck().is_clean


def test_what_came_before_a_bad_commit_harms_nobody(near: Tract, file: Path) -> None:
    """In a bundle of several pieces good commits are stored before a later one is refused; no branch names them."""
    bad = commit([Append(new(FIRST))], BASE_ID)
    pieces = [Piece([BASE], [USER]), Piece([bad], [])]
    write_bundle(file, BundleHeader({MAIN: object_id("commit", bad)}, MAIN, []), pieces)

    with pytest.raises(TransferError):
        near.fetch(file)

    assert all(ref.startswith(INCOMING) for ref in near._repo.store.refs(""))
    assert near.fsck().is_clean


def header(**fields: Any) -> BundleHeader:
    """Return a header that is wrong in some field."""
    return BundleHeader(**{"refs": {MAIN: BASE_ID}, "head": MAIN, "prerequisites": [], **fields})


@pytest.mark.parametrize(
    "told",
    [
        header(refs={"merge/main": BASE_ID}),
        header(refs={"HEAD/default": MAIN}),
        header(refs={"heads/../x": BASE_ID}),
        header(refs={"heads/a b": BASE_ID}),
        header(refs={MAIN: "0" * 64}),
        header(refs={MAIN: "main"}),
    ],
)
def test_refs_that_may_not_come_are_refused(near: Tract, file: Path, told: BundleHeader) -> None:
    """Only branches and tags of good names travel, to commits that come along."""
    write_bundle(file, told, [Piece([BASE], [USER])])
    before = dump(near)

    for act in (near.fetch, Tract.clone):
        with pytest.raises(TransferError):
            act(file)

    assert dump(near) == before


def test_a_head_that_is_not_there_is_no_matter(file: Path) -> None:
    """A clone then stands on main."""
    write_bundle(file, header(head="heads/elsewhere"), [Piece([BASE], [USER])])

    with Tract.clone(file) as t:
        assert (t.current_branch, texts(t)) == ("main", ["hello"])


def test_a_good_bundle_made_by_hand_is_taken(near: Tract, file: Path) -> None:
    """What the malicious ones begin with is all right: the tests above fail for their own reasons."""
    good = commit(
        [Append(new(SECOND, CALLING)), Append(new(ANSWER, RESULT, role="tool", call_id="a", answers=SECOND))], BASE_ID
    )
    write_bundle(file, header(refs={MAIN: object_id("commit", good)}), [Piece([BASE, good], [USER, CALLING, RESULT])])

    near.pull(file)

    assert (len(near.compile().messages), near.fsck().faults) == (3, ())
