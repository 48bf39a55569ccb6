"""The tables, the same on every database: what the last migration leaves.

`row_id` is a small integer that rows refer to each other by; `id` is an object's id, 32 bytes. Names and authors are
UTF-8 bytes, so that every text comes back as it was, and sorts the same everywhere. A `seal` is a checksum of the
columns that no id covers. `line` and `position` give each commit its place: along a first-parent chain the position
grows by one, and a line is a run of commits on one such chain; they are an index, never hashed.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    UniqueConstraint,
)

VERSION = 1
"""The number of the last migration."""

APPLICATION_ID = 0x74726163
"""What SQLite's header says the file is: `trac`."""

BLOB_KIND, RECORD_KIND = 0, 1
"""What `blobs.kind` says: a message, or another JSON object."""

metadata = MetaData()

_RowId = BigInteger().with_variant(Integer(), "sqlite")


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


tracts = Table(
    "tracts",
    metadata,
    Column("row_id", _RowId, primary_key=True),
    Column("name", LargeBinary, nullable=False, unique=True),
    _number("seal"),
)

encodings = Table(
    "encodings",
    metadata,
    Column("row_id", _RowId, primary_key=True),
    Column("name", LargeBinary, nullable=False, unique=True),
    _number("seal"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("row_id", _RowId, primary_key=True),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("kind", SmallInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

commits = Table(
    "commits",
    metadata,
    Column("row_id", _RowId, primary_key=True),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("parent_row", BigInteger),
    _number("generation"),
    _number("line"),
    _number("position"),
    Column("fork_line", BigInteger),
    _number("message_count"),
    _number("token_count"),
    Column("tokens_exact", Boolean, nullable=False),
    _number("encoding"),
    Column("extras", LargeBinary),
    _number("seal"),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("line", "position"),
    comment="fork_line: only on the first commit of a line, the line that its parent stands on",
)

parents = Table(
    "parents",
    metadata,
    Column("commit_row", BigInteger, primary_key=True),
    Column("n", Integer, primary_key=True),
    _number("parent_row"),
    sqlite_with_rowid=False,
    comment="the parents of merges behind the first",
)

refs = Table(
    "refs",
    metadata,
    Column("tract", BigInteger, primary_key=True),
    Column("name", LargeBinary, primary_key=True),
    Column("target", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

moves = Table(
    "moves",
    metadata,
    Column("tract", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("operation", LargeBinary, nullable=False),
    Column("n", Integer, nullable=False),
    Column("ref", LargeBinary, nullable=False),
    Column("old", LargeBinary),
    Column("new", LargeBinary),
    Column("kind", LargeBinary, nullable=False),
    Column("author", LargeBinary, nullable=False),
    _number("created_at"),
    _number("seal"),
    UniqueConstraint("operation", "n"),
    sqlite_with_rowid=False,
    comment="the operation log: a row for each ref that an operation moved; created_at in microseconds",
)
Index("moves_of_ref", moves.c.tract, moves.c.ref, moves.c.seq)

token_counts = Table(
    "token_counts",
    metadata,
    Column("blob_row", BigInteger, primary_key=True),
    Column("encoding", BigInteger, primary_key=True),
    _number("tokens"),
    Column("exact", Boolean, nullable=False),
    _number("seal"),
    sqlite_with_rowid=False,
)
