"""Answers to conflicts: what a strategy answers, and whether a resolver's answer can stand."""

from collections.abc import Mapping
from typing import Literal

from tract.history.merge import MergePlan, Settled
from tract.history.virtual_base import Load
from tract.model.conflicts import Answer, Conflict

Strategy = Literal["ours", "theirs", "union"]


def settle_by_strategy(
    plan: MergePlan, strategy: Strategy, answers: Mapping[str, Answer]
) -> tuple[Settled, dict[str, Answer]]:
    """Return a plan settled by a strategy where `answers` say nothing, and all answers used.

    `union` leaves open what it cannot join.
    """
    raise NotImplementedError


def check_answer(conflict: Conflict, answer: Answer, load: Load) -> str | None:
    """Return what is wrong with a resolver's answer, None if it can stand; a wrong answer counts as `skip`.

    A person's answer need only pass `settle`.
    """
    raise NotImplementedError
