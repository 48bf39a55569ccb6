"""The configuration, as commands read it."""

import sys
from typing import Any

from tract.facade import Tract

# More than any context has.
_NO_BUDGET = sys.maxsize


def read_config(tract: Tract, revision: str | None = None) -> dict[str, Any]:
    """Return the configuration at a revision (None: where the branch stands), however small its budget is."""
    return tract.compile(revision, _NO_BUDGET).config
