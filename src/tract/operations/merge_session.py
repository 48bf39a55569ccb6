"""Merges that wait: what is kept of them in the store, so that another process can go on; and remembered answers.

A branch has one session, a merge or a replay, which the ref `merge/<branch>` names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from tract.exceptions import CorruptionError, MergeError, MergeInProgressError, ReplayInProgressError
from tract.model.conflicts import SIDES, Conflict, Leave
from tract.model.encoding import decode, encode, object_id, shown
from tract.model.messages import Message, parse_message
from tract.model.refs import MERGES, REMEMBERED
from tract.operations.repo import Repo
from tract.protocols import NewRecord, RefMove, Resolution

Strategy = Literal["auto", "manual", "ours", "theirs", "union"]
Review = Literal["system", "strict", "off"]
Settler = Literal["person", "resolver", "strategy", "remembered"]


def given_leave(allow: object) -> tuple[str, ...]:
    """Return what a caller gives leave for; one word alone is a list of one.

    Raises:
        MergeError: it is no list, or names what leave cannot be given for.
    """
    known = get_args(Leave)
    if not isinstance(allow, Iterable):
        raise MergeError(f"leave is a list of {', '.join(known)}, not {shown(allow)}")
    given: tuple[Any, ...] = (allow,) if isinstance(allow, str) else tuple(allow)
    unknown = [leave for leave in given if leave not in known]
    if unknown:
        raise MergeError(f"leave may be given for {', '.join(known)}, not {shown(unknown[0])}")
    return given


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """How a merge is to be done; fields as the arguments of `Tract.merge`.

    `child` is the name of the tract that is merged, where it is another; `base_id` is the commit to merge from where
    the two have no common history.
    """

    strategy: Strategy = "auto"
    allow: tuple[str, ...] = ()
    allow_unrelated: bool = False
    no_ff: bool = False
    auto_commit: bool = False
    review: Review | None = None
    model: str | None = None
    message: str | None = None
    delete_branch: bool = False
    child: str | None = None
    base_id: str | None = None

    def of_child(self, name: str, *, base_id: str | None, message: str) -> "MergeOptions":
        """Return these options for merging a child tract; `base_id` is its root, where it began with a part."""
        return replace(self, child=name, base_id=base_id, message=message, no_ff=True)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A conflict's answer as it is stored: one of its choices, a text, or the fields of a whole message.

    `by` says who settled it; `generation_config` and `reasoning` are a model's. `first` says which side a choice of a
    side means, by the order of the sides' values, so that it holds from the other side too.
    """

    by: Settler
    choice: str | None = None
    text: str | None = None
    fields: Mapping[str, Any] | None = None
    reasoning: str | None = None
    generation_config: Mapping[str, Any] | None = None
    first: bool | None = None

    @classmethod
    def of_choice(cls, by: Settler, conflict: Conflict, choice: str) -> "KeptAnswer":
        """Return the answer that is a choice of a conflict's."""
        return cls(by, choice=choice, first=conflict.is_first(choice) if choice in SIDES else None)

    def recalled(self, conflict: Conflict) -> "KeptAnswer":
        """Return a remembered answer as the answer to the conflict that came up again, maybe from the other side."""
        if self.first is None:
            return replace(self, by="remembered")
        return replace(
            self, by="remembered", choice=next(side for side in SIDES if conflict.is_first(side) == self.first)
        )

    def as_resolution(self) -> Resolution:
        """Return the answer as a resolver would give it; a choice stands in `content_text`."""
        content = None if self.fields is None else Message.from_fields(self.fields)
        return Resolution(
            "resolved",
            content=content,  # type: ignore[arg-type]
            content_text=self.text if self.text is not None else self.choice,
            reasoning=self.reasoning,
            generation_config=None if self.generation_config is None else dict(self.generation_config),
        )


@dataclass(frozen=True, slots=True)
class MergeSession:
    """A merge that waits: what is merged in and how, the ids of its conflicts, and the answers so far.

    `id` is that of the operation that opened it, and stays while answers come.
    """

    id: str
    theirs_id: str
    source: str
    options: MergeOptions
    conflict_ids: tuple[str, ...]
    answers: Mapping[str, KeptAnswer] = field(default_factory=dict)

    def answered(self, conflict_id: str, answer: KeptAnswer) -> "MergeSession":
        """Return the session with one more answer."""
        return replace(self, answers={**self.answers, conflict_id: answer})

    def to_record(self) -> NewRecord:
        """Return the object that a store keeps."""
        answers = {key: answer_to_json(answer) for key, answer in self.answers.items()}
        return new_record(
            {
                "kind": "merge",
                "id": self.id,
                "theirs": self.theirs_id,
                "source": self.source,
                "options": {**asdict(self.options), "allow": list(self.options.allow)},
                "conflicts": list(self.conflict_ids),
                "answers": answers,
            }
        )


