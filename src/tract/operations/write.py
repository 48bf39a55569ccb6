"""The verbs that change a context: append, edit, mark, configure."""

from collections.abc import Iterable, Mapping
from typing import Any

from tract.exceptions import ContentError, MessageNotFoundError
from tract.history.revisions import MINIMUM_PREFIX
from tract.model.changes import MARKS, Configure, Edit, Mark, SetMark
from tract.model.commits import Commit
from tract.model.context import Context, Entry
from tract.model.encoding import ID_LENGTH, decode, encode, same_json, shown
from tract.model.messages import PRIVATE_KEY, Blob, Message, parse_message
from tract.operations.batch import record, record_messages
from tract.operations.load import load_fields
from tract.operations.record import Draft, Notes
from tract.operations.repo import Repo


def append(repo: Repo, given: object, notes: Notes) -> Commit:
    """Append one message or several as one commit. Returns the tip where there is nothing to append."""
    blobs = [parse_message(fields) for fields in messages_of(given)]
    return record_messages(repo, blobs, notes)


def say(repo: Repo, fields: Mapping[str, Any], notes: Notes) -> Commit:
    """Append one message, leaving out the fields that are None but content."""
    given = {key: value for key, value in fields.items() if value is not None or key == "content"}
    return record_messages(repo, [parse_message(given)], notes)


def edit(repo: Repo, message_id: str, content: object, notes: Notes) -> Commit:
    """Give a message other content, or replace it by a whole message with the same role and calls."""

    def fill(draft: Draft) -> None:
        entry = find_message(draft.context(), message_id)
        old = load_fields(repo, [entry.blob_id])[entry.blob_id]
        blob = edited_blob(entry, old, content)
        if blob.id != entry.blob_id:
            draft.add([Edit(entry.message_id, blob.id)], [blob])

    return record(repo, "edit", fill, notes)


def mark(repo: Repo, message_ids: Iterable[str], to: Mark, notes: Notes, *, only_from: Mark | None = None) -> Commit:
    """Mark messages, each for its whole exchange; with `only_from`, those alone that have that mark now."""
    if to not in MARKS:
        raise ContentError(f"mark must be one of {', '.join(MARKS)}, not {shown(to)}")

    def fill(draft: Draft) -> None:
        context = draft.context()
        changes: dict[str, SetMark] = {}
        for message_id in message_ids:
            head = context.head(find_message(context, message_id))
            if head.mark != to and only_from in (None, head.mark):
                changes[head.message_id] = SetMark(head.message_id, to)
        if changes:
            draft.add(list(changes.values()))

    return record(repo, "mark", fill, notes)


def configure(repo: Repo, settings: Mapping[str, Any], more: Mapping[str, Any], notes: Notes) -> Commit:
    """Set keys of the configuration, those given by name before those of the mapping; None unsets one."""
    if not isinstance(settings, Mapping):
        raise ContentError(f"settings are a mapping, not {type(settings).__name__}")
    together = {**settings, **more}
    if any(not isinstance(key, str) or not key for key in together):
        raise ContentError("a configuration's keys are text")
    given: dict[str, Any] = decode(encode(together))
    check_settings(given)

    def fill(draft: Draft) -> None:
        config = draft.context().config
        changed = {key: value for key, value in given.items() if not same_json(config.get(key), value)}
        if changed:
            draft.add([Configure(changed)])

    return record(repo, "configure", fill, notes)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check the keys that tract itself reads.

    Raises:
        ContentError: `model` is no text, `budget` no positive number of tokens, or `tools` no list of objects.
    """
    model, budget, tools = (settings.get(key) for key in ("model", "budget", "tools"))
    if model is not None and not isinstance(model, str):
        raise ContentError(f"model must be text, not {shown(model)}")
    if budget is not None and (type(budget) is not int or budget < 1):
        raise ContentError(f"budget must be a positive number of tokens, not {shown(budget)}")
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise ContentError("tools must be a list of tool schemas")


def find_message(context: Context, message_id: object) -> Entry:
    """Return the entry of a message named by its id or a prefix that no other shares.

    Raises:
        MessageNotFoundError: there is none, or several.
    """
    if not isinstance(message_id, str):
        raise MessageNotFoundError(f"a message id is text, not {type(message_id).__name__}")
    found = context.find(message_id)
    if found is not None:
        return found
    candidates: list[Entry] = []
    if MINIMUM_PREFIX <= len(message_id) < ID_LENGTH:
        candidates = [entry for entry in context.entries if entry.message_id.startswith(message_id)]
    if len(candidates) == 1:
        return candidates[0]
    ids = tuple(entry.message_id for entry in candidates)
    named = shown(message_id)
    problem = f"several messages begin with {named}" if ids else f"no message {named} in this context"
    raise MessageNotFoundError(problem, message_id=message_id, candidates=ids)


def edited_blob(entry: Entry, old: Mapping[str, Any], content: object) -> Blob:
    """Return the blob of a message with other content, or of the whole message given.

    Raises:
        ContentError: its role, call ids or `tool_call_id` would change.
    """
    if isinstance(content, Message):
        fields: dict[str, Any] = content.model_dump()
    elif isinstance(content, Mapping):
        check_reserved(content)
        fields = dict(content)
    else:
        fields = {**old, "content": content}
    blob = parse_message(fields)
    if (blob.role, blob.calls, blob.tool_call_id) != (entry.role, entry.calls, entry.call_id):
        raise ContentError(
            "an edit keeps a message's role, its calls' ids and the call that it answers", message_id=entry.message_id
        )
    return blob


def messages_of(given: object) -> list[Mapping[str, Any]]:
    """Return the messages that a caller handed in: a dict, an object with `model_dump()`, or an iterable of them.

    Raises:
        ContentError: it is none of these.
    """
    if isinstance(given, Message):
        return [given.model_dump()]
    if isinstance(given, Mapping):
        check_reserved(given)
        return [given]
    dump = getattr(given, "model_dump", None)
    if callable(dump):
        fields = dump()
        if isinstance(fields, Mapping):
            return [{key: value for key, value in fields.items() if value is not None or key == "content"}]
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        return [message for item in given for message in _one(item)]
    raise ContentError(f"a message is a mapping, not {type(given).__name__}")


def check_reserved(fields: Mapping[str, Any]) -> None:
    """Check that a caller's message has no field of tract's own.

    Raises:
        ContentError: it has.
    """
    if PRIVATE_KEY in fields:
        raise ContentError(f"the field {PRIVATE_KEY!r} of a message is reserved")


def _one(item: object) -> list[Mapping[str, Any]]:
    if isinstance(item, list | tuple):
        raise ContentError("a list of messages holds messages, not lists")
    return messages_of(item)
