"""Checked messages rendered as a request of Anthropic's.

A message that came from there, and that nothing touched since, goes out as it came in; any other is rendered anew.
Source: the rules are those of Anthropic's Messages API, which joins neighbours of one role itself: a message that is
added changes none before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tract.exceptions import ImportFormatError
from tract.formats.anthropic_blocks import (
    blocks_from_content,
    clean_id,
    is_blank,
    tool_use_from_call,
)
from tract.formats.anthropic_split import split_message, split_result, split_system
from tract.formats.copies import own_copy
from tract.model.messages import INSTRUCTION_ROLES, PRIVATE_KEY

Json = dict[str, Any]
Fields = Mapping[str, Any]

ORIGINAL = "anthropic"
"""Under tract's private key: the message, or the `system` of a request, that the fields were made from."""
_START = "[start]"


class AnthropicRequest(dict[str, Any]):
    """A request's `system` and `messages`; without system messages there is no `system`, and reading it gives None.

    Anthropic refuses a `system` of null, so the key must not be there.
    """

    def __missing__(self, key: str) -> None:
        if key != "system":
            raise KeyError(key)


def render_anthropic(fields: Sequence[Fields]) -> AnthropicRequest:
    """Return the request that checked messages make: instructions that lead in `system`, later ones as user text."""
    leading = 0
    while leading < len(fields) and fields[leading]["role"] in INSTRUCTION_ROLES:
        leading += 1
    system = render_system(fields[:leading])
    messages = render_turns(fields[leading:])
    if messages and messages[0]["role"] != "user":
        messages.insert(0, {"role": "user", "content": _START})
    request = AnthropicRequest(system=system) if system else AnthropicRequest()
    request["messages"] = messages
    return request


def render_system(fields: Sequence[Fields]) -> str | list[Json]:
    """Return system messages as `system`: one as it is, several as one list of blocks, so that bounds are kept."""
    shapes = [_system_shape(message) for message in fields]
    if len(shapes) == 1:
        return shapes[0]
    return [block for shape in shapes for block in (blocks_from_content(shape) if isinstance(shape, str) else shape)]


def render_turns(fields: Sequence[Fields]) -> list[Json]:
    """Return messages in Anthropic's shape; all results of an assistant's calls stand in the one that follows it."""
    ids = _unique_ids(fields)
    messages: list[Json] = []
    at = 0
    while at < len(fields):
        end = _group_end(fields, at)
        untouched = _find_untouched(fields, ids, at, end)
        if untouched is None:
            messages.extend(_render_anew(fields[at:end], ids[at:end]))
            at = end
        else:
            originals, at = untouched
            messages.extend(originals)
    return messages


def _unique_ids(fields: Sequence[Fields]) -> list[tuple[str, ...]]:
    """Return, parallel to the messages, the ids to use for their calls, or for the call that each one answers."""
    found: list[tuple[str, ...]] = []
    used: set[str] = set()
    copies: dict[str, int] = {}
    waiting: dict[str, list[str]] = {}
    for message in fields:
        if message["role"] == "tool":
            answered = message["tool_call_id"]
            open_ids = waiting.get(answered)
            found.append((open_ids.pop(0) if open_ids else clean_id(answered),))
            continue
        calls = message.get("tool_calls") or []
        given = [_unused_id(clean_id(call["id"]), used, copies) for call in calls]
        for call, call_id in zip(calls, given, strict=True):
            waiting.setdefault(call["id"], []).append(call_id)
        found.append(tuple(given))
    return found


def _unused_id(wanted: str, used: set[str], copies: dict[str, int]) -> str:
    """Return the id, numbered if it was used before; `used` and `copies` remember it."""
    found = wanted
    while found in used:
        copies[wanted] = copies.get(wanted, 1) + 1
        found = f"{wanted}_{copies[wanted]}"
    used.add(found)
    return found


def _group_end(fields: Sequence[Fields], at: int) -> int:
    """Return where the message that starts here ends; results in a row go out as one."""
    end = at + 1
    if fields[at]["role"] == "tool":
        while end < len(fields) and fields[end]["role"] == "tool":
            end += 1
    return end


def _find_untouched(
    fields: Sequence[Fields], ids: Sequence[tuple[str, ...]], at: int, end: int
) -> tuple[list[Json], int] | None:
    """Return the originals that stand whole and unchanged from `at` to `end` or beyond, and where they end."""
    found: list[Json] = []
    while at < end:
        original = _original(fields[at])
        pieces = [] if original is None else _split(original)
        stop = at + len(pieces)
        if original is None or not pieces or [_visible(message) for message in fields[at:stop]] != pieces:
            return None
        if [_own_ids(piece) for piece in pieces] != ids[at:stop]:
            return None
        if not _is_sendable(original["content"], last=stop == len(fields)):
            return None
        found.append(own_copy(original))
        at = stop
    return found, at


