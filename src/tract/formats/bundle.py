"""A bundle: commits and messages with their refs in one compressed file, whole or refused.

    magic, version                      `tract bundle`, a line feed, two bytes
    size, commits, messages             what all frames hold unpacked, and how much of each: eight bytes each
    frames                              kind, packed size and size (1 + 4 + 4 bytes), then the packed bytes
    digest                              SHA-256 of everything before it

The first frame holds the refs, as JSON; then come messages, ids of messages whose bytes were purged, and the commits
that name them, parents first, each behind its length of four bytes; an empty frame ends them. Numbers are unsigned, the
greatest byte first. Objects have no ids: who reads them hashes them.

Source: git's bundles, with frames that say how large they become before anything is unpacked.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO, NamedTuple

from tract.exceptions import BundleError, CorruptionError
from tract.model.encoding import decode, encode_own

MAGIC = b"tract bundle\n"
VERSION = 1
LIMIT_BYTES = 4 * 2**30
"""How much a bundle may hold unpacked, unless its reader allows more."""

_FRAME_BYTES = 64 * 2**20
_PIECE_BYTES = 256 * 2**20
"""How large a frame may be unpacked, and the messages that one group of commits brings: what a reader holds at once."""

_FULL_FRAME = 4 * 2**20
_CHUNK = 2**20
_REFS, _MESSAGES, _PURGED, _COMMITS, _END = b"R", b"M", b"P", b"C", b"E"
_VERSION, _TOTALS, _FRAME, _LENGTH = (
    struct.Struct(">H"),
    struct.Struct(">QQQ"),
    struct.Struct(">cII"),
    struct.Struct(">I"),
)
_START = len(MAGIC) + _VERSION.size
_SQLITE = b"SQLite format 3\0"


class Piece(NamedTuple):
    """Some commits' bytes, parents first, those of the messages that they bring, and the ids of purged messages."""

    commits: Sequence[bytes]
    messages: Sequence[bytes]
    purged: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """What a bundle says of itself: refs, full name to commit id, the branch to stand on, and what it builds on."""

    refs: Mapping[str, str]
    head: str | None
    prerequisites: Sequence[str]


def may_be_bundle(path: object) -> bool:
    """Tell whether a path leads to a file that is no SQLite store, and so could only be a bundle."""
    if not isinstance(path, str | PathLike):
        return False
    try:
        with open(path, "rb") as file:
            return not file.read(len(_SQLITE)).startswith(_SQLITE)
    except (OSError, ValueError):
        return False


def checked_path(path: object) -> str:
    """Return the path of a bundle as text.

    Raises:
        BundleError: it is no path.
    """
    found = os.fspath(path) if isinstance(path, str | PathLike) else path
    if not isinstance(found, str):
        raise BundleError(f"a bundle is named by a path, not by {type(path).__name__}")
    return found


def write_bundle(path: "str | PathLike[str]", header: BundleHeader, pieces: Iterable[Piece]) -> None:
    """Write a bundle that only its owner can read; the file is there whole, or as it was before.

    Raises:
        BundleError: a message is larger than a bundle carries, or the file cannot be written.
    """
    beside = f"{checked_path(path)}.{os.getpid()}.part"
    try:
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(file, "w+b") as opened:
                _write(opened, header, pieces)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise BundleError(f"the bundle {path!s} cannot be written: {error.strerror or error}") from error


def _write(file: BinaryIO, header: BundleHeader, pieces: Iterable[Piece]) -> None:
    file.write(MAGIC + _VERSION.pack(VERSION) + _TOTALS.pack(0, 0, 0))
    told = {"refs": dict(header.refs), "head": header.head, "prerequisites": list(header.prerequisites)}
    size = _write_frame(file, _REFS, encode_own(told))
    commits = messages = 0
    for piece in pieces:
        if sum(map(len, piece.messages)) > _PIECE_BYTES:
            raise BundleError("a commit brings more than a bundle carries at once")
        size += _write_objects(file, _MESSAGES, piece.messages) + _write_objects(file, _PURGED, piece.purged)
        size += _write_objects(file, _COMMITS, piece.commits)
        commits, messages = commits + len(piece.commits), messages + len(piece.messages)
    _write_frame(file, _END, b"")
    file.seek(_START)
    file.write(_TOTALS.pack(size, commits, messages))
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.write(digest.digest())


def _write_objects(file: BinaryIO, kind: bytes, payloads: Sequence[bytes]) -> int:
    """Write objects in frames of bounded size, and return how large they are; of commits, all in one frame."""
    size, waiting, weight = 0, [], 0
    for payload in payloads:
        waiting += [_LENGTH.pack(len(payload)), payload]
        weight += len(payload)
        if kind == _MESSAGES and weight > _FULL_FRAME:
            size += _write_frame(file, kind, b"".join(waiting))
            waiting, weight = [], 0
    return size + (_write_frame(file, kind, b"".join(waiting)) if waiting else 0)


def _write_frame(file: BinaryIO, kind: bytes, data: bytes) -> int:
    if len(data) > _FRAME_BYTES:
        raise BundleError(f"a message or commit of {len(data)} bytes is larger than a bundle carries")
    packed = zlib.compress(data)
    file.write(_FRAME.pack(kind, len(packed), len(data)) + packed)
    return len(data)


