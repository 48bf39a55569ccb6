"""The tables, the same on every database: what the last migration leaves.

`id` is an object's id, 32 bytes; rows refer to each other by integers. Names and authors are UTF-8 bytes, so that every
text comes back as it was, and sorts the same everywhere. A `seal` is a checksum of columns that no id covers.

A commit's `place` is its line and its position in one number: along a first-parent chain the position grows by one, and
a line is a run of commits on one such chain, side by side on disk. Lines are an index, never hashed. A move's `number`
is its tract and its turn in the same way. A message's first token count stands in its row, so that an append writes no
other; counts in further encodings stand in `token_counts`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    UniqueConstraint,
)

VERSION = 1
"""The number of the last migration."""

APPLICATION_ID = 0x74726163
"""What SQLite's header says the file is: `trac`."""

BLOB_KIND, RECORD_KIND, TOMBSTONE_KIND = 0, 1, 2
"""What `blobs.kind` says: a message, another JSON object, or what stands for one whose bytes were purged."""

LINE_PLACES = 2**28
"""How many places a line has: `place` is the line's number times this, plus the position."""

TRACT_MOVES = 2**36
"""How many moves a tract's log has room for: `number` is the tract's row times this, plus the move's turn."""

WITHOUT_ROW_IDS = {"row_ids": False}
"""Says of a table that SQLite keeps it in its primary key. SQLAlchemy's own way to say so would load the dialect."""

metadata = MetaData()

LINE_NUMBERS, MOVE_NUMBERS = Sequence("line_numbers"), Sequence("move_numbers")
"""Where writers that run side by side draw the numbers of lines and moves; databases without sequences count."""

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
    Column("encoding", BigInteger),
    Column("tokens", BigInteger),
    Column("exact", Boolean),
    Column("seal", BigInteger),
    Column("payload", LargeBinary, nullable=False),
)

commits = Table(
    "commits",
    metadata,
    Column("place", _RowId, primary_key=True, autoincrement=False),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("parent", BigInteger, comment="the place of the first parent"),
    _number("generation"),
    _number("message_count"),
    _number("token_count"),
    Column("tokens_exact", Boolean, nullable=False),
    _number("encoding"),
    Column("extras", LargeBinary),
    _number("seal"),
    Column("payload", LargeBinary, nullable=False),
)

parents = Table(
    "parents",
    metadata,
    Column("child", BigInteger, primary_key=True),
    Column("n", Integer, primary_key=True),
    _number("parent"),
    info=WITHOUT_ROW_IDS,
    comment="the places of merges and of their parents behind the first",
)

refs = Table(
    "refs",
    metadata,
    Column("tract", BigInteger, primary_key=True),
    Column("name", LargeBinary, primary_key=True),
    Column("target", LargeBinary, nullable=False),
    info=WITHOUT_ROW_IDS,
)

moves = Table(
    "moves",
    metadata,
    Column("number", _RowId, primary_key=True, autoincrement=False),
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
    comment="the operation log: a row for each ref that an operation moved; created_at in microseconds",
)
Index("moves_of_ref", moves.c.ref, moves.c.number)

token_counts = Table(
    "token_counts",
    metadata,
    Column("blob", BigInteger, primary_key=True),
    Column("encoding", BigInteger, primary_key=True),
    _number("tokens"),
    Column("exact", Boolean, nullable=False),
    _number("seal"),
    info=WITHOUT_ROW_IDS,
)

recorded = Table(
    "recorded",
    metadata,
    Column("tract", BigInteger, primary_key=True, autoincrement=False),
    Column("blob", BigInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("message", LargeBinary, nullable=False),
    info=WITHOUT_ROW_IDS,
    comment="a cache for search: where commits of a tract recorded messages; blob 0: the commit was looked at",
)

searched = Table(
    "searched",
    metadata,
    Column("tract", BigInteger, primary_key=True, autoincrement=False),
    _number("number"),
    comment="up to which move of each tract the cache for search was filled",
)
