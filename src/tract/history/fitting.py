"""Whether a change that was made in one context still means the same in another."""

from tract.model.changes import Append, Change, Configure, Edit, Fold, Insert, Move, SetMark, Unfold
from tract.model.commits import added_messages
from tract.model.context import Context, Entry
from tract.model.encoding import same_json


def untouched(change: Change, before: Context, after: Context) -> bool:
    """Tell whether what a change names stands in the newer context as it stood when the change was made."""
    match change:
        case Configure(settings):
            return all(same_json(before.config.get(key), after.config.get(key)) for key in settings)
        case Append(message):
            named = [] if message.answers is None else [message.answers]
        case Insert(message, after_id):
            named = [message_id for message_id in (message.answers, after_id) if message_id is not None]
        case Edit(message_id) | SetMark(message_id) | Move(message_id):
            named = [message_id]
        case Fold(_, message_ids):
            # A summary tells of whole exchanges: a result that came meanwhile is not in it.
            return all(before.exchange(message_id) == after.exchange(message_id) for message_id in message_ids)
        case Unfold(summary_id):
            named = [summary_id]
    added = added_messages([change])
    return all(after.find(message.message_id) is None for message in added) and all(
        _standing(before, message_id) == _standing(after, message_id) for message_id in named
    )


def _standing(context: Context, message_id: str) -> tuple[Entry, Entry] | None:
    """Return a message's entry and the one that carries its mark."""
    entry = context.find(message_id)
    return None if entry is None else (entry, context.head(entry))
