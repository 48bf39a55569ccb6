"""What is said about a commit afterwards, beside history."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Note:
    """One note on a commit."""

    text: str
    author: str
    created_at: datetime
