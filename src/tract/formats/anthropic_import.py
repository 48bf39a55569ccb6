"""Messages in Anthropic's shape as OpenAI-shaped fields, the original kept beside them where it says more."""

from collections.abc import Mapping
from typing import Any

from tract.formats.anthropic_render import ORIGINAL, render_system, render_turns
from tract.formats.anthropic_split import split_message, split_system
from tract.model.messages import PRIVATE_KEY

Json = dict[str, Any]


def import_message(message: Mapping[str, Any], *, partly: bool = False) -> list[Json]:
    """Return the messages that one of Anthropic's stands for.

    The original is kept beside the first of them unless rendering them gives it back anyway. `partly` says that it
    does not answer all calls of its turn: rendered anew, it would become one with the message that answers the rest.
    What is kept is not copied.

    Raises:
        ImportFormatError: it is no message of Anthropic's.
    """
    pieces = split_message(message)
    if (partly and pieces[0]["role"] == "tool") or render_turns(pieces) != [message]:
        pieces[0][PRIVATE_KEY] = {ORIGINAL: dict(message)}
    return pieces


def import_system(system: object) -> list[Json]:
    """Return the system message that a request's `system` stands for, or none.

    Raises:
        ImportFormatError: it is neither text nor a list of blocks.
    """
    pieces = split_system(system)
    if pieces and render_system(pieces) != system:
        pieces[0][PRIVATE_KEY] = {ORIGINAL: {"system": system}}
    return pieces
