"""The compiled context: what stands at a commit, rendered for a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from tract.formats.anthropic_render import render_anthropic
from tract.formats.copies import own_copy, own_fields, own_messages
from tract.model.context import GrowingList
from tract.model.messages import Message


class CompiledContext:
    """The messages that a model is sent, what each costs in tokens, and the configuration they are sent with.

    A value: nothing in it changes, and every dict and list that it hands out is the caller's own. `message_ids` and
    `token_counts` are parallel to `messages`; `token_count` is the whole prompt's.
    """

    __slots__ = (
        "_commit_id",
        "_config",
        "_fields",
        "_message_ids",
        "_token_count",
        "_token_counts",
        "_tokens_exact",
    )

    def __init__(
        self,
        *,
        fields: Sequence[Mapping[str, Any]],
        message_ids: Sequence[str],
        token_counts: Sequence[int],
        token_count: int,
        tokens_exact: bool,
        commit_id: str | None,
        config: Mapping[str, Any],
    ) -> None:
        self._fields = fields
        self._message_ids = _frozen(message_ids)
        self._token_counts = _frozen(token_counts)
        self._token_count = token_count
        self._tokens_exact = tokens_exact
        self._commit_id = commit_id
        self._config = config

    @property
    def messages(self) -> "Sequence[Message]":
        """The messages as values; each is made when it is read."""
        return _Messages(self._fields)

    @property
    def message_ids(self) -> Sequence[str]:
        """The lasting id of each message."""
        return self._message_ids

    @property
    def token_counts(self) -> Sequence[int]:
        """The tokens that each message adds to the prompt."""
        return self._token_counts

    @property
    def token_count(self) -> int:
        """The tokens of the whole prompt."""
        return self._token_count

    @property
    def tokens_exact(self) -> bool:
        """Whether the counts are what the provider would bill, or an estimate."""
        return self._tokens_exact

    @property
    def commit_id(self) -> str | None:
        """The commit whose context this is; None on an unborn branch."""
        return self._commit_id

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that stands at the commit."""
        copied: dict[str, Any] = own_copy(dict(self._config))
        return copied

    def to_openai(self) -> list[dict[str, Any]]:
        """Return the messages as OpenAI's chat completions take them, each field as it was given."""
        return own_messages(self._fields)

    def to_anthropic(self) -> dict[str, Any]:
        """Return `system` and `messages` as Anthropic's messages take them.

        Leading system messages stand in `system`, later ones in place as user text; repeated call ids are made unique.
        What came in in this shape and stands untouched comes out equal. Without system messages there is no key
        `system`, and reading it gives None.
        """
        return render_anthropic(self._fields)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the messages as they are kept: role, content and every field that was given."""
        return own_messages(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompiledContext) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash((self._commit_id, self._token_count, tuple(self._message_ids)))

    def __repr__(self) -> str:
        exact = "" if self._tokens_exact else " (estimated)"
        at = self._commit_id[:12] if self._commit_id else "nothing"
        return f"<CompiledContext of {at}: {len(self._fields)} messages, {self._token_count} tokens{exact}>"

    def _facts(self) -> tuple[Any, ...]:
        return (
            list(self._fields),
            list(self._message_ids),
            list(self._token_counts),
            self._token_count,
            self._tokens_exact,
            self._commit_id,
            dict(self._config),
        )


class _Messages(Sequence[Message]):
    """Messages made from shared fields as they are read, each a copy, so that no reader can change another's."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Sequence[Mapping[str, Any]]) -> None:
        self._fields = fields

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        if isinstance(index, slice):
            return [Message.from_fields(own_fields(fields)) for fields in self._fields[index]]
        return Message.from_fields(own_fields(self._fields[index]))

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[Message]:
        return (Message.from_fields(own_fields(fields)) for fields in self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(list(self))


def _frozen(values: Sequence[Any]) -> Sequence[Any]:
    return values if isinstance(values, tuple | GrowingList) else tuple(values)
