"""The tour: a small conversation that branches, conflicts and merges, shown command by command."""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tract.cli.app import app
from tract.cli.place import FILE, FOLDER
from tract.cli.stand_in import MODEL, serve
from tract.cli.terminal import Styled, Terminal, one_line
from tract.facade import Tract
from tract.llm.errors import LLMClientError

SYSTEM = "You plan short trips. Answer in one sentence."
QUESTION = "Three days in Lisbon in May, with a ten-year-old. What shall we see?"
ANSWER = "Ride tram 28 through Alfama, see the otters in the Oceanarium, and keep a day for the beach at Cascais."
OURS = "Three days in Lisbon in May, with a ten-year-old who loves trains. What shall we see?"
OURS_TALK = ("And if it rains?", "Then take the old train along the river, and stay in the tram museum.")
THEIRS = "Three days in Lisbon in May, with a ten-year-old, on 300 euros. What shall we see?"
THEIRS_TALK = ("What costs nothing?", "The castle hill at sunset, the river promenade, and most museums on Sunday.")
SETTLED = "Three days in Lisbon in May, with a ten-year-old who loves trains, on 300 euros. What shall we see?"

PYTHON = """\
import tract

with tract.open("trip.db") as t:
    t.system("You plan short trips.")
    asked = t.user("Three days in Lisbon?")
    t.branch("cheap")
    t.edit(asked.message_id, "Three days in Lisbon by train?")
    t.switch("cheap")
    t.edit(asked.message_id, "Three days in Lisbon for little money?")
    t.switch("main")
    result = t.merge("cheap")
    for conflict in result.conflicts:
        result.resolve(conflict.id, "Three days in Lisbon by train, for little money?")
    t.commit_merge()
    messages = t.compile().to_openai()
"""

_KEY = "TRACT_OPENAI_API_KEY"


def tour(out: Terminal, *, keep: bool) -> None:
    """Print the tour; on a terminal it waits for the reader between its sections."""
    folder = Path(tempfile.mkdtemp(prefix="tract-demo-"))
    try:
        guide = _Guide(out, folder)
        _record(guide)
        _branch(guide)
        _conflict(guide)
        _settle(guide)
        _look_back(guide)
        _python(guide)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    _what_next(guide, folder if keep else None)


class _Guide:
    """Says what comes, runs commands as somebody would type them, and waits for the reader."""

    def __init__(self, out: Terminal, folder: Path) -> None:
        self.out = out
        self._db = folder / FOLDER / FILE
        self._folder = folder
        self._section = 0
        self._waits = out.is_interactive and sys.stdin is not None and sys.stdin.isatty()

    def section(self, title: str, *lines: str) -> None:
        """Begin a section."""
        if self._section and self._waits:
            self.out.print("", Styled("(Enter goes on, ctrl-C ends the tour)", "dim"))
            sys.stdin.readline()
        self._section += 1
        self.out.print("", Styled(f"{self._section}. {title}", "title"), *lines, "")

    def say(self, *lines: str) -> None:
        """Print lines between commands."""
        self.out.print("", *lines, "")

    def run(self, *arguments: str) -> None:
        """Show a command line, and run it in the tour's folder."""
        self.out.print(["$ ", Styled(f"tract {shlex.join(arguments)}", "title")])
        place = ("-C", str(self._folder)) if arguments[0] == "init" else ("--db", str(self._db))
        with app.make_context("tract", ["--no-pager", *place, *arguments]) as context:
            app.invoke(context)

    def open(self) -> Tract:
        """Open the tour's tract; the caller closes it."""
        return Tract.open(self._db)


def _record(guide: _Guide) -> None:
    guide.section(
        "Record",
        "A tract keeps what a language model is sent. Each message is a commit, and has an id that stays.",
    )
    guide.run("init")
    guide.run("add", "system", SYSTEM)
    guide.run("add", "user", QUESTION)
    guide.run("add", "assistant", ANSWER)
    guide.run("compile")


