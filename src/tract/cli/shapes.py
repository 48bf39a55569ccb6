"""The JSON that reading commands print: values as plain objects, in shapes that docs/cli.md promises."""

from collections.abc import Iterable, Mapping
from typing import Any

from tract.cli.terminal import one_line
from tract.formats.compiled import CompiledContext
from tract.model.changes import change_to_json
from tract.model.commits import Commit
from tract.model.conflicts import ConflictCommit, ConflictInfo
from tract.model.messages import Message
from tract.model.oplog import OperationEntry
from tract.model.results import (
    Diff,
    ImportReport,
    MessageDiff,
    MessageVersion,
    Origin,
    PurgeReport,
    ReflogEntry,
    Status,
    TimelineEntry,
)
from tract.model.sharing import BundleReport, FetchResult, PushResult, RefUpdate
from tract.operations.merge_result import MergeResult
from tract.operations.replay_result import ReplayResult
from tract.protocols import Fault, Garbage, Resolution

Json = dict[str, Any]


def commit_shape(commit: Commit, refs: Iterable[str] = ()) -> Json:
    """Return a commit; `refs` are the branches and tags that stand at it."""
    return {
        "id": commit.id,
        "parents": list(commit.parents),
        "author": commit.author,
        "created_at": commit.created_at.isoformat(),
        "message": commit.message,
        "message_ids": list(commit.message_ids),
        "changes": [change_to_json(change) for change in commit.changes],
        "metadata": dict(commit.metadata),
        "refs": list(refs),
    }


def message_shape(message: Message | None) -> Json | None:
    """Return a message as it was given, or None."""
    return message.model_dump() if message is not None else None


def diff_shape(diff: Diff) -> Json:
    """Return a difference; `edited` also has the unified diff of the two texts."""
    return {
        "added": [_changed(each, each.after) for each in diff.added],
        "removed": [_changed(each, each.before) for each in diff.removed],
        "edited": [
            {
                "message_id": each.message_id,
                "before": message_shape(each.before),
                "after": message_shape(each.after),
                "text_diff": each.text_diff,
            }
            for each in diff.edited
        ],
        "marked": [_sides(each.message_id, each.before, each.after) for each in diff.marked],
        "folded": [_sides(each.message_id, each.before, each.after) for each in diff.folded],
        "moved": list(diff.moved),
        "configured": {key: {"before": before, "after": after} for key, (before, after) in diff.configured.items()},
    }


def _changed(changed: MessageDiff, message: Message | None) -> Json:
    return {"message_id": changed.message_id, "message": message_shape(message)}


def _sides(message_id: str, before: str | None, after: str | None) -> Json:
    return {"message_id": message_id, "before": before, "after": after}


def status_shape(status: Status, merge: MergeResult | None, replay: ReplayResult | None) -> Json:
    """Return a status, with what waits on the branch."""
    return {
        "branch": status.branch,
        "head_id": status.head_id,
        "message_count": status.message_count,
        "token_count": status.token_count,
        "tokens_exact": status.tokens_exact,
        "budget": status.budget,
        "merge": merge_shape(merge) if merge is not None else None,
        "replay": replay_shape(replay) if replay is not None else None,
    }


def version_shape(version: MessageVersion) -> Json:
    """Return one version of a message."""
    return {
        "commit_id": version.commit.id,
        "author": version.commit.author,
        "created_at": version.commit.created_at.isoformat(),
        "action": version.action,
        "mark": version.mark,
        "message": message_shape(version.message),
    }


def reflog_shape(entry: ReflogEntry) -> Json:
    """Return one move of a branch or tag."""
    return {
        "selector": entry.selector,
        "old_id": entry.old_id,
        "new_id": entry.new_id,
        "kind": entry.kind,
        "author": entry.author,
        "created_at": entry.created_at.isoformat(),
    }


def origin_shape(origin: Origin) -> Json:
    """Return where a tract was spawned."""
    return {
        "tract": origin.tract,
        "branch": origin.branch,
        "commit_id": origin.commit_id,
        "root_id": origin.root_id,
    }


def timeline_shape(entry: TimelineEntry) -> Json:
    """Return one move of a branch in one of several tracts."""
    return {
        "tract": entry.tract,
        "branch": entry.branch,
        "commit_id": entry.commit_id,
        "kind": entry.kind,
        "author": entry.author,
        "created_at": entry.created_at.isoformat(),
    }


def compiled_shape(compiled: CompiledContext) -> Json:
    """Return a compiled context, each message with its id and its tokens."""
    parts = zip(compiled.message_ids, compiled.token_counts, compiled.to_dicts(), strict=True)
    return {
        "commit_id": compiled.commit_id,
        "token_count": compiled.token_count,
        "tokens_exact": compiled.tokens_exact,
        "config": compiled.config,
        "messages": [{"id": key, "tokens": tokens, "message": message} for key, tokens, message in parts],
    }


