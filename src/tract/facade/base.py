"""What every family of verbs stands on: the repo, and the words that its signatures share."""

from collections.abc import Mapping
from typing import Any

from tract.operations.repo import Repo

Text = str | None
Metadata = Mapping[str, Any] | None


class Verbs:
    """A family of verbs of `Tract`."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
