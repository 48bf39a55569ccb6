"""Opening a tract: what a path means, and what opening again finds."""

from pathlib import Path
from typing import Any

import pytest

from tract import ReadOnlyError, RefNameError, StorageError, Tract
from tract_support import texts


def test_opening_again_finds_the_same_tract(path: Path) -> None:
    """By path, as text or as a Path, and by URL; each tract of a store apart, and listed."""
    with Tract.open(path) as t, Tract.open(path, name="other") as other:
        t.user("hello")
        other.user("elsewhere")

    for place in (path, str(path), f"sqlite:///{path}"):
        with Tract.open(place) as again:
            assert texts(again) == ["hello"]
    assert Tract.tracts(path) == ["default", "other"]


@pytest.mark.parametrize("place", [None, ":memory:", "sqlite://", "sqlite:///:memory:"])
def test_a_tract_in_memory_makes_no_file(place: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None means memory, and so does what SQLite and SQLAlchemy call it; each object has its own."""
    monkeypatch.chdir(tmp_path)

    with Tract.open(place) as t, Tract.open(place) as other:
        t.user("hello")

        assert (texts(t), texts(other)) == (["hello"], [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_stored", [False, True], ids=["memory", "sqlite"])
def test_reading_only_writes_nothing(is_stored: bool, path: Path) -> None:
    """What was opened read-only can be read, and every verb that writes says why it does not."""
    place = path if is_stored else None
    with Tract.open(place):
        pass

    with Tract.open(place, read_only=True) as t:
        for write in (lambda: t.user("x"), lambda: t.configure(model="m"), lambda: t.switch("new", create=True)):
            with pytest.raises(ReadOnlyError):
                write()

        assert (t.compile().to_openai(), t.log(), t.branches()) == ([], [], {})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"durability": "half"}, StorageError),
        ({"name": ""}, RefNameError),
        ({"workspace": "a b"}, RefNameError),
        ({"path": ""}, StorageError),
        ({"path": 5}, StorageError),
        ({"path": "mysql://host/base"}, StorageError),
        ({"path": "://"}, StorageError),
        ({"path": "/nowhere/at/all.db"}, StorageError),
    ],
    ids=str,
)
def test_what_cannot_be_opened_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    """Options that mean nothing and places where no store can be are errors of tract's."""
    with pytest.raises(error):
        Tract.open(**options)
