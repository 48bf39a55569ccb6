"""A process whose disk is watched and may fail: a library, built by the machine's compiler, is loaded into it."""

import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("disk.c")


@dataclass(frozen=True)
class Disk:
    """The library, built."""

    library: Path

    def run(self, script: Path, folder: Path, *arguments: object, log: Path | None = None) -> str:
        """Return what a script prints that is run with its files below a folder watched."""
        environment = {**os.environ, "LD_PRELOAD": str(self.library), "DISK_DIR": str(folder)}
        environment["PYTHONPATH"] = str(SOURCE.parent)
        if log is not None:
            environment["DISK_LOG"] = str(log)
        command = [sys.executable, str(script), str(folder), *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout


def build_disk(folder: Path) -> Disk:
    """Build the library, or skip the test where that cannot be done."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    library = folder / "disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return Disk(library)


class LoadedDisk:
    """The library from inside of the process that it is loaded into."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.disk_calls.restype = ctypes.c_long
        self._library.disk_arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_int]

    def acknowledge(self, text: str) -> None:
        """Note that somebody was told that something is kept."""
        self._library.disk_acknowledge(text.encode())

    def calls(self) -> int:
        """Return how many calls that change files there were since it was armed last."""
        found: int = self._library.disk_calls()
        return found

    def arm(self, call: int, error: int, *, on: bool = False, half: bool = False) -> None:
        """Have a call fail, counted from one; `on`: all behind it too; `half`: it writes half, and the next fails."""
        self._library.disk_arm(call, error, on, half)

    def heal(self) -> None:
        """Let no call fail, and count anew."""
        self._library.disk_arm(-1, 0, 0, 0)
