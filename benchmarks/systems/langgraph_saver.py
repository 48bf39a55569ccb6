"""LangGraph: a graph whose state is a list of messages, checkpointed by `SqliteSaver` at every step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import _messages_delta_reducer, add_messages

from benchmarks.messages import Json
from benchmarks.systems.floor import connect


class _State(TypedDict):
    messages: Annotated[list[Any], add_messages]


class _DeltaState(TypedDict):
    messages: Annotated[list[Any], DeltaChannel(_messages_delta_reducer)]


def open_default(path: Path) -> "GraphConversation":
    """Open a thread whose checkpoints each hold the whole list."""
    return GraphConversation(path, _State)


def open_delta(path: Path) -> "GraphConversation":
    """Open a thread whose checkpoints hold what was written, and every hundredth the whole list."""
    return GraphConversation(path, _DeltaState)


class GraphConversation:
    """A thread of a graph with one node, which gives the answer that was laid ready."""

    def __init__(self, path: Path, state: type) -> None:
        self._connection = connect(path, isolation_level="DEFERRED")
        self._answer: Json = {}
        builder = StateGraph(state)
        builder.add_node("model", lambda _: {"messages": [self._answer]})
        builder.add_edge(START, "model")
        builder.add_edge("model", END)
        self._graph: Any = builder.compile(checkpointer=SqliteSaver(self._connection))
        self._config: Any = {"configurable": {"thread_id": "thread"}}

    def say_each(self, messages: Sequence[Json]) -> None:
        """Update the state by one message at a time."""
        for message in messages:
            self._graph.update_state(self._config, {"messages": [message]}, as_node="model")

    def say_all(self, messages: Sequence[Json]) -> None:
        """Update the state by all messages at once."""
        self._graph.update_state(self._config, {"messages": list(messages)}, as_node="model")

    def read(self) -> int:
        """Get the state of the newest checkpoint."""
        return len(self._graph.get_state(self._config).values["messages"])

    def take_turn(self, question: Json, answer: Json) -> None:
        """Invoke the graph, which reads the conversation and answers."""
        self._answer = answer
        self._graph.invoke({"messages": [question]}, self._config)

    def fork(self, place: int) -> None:
        """Look for the checkpoint at which the conversation had a length, and begin a branch there."""
        for found in self._graph.get_state_history(self._config):
            if len(found.values.get("messages", ())) == place + 1:
                self._graph.update_state(found.config, {"messages": []}, as_node="model")
                return
        raise LookupError(f"no checkpoint of {place + 1} messages")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
