"""Which store a command works on: the one named, or the `.tract` folder above, as git finds `.git`."""

import errno
import os
from pathlib import Path

from tract.exceptions import TraceError
from tract.facade import Tract

FOLDER = ".tract"
FILE = "tract.db"


class NoTractError(TraceError):
    """There is no store where one was looked for."""


class ForeignTractError(TraceError):
    """The `.tract` folder that was found belongs to another user."""


def find_place(named: str | None) -> str:
    """Return the path or URL of the store to work on: the one named, else the one in this folder or one above it.

    Raises:
        NoTractError: there is none.
        StorageError: there is none at a URL, or it cannot be reached.
        ForeignTractError: what was found belongs to another user, who could read what is recorded in it.
    """
    if named is not None:
        # Opening would make an absent store; only `init` is to do that.
        if "://" in named:
            Tract.tracts(named)
        elif not os.path.exists(named):
            raise NoTractError(f"there is no tract at {named}")
        return named
    here = Path.cwd()
    for above in (here, *here.parents):
        folder = above / FOLDER
        if folder.is_dir():
            return _checked(folder)
    raise NoTractError(f"there is no {FOLDER} folder in {here} or above it")


def make_place(directory: Path) -> tuple[str, bool]:
    """Make a `.tract` folder that only its owner can read, and return the store's path and whether it is new.

    The folder's name is safe from a power cut before the store is made in it; SQLite sees to the names inside.

    Raises:
        OSError: it cannot be made.
    """
    directory.mkdir(parents=True, exist_ok=True)
    folder = directory.resolve() / FOLDER
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        _sync(folder.parent)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", encoding="ascii")
    file = folder / FILE
    return str(file), not file.exists()


def _sync(directory: Path) -> None:
    """Wait until the names in a directory are on disk, where the system lets a directory be synced."""
    if os.name != "posix":
        return
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(opened)


def _checked(folder: Path) -> str:
    owner = folder.stat().st_uid
    trusted = {str(os.getuid())}
    if os.getuid() == 0:
        trusted.add(os.environ.get("SUDO_UID", ""))
    if str(owner) not in trusted:
        raise ForeignTractError(f"{folder} belongs to another user")
    file = folder / FILE
    if not file.exists():
        raise NoTractError(f"there is no store in {folder}")
    return str(file)
