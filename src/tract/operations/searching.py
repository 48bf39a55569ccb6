"""Search: the store tells where messages with the words may be, and each is looked at before it is shown."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from tract.exceptions import ContentError, RefNotFoundError
from tract.formats.copies import own_fields
from tract.history.graph import walk
from tract.history.searching import Term, excerpt, matches, parse_query, wanted_words
from tract.model.encoding import shown
from tract.model.finding import SearchHit
from tract.model.messages import ROLES, Message
from tract.model.refs import BRANCHES, check_ref_name
from tract.model.words import searchable_text, words_of
from tract.operations.graph import GraphReader
from tract.operations.load import load_context, load_fields
from tract.operations.repo import Repo
from tract.operations.revisions import check_limit
from tract.protocols import Recorded, StoredCommit

_FIRST_PAGE, _LONGEST_PAGE = 64, 1024
_Keep = Callable[[Recorded], bool]


def search(
    repo: Repo, query: str, *, branch: str | None, role: str | None, current: bool, limit: int | None
) -> list[SearchHit]:
    """Return the messages that have what a query asks for, newest first."""
    if not isinstance(query, str):
        raise ContentError(f"a query is text, not {type(query).__name__}")
    if role is not None and role not in ROLES:
        raise ContentError(f"a role is one of {', '.join(ROLES)}, not {shown(role)}")
    check_limit(limit)
    terms = parse_query(query)
    keep = _filter(repo, branch, current=current)
    if not terms:
        return []
    found = list(islice(_matching(repo, terms, role, keep), limit))
    commits = repo.store.commits([recorded.commit_id for recorded in found])
    fields = load_fields(repo, [recorded.blob_id for recorded in found])
    return [
        SearchHit(
            recorded.message_id,
            commits[recorded.commit_id].commit,
            Message.from_fields(own_fields(fields[recorded.blob_id])),
            excerpt(searchable_text(fields[recorded.blob_id]), terms),
        )
        for recorded in found
    ]


def _matching(repo: Repo, terms: Sequence[Term], role: str | None, keep: _Keep) -> Iterator[Recorded]:
    """Yield each message that matches once, where it was recorded last."""
    met: set[tuple[str, str]] = set()
    for recorded, fields in _candidates(repo, terms):
        if (recorded.message_id, recorded.blob_id) in met or (role is not None and fields.get("role") != role):
            continue
        if keep(recorded) and matches(terms, words_of(searchable_text(fields))):
            met.add((recorded.message_id, recorded.blob_id))
            yield recorded


def _candidates(repo: Repo, terms: Sequence[Term]) -> Iterator[tuple[Recorded, dict[str, object]]]:
    """Yield what the store finds, with what it says; each page read is four times as long as the one before."""
    words = wanted_words(terms)
    skip, limit = 0, _FIRST_PAGE
    while page := repo.store.search(words, skip=skip, limit=limit):
        fields = load_fields(repo, list({recorded.blob_id for recorded in page}))
        for recorded in page:
            yield recorded, fields[recorded.blob_id]
        if len(page) < limit:
            return
        skip, limit = skip + limit, min(4 * limit, _LONGEST_PAGE)


def _filter(repo: Repo, branch: str | None, *, current: bool) -> _Keep:
    """Return what tells whether a message is to be shown: where a branch, or what stands on one now, is asked for."""
    if branch is None and not current:
        return lambda _: True
    name = repo.workspace.branch if branch is None else check_ref_name(branch)
    tip = repo.store.find_tip(BRANCHES + name)
    if tip is None and (branch is not None or repo.workspace.born):
        raise RefNotFoundError(f"no branch {name!r}", name=name)
    if current or tip is None:
        context = load_context(repo, None if tip is None else tip.commit)
        standing = {(entry.message_id, entry.blob_id) for entry in context.visible()}
        return lambda recorded: (recorded.message_id, recorded.blob_id) in standing
    return _History(repo, tip).has


class _History:
    """A branch's commits, read from its tip only as far down as what is asked for, which comes newest first."""

    def __init__(self, repo: Repo, tip: StoredCommit) -> None:
        self._nodes = walk(tip.commit.id, GraphReader(repo.store, [tip]))
        self._met: set[str] = set()
        self._floor = tip.generation + 1

    def has(self, recorded: Recorded) -> bool:
        """Tell whether the commit that recorded a message is in the branch's history."""
        while self._floor >= recorded.generation and (node := next(self._nodes, None)) is not None:
            self._met.add(node.id)
            self._floor = node.generation
        return recorded.commit_id in self._met
