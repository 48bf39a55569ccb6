"""What the verbs work on, put together: a store, a counter, a clock and the model that may be asked."""

from collections.abc import Callable
from datetime import UTC, datetime

from tract.exceptions import ContentError
from tract.llm.protocols import LLMClient
from tract.llm.resolver import OpenAIResolver
from tract.llm.summarizer import OpenAISummarizer
from tract.operations.opening import open_repo
from tract.operations.repo import MakeResolver, Repo
from tract.protocols import Store
from tract.tokens import TiktokenCounter

_COUNTER = TiktokenCounter()


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def checked_client(client: LLMClient | None) -> LLMClient | None:
    """Return what may be asked for answers, or None.

    Raises:
        ContentError: it is no client: it has no `chat` to call.
    """
    if client is not None and not callable(getattr(client, "chat", None)):
        raise ContentError(f"a client that asks a model has a method chat, and {type(client).__name__} has none")
    return client


def configure_llm(repo: Repo, client: LLMClient | None) -> None:
    """Let a client settle the conflicts of merges and write summaries, where nobody is named; None: nobody does."""
    checked_client(client)
    repo.workspace.make_resolver = make_resolver(client)
    repo.workspace.summarizer = None if client is None else OpenAISummarizer(client)


def make_resolver(client: LLMClient | None) -> MakeResolver | None:
    """Return what makes a resolver that asks this client, for a model named at the merge; None for no client."""
    return None if client is None else lambda model: OpenAIResolver(client, model=model)


def wire(store: Store, client: LLMClient | None, *, clock: Callable[[], datetime], author: str, workspace: str) -> Repo:
    """Return what the verbs work on, over an open store; the store is closed if that fails."""
    try:
        repo = open_repo(store, _COUNTER, clock=clock, author=author, workspace=workspace)
    except BaseException:
        store.close()
        raise
    configure_llm(repo, client)
    return repo
