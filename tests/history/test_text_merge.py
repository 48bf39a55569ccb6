"""The three-way merge of texts, against git and against what must hold for any merge."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tract.history.line_diff import find_hunks, split_lines
from tract.history.text_merge import merge_text, union_text

DATA = Path(os.environ.get("TRACT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL_MERGES = DATA / "merge_real_git" / "dev.0.jsonl"
RANDOM_CASES = int(os.environ.get("TRACT_GIT_MERGES", "200"))

lines = st.sampled_from(["", "a", "b", "c", "a\r", "\x85", "\u2028"])
texts = st.builds(lambda parts, end: "\n".join(parts) + end, st.lists(lines, max_size=8), st.sampled_from(["", "\n"]))


def git_merge(folder: Path, base: str, ours: str, theirs: str) -> str | None:
    """Return what `git merge-file` makes of three texts, None where it finds a conflict."""
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(text.encode())
    command = ["git", "merge-file", "-p", "-q", "ours", "base", "theirs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def random_edit(rng: random.Random, base: list[str], words: list[str]) -> list[str]:
    """Return lines with up to four insertions, deletions, replacements and copied stretches."""
    found = list(base)
    for _ in range(rng.randint(0, 4)):
        place = rng.randint(0, len(found))
        match rng.randrange(4):
            case 0:
                found[place:place] = [rng.choice(words) for _ in range(rng.randint(1, 3))]
            case 1:
                del found[place : place + rng.randint(1, 3)]
            case 2:
                found[place : place + 1] = [f"changed {rng.randrange(4)}"]
            case _:
                start = rng.randrange(len(found) + 1)
                found[place:place] = found[start : start + rng.randint(1, 3)]
    return found


def random_triple(rng: random.Random) -> tuple[str, str, str]:
    """Return a base and two edits of it; half of them are made of few different lines, which is what is hard."""
    words = ["", "  }", "x", "y", "z", "foo", "bar", "baz"] if rng.random() < 0.5 else [f"line {n}" for n in range(40)]
    base = [rng.choice(words) for _ in range(rng.randint(1, 30))] if len(words) == 8 else words[: rng.randint(1, 40)]
    ends = ["\n" if rng.random() < 0.9 else "" for _ in range(3)]
    edits = (base, random_edit(rng, base, words), random_edit(rng, base, words))
    ours, theirs, third = ("\n".join(edit) + end for edit, end in zip(edits, ends, strict=True))
    return ours, theirs, third


@pytest.mark.skipif(not REAL_MERGES.is_file(), reason="the recorded merges are not here")
def test_recorded_merges_come_out_as_git_made_them() -> None:
    """What git merged cleanly in real repositories is the same byte for byte, and what it could not is a conflict."""
    cases = [json.loads(line) for line in REAL_MERGES.read_text(encoding="utf-8").splitlines()]
    expected = {case["id"]: None if case["kind"] == "conflict" else case["git_merge"] for case in cases}

    found = {case["id"]: merge_text(case["base"], case["ours"], case["theirs"]) for case in cases}

    assert found == expected
    assert len(found) >= 79


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_random_merges_come_out_as_git_makes_them(tmp_path: Path) -> None:
    """Edited texts with many equal lines merge, or conflict, as in git."""
    rng = random.Random(20)
    triples = [random_triple(rng) for _ in range(RANDOM_CASES)]

    wrong = [triple for triple in triples if merge_text(*triple) != git_merge(tmp_path, *triple)]

    # Of several shortest differences git may take another one: 1 in 3,000 such cases came out differently.
    assert len(wrong) <= RANDOM_CASES // 1_000, wrong[:1]


@given(texts, texts)
@example("a", "a\n")
def test_a_change_on_one_side_only_is_taken(base: str, changed: str) -> None:
    """Against an unchanged side, and against the same change, the change stands."""
    assert merge_text(base, base, changed) == changed
    assert merge_text(base, changed, base) == changed
    assert merge_text(base, changed, changed) == changed


@given(texts, texts, texts)
def test_swapping_sides_changes_nothing(base: str, ours: str, theirs: str) -> None:
    """The same merge, or the same conflict, whichever side is ours."""
    assert merge_text(base, ours, theirs) == merge_text(base, theirs, ours)


@given(texts, texts)
def test_hunks_turn_the_old_text_into_the_new(old: str, new: str) -> None:
    """Between hunks both texts say the same, and the hunks cover the rest."""
    before, after = split_lines(old), split_lines(new)

    hunks = find_hunks(before, after)

    assert hunks is not None
    rebuilt: list[str] = []
    position = 0
    for hunk in hunks:
        rebuilt += before[position : hunk.start] + after[hunk.new_start : hunk.new_stop]
        position = hunk.stop
    assert rebuilt + before[position:] == after


@given(texts, texts, texts)
def test_union_keeps_every_new_line_of_both_sides(base: str, ours: str, theirs: str) -> None:
    """A union loses no line that a side brought in."""
    known = set(base.split("\n"))

    found = union_text(base, ours, theirs).split("\n")

    assert {line for side in (ours, theirs) for line in side.split("\n")} - known - {""} <= set(found)


@settings(max_examples=50)
@given(texts, texts, texts)
def test_union_of_what_does_not_conflict_is_the_merge(base: str, ours: str, theirs: str) -> None:
    """Where nothing conflicts there is nothing to choose."""
    merged = merge_text(base, ours, theirs)

    assert merged is None or union_text(base, ours, theirs) == merged


def test_union_puts_our_lines_before_theirs() -> None:
    """In a conflict our lines come first, each side's line on its own."""
    assert union_text("a\nb\n", "a\nours", "a\ntheirs\n") == "a\nours\ntheirs\n"


def test_changes_to_touching_lines_conflict() -> None:
    """Edits of neighbouring lines are a conflict, with a line between them they are not."""
    assert merge_text("1\n2\n3\n", "x\n2\n3\n", "1\ny\n3\n") is None
    assert merge_text("1\n2\n3\n", "x\n2\n3\n", "1\n2\ny\n") == "x\n2\ny\n"


def test_only_line_feeds_end_lines() -> None:
    """Carriage returns and other separators stay inside their line, and an absent last line feed stays absent."""
    assert split_lines("a\r\nb\x85c\u2028d\n\ne") == ["a\r\n", "b\x85c\u2028d\n", "\n", "e"]
    assert "".join(split_lines("a\n")) == "a\n"


def test_too_different_texts_merge_only_far_apart() -> None:
    """Beyond the cap, changes with untouched text between them still merge, and others are a conflict."""
    shuffled = [f"{number * 7919 % 3_000}\n" for number in range(3_000)]
    base = "start\n" + "".join(f"{number}\n" for number in range(3_000)) + "end\n"
    rewritten = "start\n" + "".join(shuffled) + "end\n"

    assert find_hunks(split_lines(base), split_lines(rewritten)) is None
    assert merge_text(base, rewritten, base.replace("\n1500\n", "\nx\n")) is None
    assert merge_text(base + "a\nb\n", rewritten + "a\nb\n", base + "a\nB\n") == rewritten + "a\nB\n"
