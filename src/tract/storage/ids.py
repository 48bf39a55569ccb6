"""Ids and targets as rows hold them: 32 bytes for an object, a name's own bytes for a ref."""

import re
from collections.abc import Iterable

ID_BYTES = 32

_ID = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]*")


def is_object_id(text: str) -> bool:
    """Tell whether a text is an object's id, and not the name of a ref."""
    return _ID.fullmatch(text) is not None


def key_of(object_id: str) -> bytes:
    """Return the bytes of an id; what is no id gets bytes that no row has."""
    return bytes.fromhex(object_id) if _ID.fullmatch(object_id) else b""


def joined_keys(ids: Iterable[str]) -> bytes:
    """Return the bytes of many ids, one behind the other, each once and without what is no id."""
    wanted = dict.fromkeys(ids)
    joined = "".join(wanted)
    if set(map(len, wanted)) <= {2 * ID_BYTES}:
        try:
            keys = bytes.fromhex(joined)
        except ValueError:
            keys = b""
        # It also reads capitals and spaces, which no id has.
        if keys.hex() == joined:
            return keys
    return bytes.fromhex("".join([name for name in wanted if _ID.fullmatch(name)]))


def prefix_range(prefix: str) -> tuple[bytes, bytes] | None:
    """Return the least and the greatest key of the ids that start so, or None if none can."""
    if len(prefix) > 2 * ID_BYTES or not _HEX.fullmatch(prefix):
        return None
    return bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))


def target_bytes(target: str) -> bytes:
    """Return a ref's target as it is stored; a name that would be as long as an id gets a zero byte behind it."""
    if _ID.fullmatch(target):
        return bytes.fromhex(target)
    name = target.encode("utf-8", "surrogatepass")
    return name + b"\0" if len(name) == ID_BYTES else name


def target_text(stored: bytes) -> str:
    """Return the target that `target_bytes` stored."""
    if len(stored) == ID_BYTES:
        return stored.hex()
    return stored.removesuffix(b"\0").decode("utf-8", "surrogatepass")