def _branch(guide: _Guide) -> None:
    with guide.open() as tract:
        asked = tract.compile().message_ids[1][:8]
    guide.section(
        "Branch",
        "Another way to go on is a branch. Here the question itself is asked anew on both branches:",
        "an edit changes what a message says, and the message stays the same one.",
    )
    guide.run("branch", "cheap")
    guide.run("edit", asked, OURS, "-m", "he loves trains")
    _talk(guide, OURS_TALK)
    guide.say("And on the other branch:")
    guide.run("switch", "cheap")
    guide.run("edit", asked, THEIRS, "-m", "there is not much money")
    _talk(guide, THEIRS_TALK)
    guide.run("log", "--oneline")


def _talk(guide: _Guide, said: tuple[str, str]) -> None:
    guide.run("add", "user", said[0])
    guide.run("add", "assistant", said[1])


def _conflict(guide: _Guide) -> None:
    guide.section(
        "Merge",
        "What only one side changed merges by itself, and so do edits of different lines.",
        "Two edits of one line are a conflict: a value that waits in the store for an answer, yours or a model's.",
    )
    guide.run("switch", "main")
    guide.run("merge", "cheap")
    guide.say("A person would answer with 'tract resolve'. We give it up, and let a model propose instead.")
    guide.run("merge", "--abort")


def _settle(guide: _Guide) -> None:
    if os.environ.get(_KEY):
        guide.section(
            "Ask a model",
            f"{_KEY} is set: the endpoint that your environment names is asked. It proposes, you decide.",
        )
        try:
            guide.run("merge", "cheap", "--llm")
        except LLMClientError as error:
            guide.say(f"It did not answer: {one_line(str(error))}", "The tour goes on with a stand-in.")
            _ask_stand_in(guide)
    else:
        guide.section(
            "Ask a model",
            f"{_KEY} is not set, so this is no real model: a stand-in answers on this machine, with a sentence",
            "prepared for the tour. It speaks OpenAI's protocol, and is asked through tract's real client, over HTTP.",
            "The model proposes, you decide: nothing is committed yet.",
        )
        _ask_stand_in(guide)
    guide.say("The proposal is good enough for us:")
    if _has_open_conflicts(guide):
        guide.run("resolve", "--text", SETTLED)
    guide.run("merge", "--continue")


def _ask_stand_in(guide: _Guide) -> None:
    with serve(SETTLED) as url, _environment({"TRACT_OPENAI_BASE_URL": url, _KEY: "none", "TRACT_OPENAI_MODEL": MODEL}):
        guide.out.print(f"$ export TRACT_OPENAI_BASE_URL={url}")
        guide.run("merge", "cheap", "--llm")


def _has_open_conflicts(guide: _Guide) -> bool:
    with guide.open() as tract:
        session = tract.merge_session()
        return session is not None and bool(session.open_conflicts)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables until the block ends; loopback is asked past any proxy."""
    given = {**settings, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _look_back(guide: _Guide) -> None:
    with guide.open() as tract:
        asked = tract.compile().message_ids[1][:8]
    guide.section(
        "Look back",
        "The settled text is the message; both sides' answers are there; and nothing was lost on the way.",
    )
    guide.run("compile")
    guide.run("log", "--graph", "--oneline")
    guide.say("Every version of the question, and who settled it:")
    guide.run("history", asked)
    guide.run("show")


def _python(guide: _Guide) -> None:
    guide.section("From Python", "The same, in a program:")
    guide.out.print_all(f"    {line}".rstrip() for line in PYTHON.splitlines())


def _what_next(guide: _Guide, kept: Path | None) -> None:
    lines: Sequence[str] = (
        "tract init                        a tract for your own work",
        "tract import FILE                 a conversation you have: OpenAI's or Anthropic's messages",
        "tract compile --openai            what to send to a model",
        "tract --help                      all there is",
    )
    guide.section("What next", *(f"    {line}" for line in lines))
    if kept is not None:
        guide.out.print(f"The tour's tract is in {kept}: try 'tract -C {shlex.quote(str(kept))} log'.")
