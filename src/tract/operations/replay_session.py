"""Replays that wait: what is kept of them in the store, so that another process can go on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tract.exceptions import CorruptionError
from tract.operations.merge_session import KeptAnswer, Strategy, answer_to_json, find_session_record, new_record
from tract.operations.repo import Repo
from tract.protocols import NewRecord

_LISTS = ("picks", "skipped")
ReplayVerb = Literal["rebase", "cherry_pick", "revert"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How a replay is to be done; fields as the arguments of `Tract.rebase`."""

    strategy: Strategy = "auto"
    allow: tuple[str, ...] = ()
    auto_commit: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What is to be replayed: for a rebase all that the branch has and `onto_id` has not, else the commits `picks`.

    `source` is what the caller named. `skipped` are commits that a person left out.
    """

    verb: ReplayVerb
    source: str
    options: ReplayOptions
    onto_id: str | None = None
    picks: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaySession:
    """A replay that waits: what is asked for, and the answers so far.

    `id` is that of the operation that opened it, and stays while answers come.
    """

    id: str
    request: ReplayRequest
    answers: Mapping[str, KeptAnswer] = field(default_factory=dict)

    def answered(self, conflict_id: str, answer: KeptAnswer) -> "ReplaySession":
        """Return the session with one more answer."""
        return replace(self, answers={**self.answers, conflict_id: answer})

    def skipping(self, commit_id: str) -> "ReplaySession":
        """Return the session with one more commit left out."""
        return replace(self, request=replace(self.request, skipped=(*self.request.skipped, commit_id)))

    def to_record(self) -> NewRecord:
        """Return the object that a store keeps."""
        request = {**asdict(self.request), **{name: list(getattr(self.request, name)) for name in _LISTS}}
        request["options"]["allow"] = list(self.request.options.allow)
        answers = {key: answer_to_json(answer) for key, answer in self.answers.items()}
        return new_record({"kind": "replay", "id": self.id, "request": request, "answers": answers})


def find_replay_session(repo: Repo, branch: str) -> tuple[str, ReplaySession] | None:
    """Return the replay that waits on a branch, with its record's id; None if there is none. Two statements."""
    found = find_session_record(repo, branch)
    if found is None or found[1].get("kind") != "replay":
        return None
    record_id, value = found
    try:
        return record_id, ReplaySession(value["id"], _request(value["request"]), _answers(value["answers"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptionError(f"record {record_id} is no replay", object_id=record_id) from error


def _request(value: Mapping[str, Any]) -> ReplayRequest:
    options = {**value["options"], "allow": tuple(value["options"]["allow"])}
    lists = {name: tuple(value[name]) for name in _LISTS}
    return ReplayRequest(**{**value, **lists, "options": ReplayOptions(**options)})


def _answers(value: Mapping[str, Any]) -> dict[str, KeptAnswer]:
    return {key: KeptAnswer(**answer) for key, answer in value.items()}