def import_shape(report: ImportReport, branch: str, title: str | None) -> Json:
    """Return what the import of one conversation did."""
    return {
        "branch": branch,
        "title": title,
        "commit_id": report.commit.id if report.commit is not None else None,
        "added": report.added,
        "message_ids": list(report.message_ids),
        "unanswered": list(report.unanswered),
        "orphans": list(report.orphans),
    }


def fetch_shape(result: FetchResult) -> Json:
    """Return what a fetch brought."""
    return {
        "source": result.source,
        "commits": result.commits,
        "branches": dict(result.branches),
        "updates": [_update_shape(update) for update in result.updates],
        "tags_kept": list(result.tags_kept),
    }


def push_shape(result: PushResult) -> Json:
    """Return what a push did over there."""
    return {
        "target": result.target,
        "commits": result.commits,
        "updates": [_update_shape(update) for update in result.updates],
    }


def _update_shape(update: RefUpdate) -> Json:
    return {"ref": update.ref, "old": update.old, "new": update.new, "forced": update.forced}


def bundle_shape(report: BundleReport) -> Json:
    """Return what a bundle holds."""
    return {
        "path": report.path,
        "refs": dict(report.refs),
        "prerequisites": list(report.prerequisites),
        "missing": list(report.missing),
        "commits": report.commits,
        "messages": report.messages,
        "size_bytes": report.size_bytes,
    }


def merge_shape(result: MergeResult) -> Json:
    """Return what a merge came to, or where one that waits stands."""
    return {
        "kind": result.kind,
        "source": result.source,
        "target": result.target,
        "committed": result.committed,
        "commit_id": result.commit.id if result.commit is not None else None,
        "base_ids": list(result.base_ids),
        "notices": _notices(result),
        "conflicts": conflict_shapes(result),
    }


def replay_shape(result: ReplayResult) -> Json:
    """Return what a rebase, cherry-pick or revert came to, or where one that waits stands."""
    return {
        "verb": result.verb,
        "kind": result.kind,
        "source": result.source,
        "target": result.target,
        "committed": result.committed,
        "commit_id": result.commit.id if result.commit is not None else None,
        "commits": [commit.id for commit in result.commits],
        "dropped": list(result.dropped),
        "waiting_id": result.waiting_id,
        "notices": _notices(result),
        "conflicts": conflict_shapes(result),
    }


def _notices(result: MergeResult | ReplayResult) -> list[Json]:
    return [
        {"kind": notice.kind, "message_ids": list(notice.message_ids), "text": notice.text} for notice in result.notices
    ]


def conflict_shapes(result: MergeResult | ReplayResult) -> list[Json]:
    """Return the conflicts of a merge or replay, each with what settles it so far."""
    return [conflict_shape(conflict, result.resolutions) for conflict in result.conflicts]


def conflict_shape(conflict: ConflictInfo, resolutions: Mapping[str, Resolution]) -> Json:
    """Return a conflict; `resolution` is None while it is open."""
    resolution = resolutions.get(conflict.id)
    return {
        "id": conflict.id,
        "kind": conflict.conflict_type,
        "message_id": conflict.message_id,
        "ours": _side(conflict.commit_a, conflict.content_a_text),
        "theirs": _side(conflict.commit_b, conflict.content_b_text),
        "base": _side(conflict.ancestor, conflict.ancestor_content_text),
        "choices": list(conflict.choices),
        "takes_text": conflict.takes_text,
        "members": [
            {"message_id": each.message_id, "told": each.told, "now": each.now, "is_skipped": each.is_skipped}
            for each in conflict.members
        ],
        "resolution": resolution_shape(resolution) if resolution is not None else None,
    }


def _side(commit: ConflictCommit | None, text: str | None) -> Json:
    return {
        "commit_id": commit.id if commit is not None else None,
        "message": one_line(commit.message) if commit is not None else None,
        "text": text,
    }


def resolution_shape(resolution: Resolution) -> Json:
    """Return an answer to a conflict."""
    return {
        "text": resolution.content_text,
        "message": resolution.content.model_dump() if resolution.content is not None else None,
        "reasoning": resolution.reasoning,
        "generation_config": resolution.generation_config,
    }


def garbage_shape(found: Garbage) -> Json:
    """Return what nothing reaches."""
    return {
        "commits": list(found.commits),
        "messages": list(found.messages),
        "records": list(found.records),
        "size_bytes": found.size_bytes,
    }


def purge_shape(report: PurgeReport) -> Json:
    """Return what a purge overwrote, or would."""
    return {
        "message_id": report.message_id,
        "versions": list(report.blob_ids),
        "forgotten": list(report.forgotten),
        "mentioned_in": list(report.mentioned_in),
        "done": report.done,
    }


def fault_shape(fault: Fault) -> Json:
    """Return something that is wrong in a store."""
    return {"where": fault.where, "problem": fault.problem}


def operation_shape(entry: OperationEntry) -> Json:
    """Return an operation of the log; refs are named in full."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "subject_id": entry.subject_id,
        "author": entry.author,
        "created_at": entry.created_at.isoformat(),
        "moves": [{"ref": move.ref, "old": move.old, "new": move.new} for move in entry.moves],
    }
