"""Recorded conversations of others: read whole, given back equal, and valid for both providers."""

import json
from pathlib import Path
from typing import Any

from formats_support import DATA, compile_fields, faults_for_anthropic, faults_for_openai, needs_data, read_lines
from tract.exceptions import ImportFormatError
from tract.formats.conversations import read_conversations

Json = dict[str, Any]


def _check_run(messages: list[Json]) -> None:
    """Assert that a recorded run comes back equal, and is valid for Anthropic where it is for OpenAI."""
    (conversation,) = read_conversations(messages)
    compiled = compile_fields([message.fields for message in conversation.messages])

    assert compiled.to_openai() == messages
    if not faults_for_openai(messages):
        assert faults_for_anthropic(compiled.to_anthropic()) == []


@needs_data
def test_airline_runs_come_back_equal() -> None:
    """48 runs, each a conversation of its own, from the file as it is."""
    path = DATA / "tau_bench_airline" / "dev_tasks_00-11.jsonl"

    conversations = read_conversations(path.read_bytes())

    assert len(conversations) == 48
    for run, conversation in zip(read_lines(path), conversations, strict=True):
        assert [message.fields for message in conversation.messages] == run["traj"]
        assert faults_for_openai(run["traj"]) == []
        _check_run(run["traj"])


@needs_data
def test_request_bodies_come_back_equal() -> None:
    """What clients posted to OpenAI and to others who speak its language."""
    for name in ("chat_ok_openai_azure.dev.jsonl", "chat_ok_other_providers.1.dev.jsonl"):
        bodies = [record["request_body"] for record in read_lines(DATA / "openai_http" / name)]
        bodies = [body for body in bodies if body]

        for body in bodies:
            (conversation,) = read_conversations(body)

            assert conversation.format == "openai"
            assert {message.model for message in conversation.messages} == {json.loads(body).get("model")}
            _check_run(json.loads(body)["messages"])
        assert len(bodies) == 90


@needs_data
def test_chains_of_requests_are_many_conversations() -> None:
    """Each request of an agent's loop is one; the chain's id is their title."""
    path = DATA / "openai_http" / "request_chains.dev.jsonl"

    conversations = read_conversations(path.read_bytes())

    requests = [request for chain in read_lines(path) for request in chain["requests"]]
    assert len(conversations) == len(requests)
    assert {conversation.title for conversation in conversations} == {chain["id"] for chain in read_lines(path)}
    for request in requests:
        _check_run(request["messages"])


@needs_data
def test_billed_prompts_come_back_equal() -> None:
    """Every prompt of the token counts' ground truth is read."""
    path = DATA / "token_truth" / "dev.0.jsonl"

    conversations = read_conversations(path.read_bytes())

    for record, conversation in zip(read_lines(path), conversations, strict=True):
        assert [message.fields for message in conversation.messages] == record["messages"]


@needs_data
def test_agents_trajectories_are_read() -> None:
    """Demonstrations and runs of coding agents; the keys that only they have stay."""
    paths = [path for path in sorted((DATA / "swe_agent_traj").rglob("*")) if path.suffix in (".traj", ".json")]

    for path in paths:
        (conversation,) = read_conversations(path.read_bytes())

        source = json.loads(path.read_bytes())
        history = source if isinstance(source, list) else source["history"]
        fields = [message.fields for message in conversation.messages]
        assert [{key: kept[key] for key in given} for kept, given in zip(fields, history, strict=True)] == history
        assert faults_for_openai(fields) == []
        assert faults_for_anthropic(compile_fields(fields).to_anthropic()) == []
    assert len(paths) == 24


@needs_data
def test_files_in_other_shapes_are_refused() -> None:
    """Event streams and trees are no lists of messages, and the error says what they are."""
    paths = [*(DATA / "openhands_traj").glob("*.json"), *(DATA / "claude_code_sessions").rglob("*.jsonl")]
    paths += [
        path for path in (DATA / "chatgpt_exports").glob("*.json") if path.name.startswith(("chatgpt", "librechat"))
    ]

    problems = [_problem(path) for path in paths]

    assert len(problems) > 30
    assert all(problem.startswith("no list of messages with roles in it: found ") for problem in problems)


def _problem(path: Path) -> str:
    try:
        read_conversations(path.read_bytes())
    except ImportFormatError as error:
        return str(error)
    return "read"
