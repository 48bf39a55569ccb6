from tract.llm.client import LLMStatusError as LLMStatusError
from tract.llm.client import OpenAIClient as OpenAIClient
from tract.llm.errors import LLMAuthError as LLMAuthError
from tract.llm.errors import LLMClientError as LLMClientError
from tract.llm.errors import LLMConfigError as LLMConfigError
from tract.llm.errors import LLMConnectionError as LLMConnectionError
from tract.llm.errors import LLMDeadlineError as LLMDeadlineError
from tract.llm.errors import LLMRateLimitError as LLMRateLimitError
from tract.llm.errors import LLMRequestError as LLMRequestError
from tract.llm.errors import LLMResponseError as LLMResponseError
from tract.llm.protocols import LLMClient as LLMClient
from tract.llm.protocols import Resolution as Resolution
from tract.llm.protocols import ResolverCallable as ResolverCallable
from tract.llm.protocols import SummarizerCallable as SummarizerCallable
from tract.llm.protocols import Summary as Summary
from tract.llm.protocols import SummaryRequest as SummaryRequest
from tract.llm.resolver import OpenAIResolver as OpenAIResolver
from tract.llm.summarizer import OpenAISummarizer as OpenAISummarizer

__all__ = [
    "LLMAuthError",
    "LLMClient",
    "LLMClientError",
    "LLMConfigError",
    "LLMConnectionError",
    "LLMDeadlineError",
    "LLMRateLimitError",
    "LLMRequestError",
    "LLMResponseError",
    "LLMStatusError",
    "OpenAIClient",
    "OpenAIResolver",
    "OpenAISummarizer",
    "Resolution",
    "ResolverCallable",
    "SummarizerCallable",
    "Summary",
    "SummaryRequest",
]
