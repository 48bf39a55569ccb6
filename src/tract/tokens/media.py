"""What one part of a message's content costs: text exactly, images, sound and files by rule of thumb."""

from collections.abc import Iterator, Mapping
from typing import Any

from tract.protocols import TokenCount
from tract.tokens.text import NOTHING, count_text, total
from tract.tokens.vocabulary import Encoder

_IMAGE_TOKENS = 765
"""A square of 1,024 pixels in high detail, as gpt-4o counts it; its true size is often not in the message."""

_LOW_DETAIL_TOKENS = 85
_SOUND_TOKENS_PER_SECOND = 10
_SOUND_BYTES_PER_SECOND = {"wav": 48_000, "pcm16": 48_000}
_COMPRESSED_BYTES_PER_SECOND = 16_000
_BYTES_PER_PAGE = 75_000
_SHORTEST_DATA = 256
"""Characters; a shorter string under `data` is read as text."""

_DATA_KEYS = frozenset({"data", "file_data", "b64_json", "url", "image_url"})


def count_part(part: object, encode: Encoder) -> TokenCount:
    """Count what one part of a message's content adds to a prompt."""
    if not isinstance(part, Mapping):
        return _count_strings(part, encode)
    text = part.get("text")
    match part.get("type"):
        case "text" if isinstance(text, str):
            return count_text(text, encode)
        case "image_url" | "image" | "input_image":
            return TokenCount(_LOW_DETAIL_TOKENS if _find_detail(part) == "low" else _IMAGE_TOKENS, exact=False)
        case "input_audio":
            return _count_sound(part)
        case _:
            return _count_strings(part, encode)


def _find_detail(part: Mapping[str, Any]) -> object:
    image = part.get("image_url")
    return image.get("detail") if isinstance(image, Mapping) else part.get("detail")


def _count_sound(part: Mapping[str, Any]) -> TokenCount:
    sound = part.get("input_audio")
    if not isinstance(sound, Mapping) or not isinstance(sound.get("data"), str):
        return TokenCount(0, exact=False)
    rate = _SOUND_BYTES_PER_SECOND.get(str(sound.get("format")), _COMPRESSED_BYTES_PER_SECOND)
    return TokenCount(1 + _SOUND_TOKENS_PER_SECOND * _decoded_size(sound["data"]) // rate, exact=False)


def _decoded_size(base64: str) -> int:
    return len(base64) * 3 // 4


def _count_strings(part: object, encode: Encoder) -> TokenCount:
    """Count the strings anywhere in a part of another kind; what is encoded data counts as pages of images."""
    texts: list[str] = []
    pages = 0
    for key, value in _find_strings(part):
        if key in _DATA_KEYS and (value.startswith("data:") or len(value) > _SHORTEST_DATA):
            pages += 1 + _decoded_size(value) // _BYTES_PER_PAGE
        else:
            texts.append(value)
    text = count_text("\n".join(texts), encode) if texts else NOTHING
    return total((text, TokenCount(pages * _IMAGE_TOKENS, exact=False)))


def _find_strings(part: object) -> Iterator[tuple[str, str]]:
    """Yield each string of a part with the key it stands under, in order; any depth, without recursion."""
    rest: list[tuple[str, object]] = [("", part)]
    while rest:
        key, value = rest.pop()
        if isinstance(value, Mapping):
            rest.extend((str(name), child) for name, child in reversed(list(value.items())))
        elif isinstance(value, list | tuple):
            rest.extend((key, child) for child in reversed(value))
        elif value is not None:
            yield key, value if isinstance(value, str) else str(value)
