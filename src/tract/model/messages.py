"""One chat message as a value, and the check that makes one from what a caller hands in."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tract.exceptions import ContentError
from tract.model.encoding import decode, encode, is_leaf, object_id, shown

ROLES = ("system", "developer", "user", "assistant", "tool")
INSTRUCTION_ROLES = ("system", "developer")
PRIVATE_KEY = "tract"
"""The one key of a message that is tract's own (what another provider's message looked like); it never goes out."""


class Message:
    """A chat message: what was given, kept to the letter, with its usual fields as attributes.

    Equal to another message with the same JSON, whatever the order of keys.
    """

    __slots__ = ("_fields",)

    def __init__(self, **fields: Any) -> None:
        self._fields = dict(parse_message(fields).fields)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Message":
        """Return a message over fields that were checked before; the mapping is not copied."""
        message = cls.__new__(cls)
        message._fields = fields  # type: ignore[assignment]
        return message

    @property
    def role(self) -> str:
        """Who speaks: system, developer, user, assistant or tool."""
        return str(self._fields["role"])

    @property
    def content(self) -> Any:
        """The text, the list of parts, or None."""
        return self._fields.get("content")

    @property
    def text(self) -> str:
        """The readable text: the content, or its text parts joined by line breaks; "" where there is none."""
        return text_of(self._fields)

    @property
    def tool_calls(self) -> Any:
        """The list of tool calls, or None."""
        return self._fields.get("tool_calls")

    @property
    def tool_call_id(self) -> str | None:
        """The id of the call that this message answers, or None."""
        return self._fields.get("tool_call_id")

    @property
    def name(self) -> str | None:
        """The speaker's name, or None."""
        return self._fields.get("name")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"this message has no field {name!r}") from None

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(encode(self._fields))

    def __repr__(self) -> str:
        return f"Message({', '.join(f'{key}={value!r}' for key, value in self._fields.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Message.from_fields, (dict(self._fields),)

    def model_dump(self) -> dict[str, Any]:
        """Return the message as a dict of the caller's own, keys in the order given."""
        fields: dict[str, Any] = decode(encode(self._fields, sort_keys=False))
        return fields


class Blob(NamedTuple):
    """A checked message on its way into a store: its id, its bytes, and its fields, shared with no caller."""

    id: str
    payload: bytes
    fields: dict[str, Any]

    @property
    def role(self) -> str:
        """Who speaks."""
        return str(self.fields["role"])

    @property
    def calls(self) -> tuple[str, ...]:
        """The ids of its tool calls, in order."""
        return call_ids(self.fields)

    @property
    def tool_call_id(self) -> str | None:
        """The id of the call that it answers, or None."""
        return self.fields.get("tool_call_id") if self.role == "tool" else None


def parse_message(fields: Mapping[str, Any]) -> Blob:
    """Return a message that a caller gave as a blob; every field is kept as given, in its order.

    Raises:
        ContentError: it is not a message that a chat provider would take.
    """
    if not isinstance(fields, Mapping):
        raise ContentError(f"a message is a mapping with a role, not {type(fields).__name__}")
    given = dict(fields)
    role = given.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise ContentError(f"role must be one of {', '.join(ROLES)}, not {shown(role)}")
    _check_content(given, role)
    _check_calls(given, role)
    if "name" in given and given["name"] is not None and not isinstance(given["name"], str):
        raise ContentError(f"name must be text, not {type(given['name']).__name__}")
    payload = encode(given, sort_keys=False)
    flat = all(map(is_leaf, given.values()))
    return Blob(object_id("blob", payload), payload, given if flat else decode(payload))


def _check_content(fields: Mapping[str, Any], role: str) -> None:
    content = fields.get("content")
    if isinstance(content, str):
        return
    if isinstance(content, list):
        for part in content:
            if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                raise ContentError(f"each part of a {role} message must be an object with a type")
        return
    if content is not None:
        raise ContentError(f"content must be text or a list of parts, not {type(content).__name__}")
    if role != "assistant":
        raise ContentError(f"a {role} message needs content")
    if all(value is None for key, value in fields.items() if key not in ("role", "content", "name", PRIVATE_KEY)):
        raise ContentError("an assistant message needs content or tool calls")


def _check_calls(fields: Mapping[str, Any], role: str) -> None:
    calls = fields.get("tool_calls")
    if calls is not None:
        if role != "assistant":
            raise ContentError(f"only an assistant message has tool calls, not a {role} message")
        if not isinstance(calls, list):
            raise ContentError(f"tool_calls must be a list, not {type(calls).__name__}")
        for call in calls:
            if not isinstance(call, dict) or not isinstance(call.get("id"), str):
                raise ContentError("each tool call must be an object with an id")
    answered = fields.get("tool_call_id")
    if role == "tool" and not isinstance(answered, str):
        raise ContentError("a tool message needs the tool_call_id of the call that it answers")


def call_ids(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of a message's tool calls, in order."""
    calls = fields.get("tool_calls")
    return tuple(call["id"] for call in calls) if calls else ()


def text_of(fields: Mapping[str, Any]) -> str:
    """Return a message's readable text: its content, or its text parts joined by line breaks."""
    content = fields.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
    refusal = fields.get("refusal")
    return refusal if isinstance(refusal, str) else ""
