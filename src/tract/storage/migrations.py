"""The way from an empty database to the present tables, in numbered steps; a released step is never edited."""

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

from tract.storage.schema import LINE_NUMBERS, MOVE_NUMBERS, metadata


def first_tables(dialect: Dialect) -> list[str]:
    """Return the statements that make the tables of version 1, and its sequences."""
    sequences = (LINE_NUMBERS, MOVE_NUMBERS) if dialect.supports_sequences else ()
    found = [str(CreateSequence(sequence).compile(dialect=dialect)) for sequence in sequences]
    for table in metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dialect)).rstrip()
        is_keyed = dialect.name == "sqlite" and not table.info.get("row_ids", True)
        found.append(f"{made} WITHOUT ROWID" if is_keyed else made)
        found += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    if dialect.name == "postgresql":
        # SQLite's own index is a virtual table, which not every build has: it is made where it is first used.
        found += ["CREATE TABLE blob_words (blob BIGINT PRIMARY KEY, words TSVECTOR)"]
        found += ["CREATE INDEX blob_words_words ON blob_words USING gin (words)"]
    return found


MIGRATIONS: Sequence[Callable[[Dialect], list[str]]] = (first_tables,)
"""Step n, counted from 1, leads from version n - 1 to version n."""


USUAL_ENCODINGS = ("o200k_base", "cl100k_base")
"""Encodings that a new store knows, so that the first message counted registers none."""


def pending_statements(version: int, dialect: Dialect) -> list[str]:
    """Return the statements that lead from a version to the present one."""
    return [statement for step in MIGRATIONS[version:] for statement in step(dialect)]