def _original(message: Fields) -> Json | None:
    """Return the message of Anthropic's that this one, and those behind it, were made from."""
    private = message.get(PRIVATE_KEY)
    original = private.get(ORIGINAL) if isinstance(private, dict) else None
    return original if isinstance(original, dict) and "role" in original else None


def _split(original: Json) -> list[Json]:
    """Return what a kept message stands for; nothing where it is none, for a private key can be written by anyone."""
    try:
        return split_message(original)
    except (ImportFormatError, RecursionError):
        return []


def _visible(message: Fields) -> Json:
    return {key: value for key, value in message.items() if key != PRIVATE_KEY}


def _own_ids(message: Fields) -> tuple[str, ...]:
    if message["role"] == "tool":
        return (message["tool_call_id"],)
    return tuple(call["id"] for call in message.get("tool_calls") or ())


def _is_sendable(content: str | list[Json], *, last: bool) -> bool:
    """Tell whether Anthropic takes this content: nothing blank, unless it is the last message, and results first."""
    if not content:
        return last
    if isinstance(content, str):
        return not is_blank(content)
    kinds = [block["type"] == "tool_result" for block in content]
    return kinds == sorted(kinds, reverse=True) and not any(_holds_blank(block) for block in content)


def _holds_blank(block: Json) -> bool:
    inner = block.get("content")
    if block["type"] == "tool_result" and isinstance(inner, list):
        return any(_holds_blank(part) for part in inner)
    return block["type"] == "text" and is_blank(block["text"])


def _render_anew(group: Sequence[Fields], ids: Sequence[tuple[str, ...]]) -> list[Json]:
    """Return the one message that a group makes, or none where it would be blank."""
    message = group[0]
    if message["role"] == "tool":
        return [{"role": "user", "content": _result_blocks(group, ids)}]
    if message["role"] == "assistant":
        content = _assistant_content(message, ids[0])
        return [{"role": "assistant", "content": content}] if content else []
    given = message.get("content")
    blocks = blocks_from_content(given, text_only=message["role"] != "user")
    return [{"role": "user", "content": given if isinstance(given, str) else blocks}] if blocks else []


def _assistant_content(message: Fields, ids: tuple[str, ...]) -> str | list[Json]:
    given = message.get("content")
    given = message.get("refusal") if given is None else given
    blocks = blocks_from_content(given, text_only=True)
    calls = message.get("tool_calls") or []
    if not calls and isinstance(given, str):
        return given if blocks else ""
    return [*blocks, *(tool_use_from_call(call, call_id) for call, call_id in zip(calls, ids, strict=True))]


def _result_blocks(group: Sequence[Fields], ids: Sequence[tuple[str, ...]]) -> list[Json]:
    """Return results as blocks; one that came from Anthropic keeps what only Anthropic has, such as its images."""
    originals = [original for original in map(_original, group) if original is not None and _split(original)]
    contents = [original["content"] for original in originals if isinstance(original["content"], list)]
    kept = [block for content in contents for block in content if block["type"] == "tool_result"]
    by_call = {block["tool_use_id"]: block for block in kept}
    blocks = []
    for message, (call_id,) in zip(group, ids, strict=True):
        block = by_call.get(message["tool_call_id"])
        if block is not None and split_result(block) == _visible(message) and not _holds_blank(block):
            blocks.append({**own_copy(block), "tool_use_id": call_id})
        else:
            blocks.append(_result_block(message, call_id))
    return blocks


def _result_block(message: Fields, call_id: str) -> Json:
    given = message.get("content")
    blocks = blocks_from_content(given)
    content = {"content": given if isinstance(given, str) else blocks} if blocks else {}
    return {"type": "tool_result", "tool_use_id": call_id, **content}


def _system_shape(message: Fields) -> str | list[Json]:
    private = message.get(PRIVATE_KEY)
    original = private.get(ORIGINAL) if isinstance(private, dict) else None
    kept = original.get("system") if isinstance(original, dict) else None
    if isinstance(kept, list) and _is_same_system(kept, message):
        own: list[Json] = own_copy(kept)
        return own
    given = message.get("content")
    blocks = blocks_from_content(given, text_only=True)
    return given if isinstance(given, str) and blocks else blocks


def _is_same_system(kept: list[Json], message: Fields) -> bool:
    try:
        return split_system(kept) == [_visible(message)] and not any(_holds_blank(block) for block in kept)
    except ImportFormatError:
        return False
