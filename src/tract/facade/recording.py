"""Verbs that record: messages, edits, marks and settings; one commit each, or one for a whole batch."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from tract.facade.base import Metadata, Text, Verbs
from tract.model.changes import Mark
from tract.model.commits import Commit
from tract.operations import batch, write
from tract.operations.batch import Batch
from tract.operations.record import Notes

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


class Recording(Verbs):
    """What writes to the branch."""

    def system(
        self,
        content: Any,
        *,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append a system message: text, or a list of parts."""
        fields = {"role": "system", "content": content, "name": name}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def user(
        self,
        content: Any,
        *,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append a user message: text, or a list of parts."""
        fields = {"role": "user", "content": content, "name": name}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def assistant(
        self,
        content: Any = None,
        *,
        tool_calls: list[dict[str, Any]] | None = None,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append an assistant message: text, parts, tool calls, or text and calls."""
        fields = {"role": "assistant", "content": content, "name": name, "tool_calls": tool_calls}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def tool(
        self,
        content: Any,
        *,
        tool_call_id: str,
        name: str | None = None,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append the result of a tool call: of the nearest earlier call of this id that has none.

        Raises:
            ContentError: no call waits for it.
        """
        fields = {"role": "tool", "content": content, "name": name, "tool_call_id": tool_call_id}
        return write.say(self._repo, fields, Notes(message, author, metadata))

    def append(
        self,
        messages: object,
        *,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Append one OpenAI-shaped message or several, dicts or objects with `model_dump()`, as one commit.

        Raises:
            ContentError: one is malformed, or a call would be parted from its result; nothing is written then.
        """
        return write.append(self._repo, messages, Notes(message, author, metadata))

    def edit(
        self,
        message_id: str,
        content: Any,
        *,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Give a message other content, or (a dict with a role, a `Message`) replace it whole; its id stays.

        Raises:
            MessageNotFoundError: the context has no such message.
            ContentError: its role, calls or `tool_call_id` would change, or it is folded.
        """
        return write.edit(self._repo, message_id, content, Notes(message, author, metadata))

    def mark(
        self, message_id: str, to: Mark, *, message: Text = None, author: Text = None, metadata: Metadata = None
    ) -> Commit:
        """Mark a message and its whole exchange as skipped, normal, important or pinned."""
        return write.mark(self._repo, [message_id], to, Notes(message, author, metadata))

    def skip(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Hide a message and its whole exchange from the model, on this branch."""
        return write.mark(self._repo, [message_id], "skipped", Notes(message, author, metadata))

    def unskip(
        self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None
    ) -> Commit:
        """Show a skipped message again; does nothing to any other mark."""
        return write.mark(self._repo, [message_id], "normal", Notes(message, author, metadata), only_from="skipped")

    def pin(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Keep a message and its whole exchange verbatim, under any budget and any summary."""
        return write.mark(self._repo, [message_id], "pinned", Notes(message, author, metadata))

    def unpin(self, message_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None) -> Commit:
        """Take a pin away; does nothing to any other mark."""
        return write.mark(self._repo, [message_id], "normal", Notes(message, author, metadata), only_from="pinned")

    def configure(
        self,
        settings: Mapping[str, Any] = NO_SETTINGS,
        /,
        *,
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
        **more: Any,
    ) -> Commit:
        """Set keys of the configuration to JSON values, None unsets one; keys given by name or in a mapping.

        `model` picks the encoding of token counts, `tools` are counted, `budget` is compile's default. A key called
        `message`, `author` or `metadata` goes in the mapping: by name, these are notes on the commit, as in every verb.
        """
        return write.configure(self._repo, settings, more, Notes(message, author, metadata))

    def batch(
        self,
        message: str | None = None,
        *,
        author: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[Batch]:
        """Make one commit of everything this thread records in the block; none if an exception leaves it."""
        return batch.batch(self._repo, Notes(message, author, metadata))
