"""Warnings of the library, shown while a command asks a model."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tract.cli.terminal import Styled, Terminal, one_line


class _Warnings(logging.Handler):
    """Prints what is logged, harmless and in one line each."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.print((Styled("warning:", "warning"), " ", one_line(record.getMessage())))


@contextmanager
def shown_warnings(terminal: Terminal) -> Iterator[None]:
    """Print the library's warnings, such as each try that failed, until the block ends."""
    logger = logging.getLogger("tract")
    handler = _Warnings(terminal)
    propagates = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)
