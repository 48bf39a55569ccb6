"""A plain git repository: one commit a message, each a new file, through `git fast-import`."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.messages import Json


class GitConversation:
    """A bare repository, and one `git fast-import` for each call; `git` is not synced, as its default is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._git("init", "--quiet", "--bare", str(path), at=None)

    def say_each(self, messages: Sequence[Json]) -> None:
        """Commit messages, and have each checkpointed before the next, so that it outlives the process."""
        with self._importing() as importing:
            assert importing.stdin is not None
            assert importing.stdout is not None
            for place, message in enumerate(messages):
                importing.stdin.write(self._commit(message, first=not place) + b"checkpoint\nprogress done\n")
                importing.stdin.flush()
                importing.stdout.readline()

    def say_all(self, messages: Sequence[Json]) -> None:
        """Commit messages, one commit each, which are all there at the end."""
        with self._importing() as importing:
            assert importing.stdin is not None
            importing.stdin.write(
                b"".join([self._commit(message, first=not place) for place, message in enumerate(messages)])
            )

    def read(self) -> int:
        """Read all files of the newest commit."""
        listed = self._git("ls-tree", "-r", "--format=%(objectname)", "refs/heads/main", at=self._path)
        found = self._git("cat-file", "--batch=", at=self._path, given=listed)
        return len([json.loads(line) for line in found.split(b"\n") if line])

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, read the conversation, record the answer."""
        self.say_each([question])
        self.read()
        self.say_each([answer])

    def fork(self, place: int) -> None:
        """Begin a branch at a commit, found by how far it is from the tip."""
        self._git("branch", f"fork-{place}", f"refs/heads/main~{self._count - 1 - place}", at=self._path)

    def close(self) -> None:
        """Nothing is open."""

    def _importing(self) -> subprocess.Popen[bytes]:
        command = ["git", "-C", str(self._path), "fast-import", "--quiet", "--done", "--force"]
        return _Importing(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _commit(self, message: Json, *, first: bool) -> bytes:
        payload = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        text = f"commit refs/heads/main\ncommitter A <a@b> {1_700_000_000 + self._count} +0000\ndata 0\n"
        if first and self._count:
            text += "from refs/heads/main^0\n"
        text += f"M 100644 inline {self._count // 100:06}/{self._count % 100:02}\ndata {len(payload)}\n"
        self._count += 1
        return text.encode() + payload + b"\n"

    def _git(self, *arguments: str, at: Path | None, given: bytes = b"") -> bytes:
        place = [] if at is None else ["-C", str(at)]
        return subprocess.run(["git", *place, *arguments], input=given, capture_output=True, check=True).stdout


class _Importing(subprocess.Popen[bytes]):
    """A `git fast-import` that is told at the end that it is done, and waited for."""

    def __exit__(self, *error: object) -> None:
        assert self.stdin is not None
        self.stdin.write(b"done\n")
        super().__exit__(*error)  # type: ignore[arg-type]
