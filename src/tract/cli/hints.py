"""What to do about an error, in one line; the errors themselves know no command."""

from collections.abc import Mapping

from tract import exceptions
from tract.cli.place import ForeignTractError, NoTractError
from tract.llm import errors as llm_errors

HINTS: Mapping[type[Exception], str] = {
    NoTractError: "make one with 'tract init', or name one with --db or TRACT_DB",
    ForeignTractError: "if you trust it, name its database with --db or TRACT_DB",
    exceptions.CommitNotFoundError: "'tract log' lists the commits",
    exceptions.MessageNotFoundError: "'tract compile' lists the messages with their ids",
    exceptions.RevisionError: "'tract log', 'tract branch' and 'tract tag' list what there is to name",
    exceptions.RefNotFoundError: "'tract branch', 'tract tag' and 'tract remote list' list what there is",
    exceptions.RefExistsError: "choose another name, or delete the old one with -d",
    exceptions.RefNameError: "a name is one word, made as git's branches are: letters, digits, '-', '_', '.' and '/'",
    exceptions.OperationNotFoundError: "'tract op log' lists what was done",
    exceptions.ConcurrentMoveError: "somebody else recorded meanwhile: look at 'tract log' and try again",
    exceptions.SummaryError: "write it with 'tract compress --summary', or ask for less: --target-tokens, --must-keep",
    exceptions.CompressError: "'tract compile' lists the messages with their ids, 'tract log' shows what was folded",
    exceptions.BudgetError: "give a larger --budget, or skip or unpin some messages",
    exceptions.UnresolvedConflictsError: "'tract conflicts' shows them, 'tract resolve' settles one",
    exceptions.MergeInProgressError: "finish it with 'tract merge --continue', give it up with '--abort'",
    exceptions.ReplayInProgressError: "'tract status' tells how to finish it or to give it up",
    exceptions.NonFastForwardError: "'tract pull' brings what is there; --force drops it",
    exceptions.PrerequisitesError: "ask for a bundle of the whole history, or of what came since a commit that is here",
    exceptions.BundleError: "if the file came from elsewhere, copy it again",
    exceptions.BusyError: "another process is writing: try again",
    exceptions.ReadOnlyError: "check who may write to the file and its folder",
    exceptions.CorruptionError: "'tract fsck' tells what is damaged",
    exceptions.SchemaVersionError: "install the version of tract that made it",
    exceptions.ImportFormatError: "--run N picks one of several conversations, --all takes each; see --help",
    llm_errors.LLMConfigError: "set TRACT_OPENAI_API_KEY, and TRACT_OPENAI_BASE_URL for another server than OpenAI's",
    llm_errors.LLMAuthError: "check TRACT_OPENAI_API_KEY and what it may do",
    llm_errors.LLMConnectionError: "check the network and TRACT_OPENAI_BASE_URL; nothing was changed",
    llm_errors.LLMRateLimitError: "wait a while, or ask no model: 'tract merge --manual', 'tract compress --summary'",
    llm_errors.LLMClientError: "ask no model: 'tract merge --manual', 'tract compress --summary'",
}
"""The line for each class of error; the nearest class above an error's own counts."""

_SHOWN_CANDIDATES = 5
_SHOWN_CHARACTERS = 12


def find_hint(error: Exception) -> str | None:
    """Return what helps about an error: the ids that a prefix could have meant, or the line for its class."""
    candidates = getattr(error, "candidates", ())
    if candidates:
        shown = ", ".join(candidate[:_SHOWN_CHARACTERS] for candidate in candidates[:_SHOWN_CANDIDATES])
        return f"it could be {shown}{', ...' if len(candidates) > _SHOWN_CANDIDATES else ''}"
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), None)
