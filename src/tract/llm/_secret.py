"""An API key that neither a repr, `vars()`, a pickle nor the HTTP library's log shows."""

import json
import logging
import threading
import weakref
from typing import NoReturn

_MASK = "[key]"
# Local servers are given words such as "none" for a key; masking those would garble every message.
_SHORTEST_MASKED = 8

_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


class Secret:
    """A key in use: it is read by `reveal()` alone, and masks itself in the words of others."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: object) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")

    def reveal(self) -> str:
        """Return the key itself; keep it out of local variables of any frame that may raise."""
        return str(self._text)

    def find_fault(self) -> str | None:
        """Return what keeps the key from being sent in a header, without showing it; None if nothing does."""
        if not isinstance(self._text, str):
            return "the API key is not text"
        if not self._text.strip():
            return "there is no API key"
        for position, character in enumerate(self._text):
            if not "!" <= character <= "~":
                return f"character {position + 1} of the API key is white space, a control character or not ASCII"
        return None

    def masked(self, text: str) -> str:
        """Return the text with the key masked, as it is and as JSON or a repr would write it."""
        key = self.reveal()
        if len(key) < _SHORTEST_MASKED:
            return text
        for spelling in {key, json.dumps(key)[1:-1], json.dumps(key)[1:-1].replace("/", "\\/"), repr(key)[1:-1]}:
            text = text.replace(spelling, _MASK)
        return text


class _KeyFilter(logging.Filter):
    """Masks keys in log records; a server that echoes a key in a header would else have it logged at DEBUG."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._secrets: weakref.WeakSet[Secret] = weakref.WeakSet()

    def add(self, secret: Secret) -> None:
        with self._lock:
            self._secrets.add(secret)

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            secrets = list(self._secrets)
        message = clean = record.getMessage()
        for secret in secrets:
            clean = secret.masked(clean)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


_KEY_FILTER = _KeyFilter()


def keep_out_of_logs(secret: Secret) -> None:
    """Mask a key, for as long as it lives, in whatever httpx and httpcore log."""
    _KEY_FILTER.add(secret)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_KEY_FILTER)
