"""The model that commands ask: the one that the environment names, or `--model`."""

import click

from tract import llm
from tract.facade import Tract


def configure_model(tract: Tract, model: str | None) -> None:
    """Let a tract ask a model (None: the client's own default) until the command ends.

    Raises:
        LLMConfigError: the environment names no key, or one that cannot be used.
    """
    tract.configure_llm(_client(model))


def model_summarizer(model: str | None) -> llm.OpenAISummarizer:
    """Return what writes summaries by asking a model, until the command ends.

    Raises:
        LLMConfigError: the environment names no key, or one that cannot be used.
    """
    return llm.OpenAISummarizer(_client(model))


def _client(model: str | None) -> "llm.OpenAIClient":
    client = llm.OpenAIClient(default_model=model) if model else llm.OpenAIClient()
    click.get_current_context().call_on_close(client.close)
    return client
