"""The Python surface: class `Tract`, whose verbs stand in one module a family; `Tract.open` wires the parts."""

from collections.abc import Callable
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Literal, Self

from tract.facade.care import Care
from tract.facade.compressing import Compressing
from tract.facade.family import Family
from tract.facade.finding import Finding
from tract.facade.merging import Merging
from tract.facade.notes import Annotating
from tract.facade.oplog import OpLog
from tract.facade.peers import Peer, cloned, opened_source, own_name
from tract.facade.peers import Place as PeerPlace
from tract.facade.reading import Reading
from tract.facade.recording import Recording
from tract.facade.refs import Refs
from tract.facade.rewriting import Rewriting
from tract.facade.sharing import Sharing
from tract.facade.transfer import Transfer
from tract.facade.wiring import checked_client, now, wire
from tract.llm.protocols import LLMClient
from tract.model.refs import check_ref_name
from tract.storage.opening import open_store, tract_names

Place = str | PathLike[str]
Durability = Literal["full", "normal"]


class Tract(
    Recording,
    Reading,
    Finding,
    Refs,
    Merging,
    Rewriting,
    Compressing,
    OpLog,
    Annotating,
    Family,
    Transfer,
    Sharing,
    Care,
):
    """A tract: commits, branches and merges of the messages that a model is sent.

    Safe to share between threads, not across a fork. Verbs that write make one commit each and return it; ids of
    commits and messages may be shortened to a prefix that no other has, four characters at least.
    """

    @classmethod
    def open(
        cls,
        path: Place | None = None,
        *,
        name: str = "default",
        read_only: bool = False,
        durability: Durability = "full",
        workspace: str = "default",
        author: str = "",
        clock: Callable[[], datetime] = now,
        llm: LLMClient | None = None,
    ) -> Self:
        """Open a tract in a SQLite file, in the database that a SQLAlchemy URL names, or (None) in memory.

        A file that is not there is made. `name` chooses among the tracts of one store, `workspace` among the places
        in it; `llm` settles merges and writes summaries. `durability="normal"` is faster, and may lose what was
        acknowledged last when the power goes. The caller closes the tract.

        Raises:
            RefNameError: `name` or `workspace` is no valid name.
            ContentError: `llm` is no client.
            StorageError: the store cannot be opened; `SchemaVersionError` where another version made it.
        """
        client = checked_client(llm)
        store = open_store(path, tract=check_ref_name(name), read_only=read_only, durability=durability)
        return cls(wire(store, client, clock=clock, author=author, workspace=workspace))

    @classmethod
    def clone(
        cls,
        url: PeerPlace,
        path: Place | None = None,
        *,
        name: str = "default",
        as_name: str | None = None,
        durability: Durability = "full",
        workspace: str = "default",
        author: str = "",
        clock: Callable[[], datetime] = now,
        llm: LLMClient | None = None,
    ) -> Self:
        """Open a new tract at a path (None: in memory) with all branches and tags of another, known as `origin`.

        `name` is its name over there, and here unless `as_name` is another. The caller closes the tract. A clone that
        broke off is taken up by the next into the same path.

        Raises:
            RefExistsError: the tract at the path has branches already.
            RefNotFoundError: there is no tract of this name.
            StorageError: there is no store, or none can be made.
            TransferError: what is sent cannot be taken.
        """
        client = checked_client(llm)
        peer = Peer(url, check_ref_name(name))
        with opened_source(peer) as source:
            store = open_store(path, tract=own_name(peer, as_name), durability=durability)
            repo = wire(store, client, clock=clock, author=author, workspace=workspace)
            return cls(cloned(repo, peer, source))

    @staticmethod
    def tracts(path: Place) -> list[str]:
        """Return the names of the tracts in a store, in order."""
        return tract_names(path)

    def close(self) -> None:
        """Give up the store; twice is harmless."""
        self._repo.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
