"""Disks that are full or broken at any call: a typed error, and the same object goes on when they are mended."""

from pathlib import Path

import pytest

from disk_support import Disk, build_disk

PROGRAM = Path(__file__).with_name("fault_workload.py")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """The library that lets a process's disk fail."""
    return build_disk(tmp_path_factory.mktemp("disk"))


def test_each_write_may_fail(disk: Disk, tmp_path: Path) -> None:
    """A call that fails, once or from then on, leaves the state before or after; the object then writes again."""
    tried, failed = map(int, disk.run(PROGRAM, tmp_path, 4).split())

    assert tried > 100
    assert failed > tried / 2


@pytest.mark.long
def test_every_write_may_fail(disk: Disk, tmp_path: Path) -> None:
    """The same for every call of every verb."""
    tried, failed = map(int, disk.run(PROGRAM, tmp_path, 10_000).split())

    assert tried > 1_000
    assert failed > tried / 2
