"""What a shell offers behind a half-written word: names of branches and tags, messages, and conflicts."""

import re
from collections.abc import Callable, Iterable

import click

from tract.cli.app import enter
from tract.cli.place import find_place
from tract.exceptions import TraceError
from tract.facade import Tract

# A shell puts in what is offered as it is: a name that it would read as more than one word is not offered.
_PLAIN = re.compile(r"[\w./@+=:,-]+")
_OFFERED_ID = 12


def complete_branches(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer branches."""
    return _offer(context, incomplete, lambda tract: tract.branches())


def complete_tags(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer tags."""
    return _offer(context, incomplete, lambda tract: tract.tags())


def complete_revisions(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer branches and tags, behind `a..` too."""
    before, dots, last = incomplete.rpartition("..")
    return [before + dots + name for name in _offer(context, last, lambda tract: [*tract.branches(), *tract.tags()])]


def complete_children(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the tracts that were spawned from this one."""
    return _offer(context, incomplete, lambda tract: tract.children())


def complete_messages(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the messages that a model sees, the newest first."""
    return _offer(context, incomplete, lambda tract: [key[:_OFFERED_ID] for key in reversed(_message_ids(tract))])


def complete_conflicts(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the open conflicts of what waits."""
    return _offer(context, incomplete, _open_conflicts)


def _message_ids(tract: Tract) -> list[str]:
    return list(tract.compile().message_ids)


def _open_conflicts(tract: Tract) -> list[str]:
    session = tract.merge_session() or tract.replay_session()
    return [conflict.id[:_OFFERED_ID] for conflict in session.open_conflicts] if session is not None else []


def _offer(context: click.Context, incomplete: str, names: Callable[[Tract], Iterable[str]]) -> list[str]:
    """Return the names that begin so; none where there is nothing to look at, for a shell wants no complaints."""
    given = context.find_root().params
    try:
        enter(context, given.get("directories") or ())
        place = find_place(given.get("db"))
        with Tract.open(place, name=given.get("tract") or "default", workspace=_workspace(given)) as tract:
            return [name for name in names(tract) if name.startswith(incomplete) and _PLAIN.fullmatch(name)]
    except (TraceError, OSError, click.ClickException):
        return []


def _workspace(given: dict[str, str | None]) -> str:
    return given.get("workspace") or "default"
