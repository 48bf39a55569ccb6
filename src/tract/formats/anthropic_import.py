"""Messages in Anthropic's shape as OpenAI-shaped fields, the original kept beside them where it says more."""

from collections.abc import Mapping
from typing import Any

from tract.formats.anthropic_render import ORIGINAL, render_system, render_turns
from tract.formats.anthropic_split import split_message, split_system
from tract.formats.copies import own_copy
from tract.model.messages import PRIVATE_KEY

Json = dict[str, Any]


def import_message(message: Mapping[str, Any], *, beside_results: bool = False) -> list[Json]:
    """Return the messages that one of Anthropic's stands for.

    The original is kept beside the first of them unless rendering them gives it back anyway. `beside_results` says
    that a neighbour holds results too: rendered anew, the two would become one.

    Raises:
        ImportFormatError: it is no message of Anthropic's.
    """
    pieces = split_message(message)
    if (beside_results and pieces[0]["role"] == "tool") or render_turns(pieces) != [message]:
        pieces[0][PRIVATE_KEY] = {ORIGINAL: own_copy(dict(message))}
    return pieces


def import_system(system: object) -> list[Json]:
    """Return the system message that a request's `system` stands for, or none.

    Raises:
        ImportFormatError: it is neither text nor a list of blocks.
    """
    pieces = split_system(system)
    if pieces and render_system(pieces) != system:
        pieces[0][PRIVATE_KEY] = {ORIGINAL: {"system": own_copy(system)}}
    return pieces
