"""What a disk may hold after the power went, told from a log of what was written, synced and acknowledged.

The model: a write is safe once its file was synced behind it; of later ones each may be there, be missing, be torn at a
sector, or have made the file longer and left zeros, in any order. Names appear and go in order, and are safe once the
directory was synced; a file without a name is lost with all that is in it.
Source: B. Pillai et al., All File Systems Are Not Created Equal, OSDI 2014.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SECTOR_BYTES = 512
_HEAD = struct.Struct("<IQQ")


class Event(NamedTuple):
    """Something that happened to a file: Created, Written, Truncated, Synced, Unlinked; or an Acknowledgement."""

    what: str
    name: str
    offset: int
    data: bytes


class Cut(NamedTuple):
    """What was acknowledged before a cut, oldest first, and what the disk holds after it, by name."""

    acknowledged: list[str]
    files: dict[str, bytes]


def read_log(path: Path) -> list[Event]:
    """Return the events of a log, in order."""
    content = path.read_bytes()
    events: list[Event] = []
    at = 0
    while at < len(content):
        what = chr(content[at])
        length, offset, size = _HEAD.unpack_from(content, at + 1)
        at += 1 + _HEAD.size
        name = content[at : at + length].decode()
        at += length
        data = content[at : at + size] if what in "WA" else b""
        at += len(data)
        events.append(Event(what, name, offset, data))
    return events


@dataclass
class _Disk:
    """What is safe, and what is not yet: writes by file, names in order. Files are known by when they were made."""

    contents: list[bytearray] = field(default_factory=list)
    unsynced: dict[int, list[Event]] = field(default_factory=dict)
    safe_names: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    unsynced_names: list[tuple[str, int | None]] = field(default_factory=list)

    def happen(self, event: Event) -> None:
        """Follow one event."""
        if event.what == "C":
            self.names[event.name] = len(self.contents)
            self.unsynced_names.append((event.name, len(self.contents)))
            self.contents.append(bytearray())
        elif event.what == "U":
            self.names.pop(event.name, None)
            self.unsynced_names.append((event.name, None))
        elif event.what == "S" and event.name == ".":
            self.safe_names = dict(self.names)
            self.unsynced_names = []
        elif event.name in self.names:
            file = self.names[event.name]
            if event.what == "S":
                for write in self.unsynced.pop(file, ()):
                    _apply(self.contents[file], write)
            else:
                self.unsynced.setdefault(file, []).append(event)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Return what might be left if the power went now."""
        names = dict(self.safe_names)
        for name, file in self.unsynced_names[: chance.randint(0, len(self.unsynced_names))]:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        share = chance.choice([0.0, 0.3, 0.7, 0.95])
        return {name: self._content(file, share, chance) for name, file in names.items() if not name.endswith("-shm")}

    def _content(self, file: int, share: float, chance: random.Random) -> bytes:
        content = bytearray(self.contents[file])
        for write in self.unsynced.get(file, ()):
            if chance.random() < share:
                torn = write.what == "W" and len(write.data) > SECTOR_BYTES and chance.random() < 0.3
                kept = chance.randrange(1, len(write.data) // SECTOR_BYTES + 1) * SECTOR_BYTES if torn else None
                _apply(content, write._replace(data=write.data[:kept]))
            elif write.what == "W" and chance.random() < 0.3:
                content.extend(bytes(max(0, write.offset + len(write.data) - len(content))))
        return bytes(content)


def _apply(content: bytearray, event: Event) -> None:
    end = event.offset + len(event.data)
    content.extend(bytes(max(0, end - len(content))))
    if event.what == "T":
        del content[event.offset :]
    else:
        content[event.offset : end] = event.data


def cuts(events: list[Event], count: int, chance: random.Random) -> Iterator[Cut]:
    """Yield what is left after so many cuts at random moments, earliest first."""
    moments = sorted(chance.randrange(1, len(events) + 1) for _ in range(count))
    disk = _Disk()
    acknowledged: list[str] = []
    happened = 0
    for moment in moments:
        for event in events[happened:moment]:
            if event.what == "A":
                acknowledged.append(event.data.decode())
            else:
                disk.happen(event)
        happened = moment
        yield Cut(list(acknowledged), disk.after_a_cut(chance))
