"""Real processes for tests: started cheaply, telling what they did through a pipe, killed at will."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "pytest", "process_support", "tract_support", "warm_tokens"])


@dataclass(frozen=True)
class Worker:
    """A process that runs, and the end of the pipe where what it tells comes out."""

    process: BaseProcess
    receiver: Connection

    def told(self) -> Iterator[Any]:
        """Yield what the process tells, until it ends or is killed."""
        while True:
            try:
                yield self.receiver.recv()
            except (EOFError, OSError):
                return

    def join(self) -> int | None:
        """Wait for the end, and return the exit code."""
        self.process.join()
        self.receiver.close()
        return self.process.exitcode


def start(act: Callable[..., None], *arguments: object) -> Worker:
    """Start a process that is given a function to tell by, and arguments; what it told is read even if it dies."""
    with patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parent)):
        # The server of forks knows no other way to the modules that it is to load beforehand.
        forkserver.ensure_running()
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_run, args=(act, sender, arguments), daemon=True)
    process.start()
    sender.close()
    return Worker(process, receiver)


def _run(act: Callable[..., None], sender: Connection, arguments: tuple[object, ...]) -> None:
    act(sender.send, *arguments)
