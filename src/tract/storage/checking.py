"""What a check reads and promises."""

from collections.abc import Iterator

from tract.protocols import Fault


def check_store(_: object) -> Iterator[Fault]:
    """Yield faults."""
    yield from ()
