"""What a child inherits that does not start from the whole context: some exchanges, and what their summaries cover."""

from collections.abc import Iterable

from tract.exceptions import ContentError
from tract.model.context import Context, GrowingList


def pinned_units(context: Context) -> list[str]:
    """Return the exchanges that are pinned, by the ids they go by, in order."""
    return [entry.message_id for entry in context.visible() if entry.answers is None and entry.mark == "pinned"]


def subset(context: Context, message_ids: Iterable[str]) -> Context:
    """Return a context of these messages alone, whole exchanges in their order, under their ids, with the settings.

    What a summary among them stands for comes along, folded as it is.

    Raises:
        ContentError: one of them is not shown.
    """
    units = {_shown_unit(context, message_id) for message_id in message_ids}
    covered: dict[str, list[str]] = {}
    for entry in context.entries:
        if entry.folded_into is not None:
            covered.setdefault(entry.folded_into, []).append(entry.message_id)
    waiting = list(units)
    while waiting:
        inner = covered.get(waiting.pop(), [])
        units.update(inner)
        waiting.extend(inner)
    seen = {summary_id: told for summary_id, told in context.seen.items() if summary_id in units}
    return Context(GrowingList(entry for entry in context.entries if entry.unit in units), context.config, seen)


def _shown_unit(context: Context, message_id: str) -> str:
    entry = context.find(message_id)
    if entry is None or not context.is_visible(entry):
        raise ContentError(f"message {message_id[:12]} is not shown, so no child can inherit it", message_id=message_id)
    return entry.unit
