"""What of a context a model is sent: the visible messages, or as many of them as a budget holds."""

from collections.abc import Sequence

from tract.exceptions import BudgetError
from tract.model.context import Context, Entry
from tract.model.messages import INSTRUCTION_ROLES


def plan_budget(
    context: Context, entries: Sequence[Entry], token_counts: Sequence[int], *, fixed_tokens: int, budget: int
) -> list[int]:
    """Return which of the visible entries to send, as indexes in order, so that they cost at most `budget`.

    System, developer and pinned messages stay. Of the others the newest stay: they are cut before a user message,
    so that no call loses its result. `token_counts` is parallel to `entries`; `fixed_tokens` come on top.

    Raises:
        BudgetError: what must stay does not fit.
    """
    must = [entry.role in INSTRUCTION_ROLES or context.head(entry).mark == "pinned" for entry in entries]
    needed = fixed_tokens + sum(tokens for tokens, stays in zip(token_counts, must, strict=True) if stays)
    if needed > budget:
        raise BudgetError(
            f"the budget is {budget} tokens, but system and pinned messages need {needed}", needed=needed, budget=budget
        )
    cut = len(entries)
    total = needed
    for index in range(len(entries) - 1, -1, -1):
        if not must[index]:
            total += token_counts[index]
        if total > budget:
            break
        if entries[index].role == "user":
            cut = index
    else:
        cut = 0
    return [index for index in range(len(entries)) if must[index] or index >= cut]
