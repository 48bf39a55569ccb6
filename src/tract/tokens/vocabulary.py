"""The vocabularies that tract carries, unpacked into tiktoken's encodings on first use.

A byte-pair vocabulary is its 256 single bytes and then, in order, one merge of two earlier tokens for each further
token. That is how it is packed: 256 bytes, then the ranks of all left halves, then those of all right halves, both as
three planes of bytes (lowest first), the whole compressed by zlib. It is a third smaller than the tokens' own bytes.
"""

import hashlib
import json
import pkgutil
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from tract.exceptions import TraceError

Encoder = Callable[[str], Sequence[int]]
"""Turns a text into its tokens; may be called from many threads."""

_INDEX = "encodings.json"
_SINGLE_BYTES = 256

_lock = threading.Lock()
_encoders: dict[str, Encoder] = {}


def load_encoder(name: str) -> Encoder:
    """Return the encoder of a vocabulary; the first call takes about a third of a second, later ones share its 40 MB.

    Raises:
        TraceError: no vocabulary has this name, or the file that tract was installed with is damaged.
    """
    encoder = _encoders.get(name)
    if encoder is None:
        with _lock:
            encoder = _encoders.get(name)
            if encoder is None:
                encoder = _encoders[name] = _build_encoder(name)
    return encoder


def read_index() -> dict[str, Any]:
    """Return what is known of each vocabulary: `sha256`, `tiktoken_sha256`, `pattern` and `special_tokens`, by name."""
    index: dict[str, Any] = json.loads(_read(_INDEX))
    return index


def read_tokens(name: str) -> list[bytes]:
    """Return the tokens of a vocabulary, each at its rank.

    Raises:
        TraceError: no vocabulary has this name, or the file that tract was installed with is damaged.
    """
    index = read_index()
    if name not in index:
        raise TraceError(f"tokens can be counted in the encodings {', '.join(sorted(index))}, not in {name!r:.80}")
    return unpack_tokens(_read(f"{name}.merges"), sha256=index[name]["sha256"], name=name)


def unpack_tokens(packed: bytes, *, sha256: str, name: str) -> list[bytes]:
    """Return the tokens that were packed, each at its rank.

    Raises:
        TraceError: the packed bytes are not those of this SHA-256.
    """
    found = hashlib.sha256(packed).hexdigest()
    if found != sha256:
        raise TraceError(
            f"the vocabulary {name} of this installation of tract is damaged: "
            f"its SHA-256 should be {sha256} and is {found}; installing tract again mends it"
        )
    data = zlib.decompress(packed)
    tokens = [data[rank : rank + 1] for rank in range(_SINGLE_BYTES)]
    append = tokens.append
    middle = _SINGLE_BYTES + (len(data) - _SINGLE_BYTES) // 2
    for left, right in zip(_read_ranks(data[_SINGLE_BYTES:middle]), _read_ranks(data[middle:]), strict=True):
        append(tokens[left] + tokens[right])
    return tokens


def _read_ranks(planes: bytes) -> tuple[int, ...]:
    count = len(planes) // 3
    words = bytearray(4 * count)
    for plane in range(3):
        words[plane::4] = planes[plane * count : (plane + 1) * count]
    return struct.unpack(f"<{count}I", words)


def _build_encoder(name: str) -> Encoder:
    # Importing tiktoken takes longer than most commands that never count.
    from tiktoken import Encoding  # noqa: PLC0415

    tokens = read_tokens(name)
    entry = read_index()[name]
    encoding = Encoding(
        name,
        pat_str=entry["pattern"],
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens=entry["special_tokens"],
    )

    def encode(text: str) -> list[int]:
        # What looks like a special token is text that somebody wrote, so nothing is special and nothing forbidden.
        return encoding.encode(text, disallowed_special=())

    return encode


def _read(file: str) -> bytes:
    try:
        data = pkgutil.get_data("tract", f"vocabulary/{file}")
    except OSError as error:
        raise TraceError(f"tract's own file vocabulary/{file} cannot be read: {error}") from error
    # None comes from a loader that keeps no files at all, which no way of installing tract uses.
    assert data is not None
    return data