def find_session_record(repo: Repo, branch: str) -> tuple[str, dict[str, Any]] | None:
    """Return the record of what waits on a branch, a merge or a replay, after its id; None: nothing. Two statements."""
    record_id = repo.store.find_ref(MERGES + branch)
    return None if record_id is None else (record_id, _read(repo, record_id))


def find_merge_session(repo: Repo, branch: str) -> tuple[str, MergeSession] | None:
    """Return the merge that waits on a branch, with its record's id; None if there is none. Two statements."""
    found = find_session_record(repo, branch)
    if found is None or found[1].get("kind") != "merge":
        return None
    record_id, value = found
    try:
        options = MergeOptions(**{**value["options"], "allow": tuple(value["options"]["allow"])})
        answers = {key: KeptAnswer(**answer) for key, answer in value["answers"].items()}
        return record_id, MergeSession(
            value["id"], value["theirs"], value["source"], options, tuple(value["conflicts"]), answers
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptionError(f"record {record_id} is no merge", object_id=record_id) from error


def check_free(repo: Repo, branch: str) -> None:
    """Check that no merge and no replay waits on a branch.

    Raises:
        MergeInProgressError: one does.
    """
    found = find_session_record(repo, branch)
    if found is not None and found[1]["kind"] == "merge":
        raise MergeInProgressError(f"a merge into {branch!r} waits", branch=branch, session_id=found[1]["id"])
    if found is not None:
        verb = str(found[1]["request"]["verb"]).replace("_", "-")
        raise ReplayInProgressError(f"a {verb} on {branch!r} waits", branch=branch, session_id=found[1]["id"])


def find_remembered(repo: Repo, conflict_ids: Iterable[str]) -> dict[str, str]:
    """Return what is remembered of these conflicts, conflict id to record id. One statement for each."""
    found = {conflict_id: repo.store.find_ref(REMEMBERED + conflict_id) for conflict_id in conflict_ids}
    return {conflict_id: record_id for conflict_id, record_id in found.items() if record_id is not None}


def read_remembered(repo: Repo, record_id: str) -> KeptAnswer:
    """Return a remembered answer, as it was given."""
    try:
        return KeptAnswer(**_read(repo, record_id)["answer"])
    except (KeyError, TypeError) as error:
        raise CorruptionError(f"record {record_id} is no answer", object_id=record_id) from error


def remember(answers: Mapping[str, KeptAnswer], known: Mapping[str, str]) -> tuple[list[NewRecord], list[RefMove]]:
    """Return what publishes answers so that the same conflicts are never asked again."""
    records, moves = [], []
    for conflict_id, answer in sorted(answers.items()):
        if answer.by in ("person", "resolver"):
            record = new_record({"kind": "answer", "answer": answer_to_json(answer)})
            old = known.get(conflict_id)
            if old != record.id:
                records.append(record)
                moves.append(RefMove(REMEMBERED + conflict_id, old, record.id))
    return records, moves


def answer_fields(content: object) -> dict[str, Any]:
    """Return the fields of a whole message that a resolver answered with: a `Message`, or a model that dumps to one.

    Raises:
        ContentError: it dumps to no message.
    """
    dump = getattr(content, "model_dump", None)
    fields = dump() if callable(dump) else content
    if isinstance(fields, Mapping) and not isinstance(content, Message):
        fields = {key: value for key, value in fields.items() if value is not None or key == "content"}
    return parse_message(fields).fields  # type: ignore[arg-type]


def answer_to_json(answer: KeptAnswer) -> dict[str, Any]:
    """Return an answer as records hold it."""
    return {key: value for key, value in asdict(answer).items() if value is not None}


def new_record(value: Mapping[str, Any]) -> NewRecord:
    """Return a JSON object as a store keeps it."""
    payload = encode(value, sort_keys=False)
    return NewRecord(object_id("record", payload), payload)


def _read(repo: Repo, record_id: str) -> dict[str, Any]:
    payload = repo.store.find_record(record_id)
    if payload is None:
        raise CorruptionError(f"record {record_id} is missing", object_id=record_id)
    found: dict[str, Any] = decode(payload)
    return found
