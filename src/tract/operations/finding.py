"""The verbs that look for a commit: who put a line there, and which commit broke a check."""

from collections.abc import Callable, Iterator

from tract.exceptions import ContentError, CorruptionError, RevisionError
from tract.formats.compiled import CompiledContext
from tract.history.bisect import find_middle
from tract.history.blame import Touch, Version, attribute, find_touch, oldest
from tract.model.commits import Commit
from tract.model.encoding import shown
from tract.model.finding import BisectResult, BisectStep, Blame, BlameLine, BlameOrigin, Verdict
from tract.model.messages import text_of
from tract.operations.load import load_fields
from tract.operations.read import compile_context, context_at
from tract.operations.repo import Repo
from tract.operations.revisions import resolve_commit
from tract.operations.write import find_message
from tract.protocols import StoredCommit

_FIRST_PAGE, _LONGEST_PAGE = 64, 1024

Check = Callable[[CompiledContext], bool | None]
"""Tells whether a context is good; None: it cannot be told."""


def blame(repo: Repo, message_id: str, at: str | None) -> Blame:
    """Return which commit put a message there, and each line of its text.

    Reads the history back to where the message came in, on each side of merges that brought content of it in.
    """
    if at is None:
        repo.refuse_in_batch("blame")
    context, commit_id = context_at(repo, at)
    message_id = find_message(context, message_id).message_id
    assert commit_id is not None, "a message stands in a commit's context"
    reading = _Versions(repo, message_id)
    touched_id = reading.read(commit_id)
    versions = reading.versions()
    blamed = attribute(touched_id, versions)
    lines = [
        BlameLine(number, text, reading.origin(origin_id))
        for number, (text, origin_id) in enumerate(zip(versions[touched_id].lines, blamed, strict=True), start=1)
    ]
    return Blame(message_id, reading.origin(oldest(touched_id, versions)), tuple(lines))


class _Versions:
    """The commits that touched one message, read from a tip back; `_newest` is the first found from a commit down."""

    def __init__(self, repo: Repo, message_id: str) -> None:
        self._repo = repo
        self._message_id = message_id
        self._touched: dict[str, tuple[Commit, Touch]] = {}
        self._newest: dict[str, str | None] = {}

    def read(self, tip_id: str) -> str:
        """Read what led to a commit, and return the newest commit that touched the message."""
        waiting = [tip_id]
        while waiting:
            start = waiting.pop()
            if start not in self._newest:
                waiting += self._read_down(start)
        found = self._newest[tip_id]
        if found is None:
            raise CorruptionError(f"no commit brought message {self._message_id} in", object_id=self._message_id)
        return found

    def _read_down(self, start: str) -> list[str]:
        """Read one first-parent history as far as it is news, and return where merges on it lead to others."""
        others: list[str] = []
        above: str | None = start
        for commit in _chain(self._repo, start):
            touch = find_touch(commit, self._message_id)
            if touch is None:
                continue
            if above is not None:
                self._newest[above] = commit.id
            if commit.id in self._touched:
                return others
            self._touched[commit.id] = commit, touch
            others += commit.parents[1:]
            if touch.is_new:
                return others
            above = commit.parents[0]
        if above is not None:
            self._newest[above] = None
        return others

    def versions(self) -> dict[str, Version]:
        """Return the versions by the commits that made them. One statement at most."""
        fields = load_fields(self._repo, list({touch.blob_id for _, touch in self._touched.values()}))
        found = {}
        for commit, touch in self._touched.values():
            text = text_of(fields[touch.blob_id])
            parents = commit.parents[1:] if touch.is_new else commit.parents
            before = [newest for parent in parents if (newest := self._newest[parent]) is not None]
            found[commit.id] = Version(commit.id, text.split("\n") if text else (), before)
        return found

    def origin(self, commit_id: str) -> BlameOrigin:
        """Return a commit that touched the message, as it is shown."""
        commit, touch = self._touched[commit_id]
        return BlameOrigin(commit, touch.kind)


def bisect(repo: Repo, good: str, bad: str, check: Check) -> BisectResult:
    """Return the first commit after which a check fails, among those from a good one to a bad one.

    Raises:
        RevisionError: the good commit is not before the bad one in its first-parent history.
        ContentError: the check answers with something else than True, False or None.
    """
    repo.refuse_in_batch("bisect")
    commits = _between(repo, resolve_commit(repo, good), resolve_commit(repo, bad))
    low, high = -1, len(commits) - 1
    skipped: set[int] = set()
    steps: list[BisectStep] = []
    while (place := find_middle(low, high, skipped)) is not None:
        verdict = _verdict(check(compile_context(repo, commits[place].id, None)))
        steps.append(BisectStep(commits[place].id, verdict))
        if verdict == "skip":
            skipped.add(place)
        elif verdict == "good":
            low = place
        else:
            high = place
    candidates = tuple(commits[low + 1 : high + 1])
    return BisectResult(candidates[0] if len(candidates) == 1 else None, candidates, tuple(steps))


def _verdict(answer: object) -> Verdict:
    if answer is None:
        return "skip"
    if not isinstance(answer, bool):
        raise ContentError(f"a check answers with True, False or None, not {shown(answer)}")
    return "good" if answer else "bad"


def _between(repo: Repo, good: StoredCommit, bad: StoredCommit) -> list[Commit]:
    """Return the first-parent history of a commit back to another, oldest first, without that one."""
    found: list[Commit] = []
    if good.generation < bad.generation:
        for commit in _chain(repo, bad.commit.id):
            if commit.id == good.commit.id:
                return found[::-1]
            found.append(commit)
    problem = f"commit {good.commit.id[:12]} is not before {bad.commit.id[:12]} in its first-parent history"
    raise RevisionError(problem, revision=good.commit.id)


def _chain(repo: Repo, commit_id: str) -> Iterator[Commit]:
    """Yield a first-parent history, newest first; each page read is four times as long as the one before."""
    skip, limit = 0, _FIRST_PAGE
    while page := repo.store.chain(commit_id, skip=skip, limit=limit):
        yield from page
        if len(page) < limit:
            return
        skip, limit = skip + limit, min(4 * limit, _LONGEST_PAGE)