class Bundle:
    """A bundle in a file, read in bounded memory; it was checked to be whole, as far as that needs no store."""

    def __init__(self, path: "str | PathLike[str]", *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = checked_path(path)
        try:
            self._file = open(path, "rb")  # noqa: SIM115  (it is closed by `close`)
        except (OSError, ValueError) as error:
            raise BundleError(f"the bundle {path!s} cannot be read: {error}") from error
        try:
            self._check_digest()
            self.size_bytes, self.commits, self.messages = self._totals(limit_bytes)
            self.header = self._read_header()
            self._check_frames()
        except BaseException as error:
            self._file.close()
            if isinstance(error, OSError):
                raise BundleError(f"the bundle {path!s} cannot be read: {error}") from error
            raise

    def __enter__(self) -> "Bundle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; twice is harmless."""
        self._file.close()

    def pieces(self) -> Iterator[Piece]:
        """Yield the commits with the messages that they bring, parents first."""
        messages: list[bytes] = []
        purged: list[bytes] = []
        held_bytes = 0
        frames = self._frames()
        next(frames)
        for kind, data in frames:
            objects = self._split(data)
            if kind == _COMMITS:
                yield Piece(objects, messages, purged)
                messages, purged, held_bytes = [], [], 0
            elif kind in (_MESSAGES, _PURGED):
                (messages if kind == _MESSAGES else purged).extend(objects)
                held_bytes += len(data)
                if held_bytes > _PIECE_BYTES:
                    raise self._damaged("a commit brings more messages than a bundle may")
            else:
                raise self._damaged("a frame is of no kind that there is")
        if messages or purged:
            raise self._damaged("messages without commits")

    def _check_digest(self) -> None:
        """Check the magic, the version, and that no byte is missing or altered."""
        start = self._file.read(_START)
        if start[: len(MAGIC)] != MAGIC:
            raise BundleError(f"{self.path} is no bundle")
        if len(start) == _START and start[len(MAGIC) :] != _VERSION.pack(VERSION):
            raise BundleError(f"{self.path} is a bundle of another version than {VERSION}")
        size = os.fstat(self._file.fileno()).st_size
        left = size - _START - hashlib.sha256().digest_size
        digest = hashlib.sha256(start)
        while left > 0 and (chunk := self._file.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
        if left or self._file.read() != digest.digest():
            raise self._damaged("its digest does not match: it was cut off or altered")

    def _totals(self, limit_bytes: int) -> tuple[int, int, int]:
        self._file.seek(_START)
        totals: tuple[int, int, int] = _TOTALS.unpack(self._exactly(_TOTALS.size))
        if totals[0] > limit_bytes:
            raise BundleError(f"{self.path} holds {totals[0]} bytes, more than the {limit_bytes} that are allowed")
        return totals

    def _read_header(self) -> BundleHeader:
        for kind, data in self._frames():
            if kind != _REFS:
                break
            try:
                told = decode(data)
                refs, head, prerequisites = told["refs"], told["head"], told["prerequisites"]
            except (CorruptionError, TypeError, LookupError) as error:
                raise self._damaged("its refs cannot be read") from error
            texts = [*refs, *refs.values()] if isinstance(refs, dict) else [None]
            if not isinstance(prerequisites, list) or not isinstance(head, str | None):
                break
            if all(isinstance(text, str) for text in (*texts, *prerequisites)):
                return BundleHeader(refs, head, prerequisites)
            break
        raise self._damaged("its refs cannot be read")

    def _check_frames(self) -> None:
        commits = messages = 0
        for piece in self.pieces():
            commits, messages = commits + len(piece.commits), messages + len(piece.messages)
        if (commits, messages) != (self.commits, self.messages):
            raise self._damaged("it does not hold as much as it says")

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield each frame but the last, unpacked; never more at once than a frame says, nor in all than the file."""
        self._file.seek(_START + _TOTALS.size)
        left = self.size_bytes
        while True:
            kind, packed_size, size = _FRAME.unpack(self._exactly(_FRAME.size))
            if size > _FRAME_BYTES or packed_size > size + size // 8 + 1024:
                raise self._damaged(f"a frame of {max(size, packed_size)} bytes is larger than a bundle may have")
            left -= size
            if left < 0:
                raise self._damaged("it holds more than it says")
            data = self._unpack(self._exactly(packed_size), size)
            if kind == _END:
                break
            yield kind, data
        if left or size or len(self._file.read(hashlib.sha256().digest_size + 1)) != hashlib.sha256().digest_size:
            raise self._damaged("it does not end where it says")

    def _unpack(self, packed: bytes, size: int) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(packed, size + 1)
        except zlib.error as error:
            raise self._damaged("a frame cannot be unpacked") from error
        if len(data) != size or not unpacking.eof or unpacking.unused_data:
            raise self._damaged("a frame is not as large as it says")
        return data

    def _split(self, data: bytes) -> list[bytes]:
        objects = []
        position = 0
        while position < len(data):
            if position + _LENGTH.size > len(data):
                raise self._damaged("an object is cut off")
            (length,) = _LENGTH.unpack_from(data, position)
            position += _LENGTH.size
            if position + length > len(data):
                raise self._damaged("an object is cut off")
            objects.append(data[position : position + length])
            position += length
        return objects

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise self._damaged("it is cut off")
        return data

    def _damaged(self, problem: str) -> BundleError:
        return BundleError(f"the bundle {self.path} is damaged: {problem}")
