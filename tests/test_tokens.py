"""Token counts: the vocabularies are OpenAI's, prompts of text come out as billed, and no text can stop the counter."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from tract.exceptions import TraceError
from tract.protocols import TokenCounter
from tract.tokens import TiktokenCounter
from tract.tokens.schemas import count_tools
from tract.tokens.text import count_text
from tract.tokens.vocabulary import load_encoder, read_index, read_tokens, unpack_tokens

DATA = Path(os.environ.get("TRACT_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
ENCODINGS = ("cl100k_base", "o200k_base")
COUNTER = TiktokenCounter()
WEATHER = {
    "name": "get_weather",
    "description": "Tell the weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def count(content: Any, **fields: Any) -> tuple[int, bool]:
    """Count one message in o200k."""
    return COUNTER.count_message({"role": "user", "content": content} | fields, "o200k_base")


def read_billed_prompts() -> list[dict[str, Any]]:
    """Read the prompts whose price OpenAI told."""
    folder = DATA / "token_truth"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def price_prompt(prompt: dict[str, Any]) -> int:
    """Count a whole prompt."""
    model = prompt["model_served"]
    encoding = COUNTER.encoding_for(model).name
    messages = sum(COUNTER.count_message(message, encoding).tokens for message in prompt["messages"])
    tools = COUNTER.count_tools(prompt["tools"] or prompt["functions"], encoding).tokens
    return messages + tools + COUNTER.reply_tokens(model)


def run_python(code: str) -> None:
    """Run code in a process of its own, which must end well."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr


class TestVocabulary:
    """What tract carries is what tiktoken would download."""

    @pytest.mark.parametrize("name", ENCODINGS)
    def test_tokens_are_those_that_tiktoken_pins(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The rank file that the packed tokens stand for has the SHA-256 that tiktoken expects of it."""
        pinned: list[str] = []

        def take_pin(_url: str, expected_hash: str) -> dict[bytes, int]:
            pinned.append(expected_hash)
            return {}

        monkeypatch.setattr(openai_public, "load_tiktoken_bpe", take_pin)
        definition = openai_public.ENCODING_CONSTRUCTORS[name]()

        rank_file = b"".join(base64.b64encode(t) + b" %d\n" % rank for rank, t in enumerate(read_tokens(name)))

        assert hashlib.sha256(rank_file).hexdigest() == pinned[0] == read_index()[name]["tiktoken_sha256"]
        assert read_index()[name]["special_tokens"] == definition["special_tokens"]

    @pytest.mark.parametrize(
        ("name", "tokens"),
        [("cl100k_base", [15339, 1917, 0, 220, 4513, 19]), ("o200k_base", [24912, 2375, 0, 220, 7633, 19])],
    )
    def test_encodes_as_openai_does(self, name: str, tokens: list[int]) -> None:
        """A known text gets the tokens that OpenAI's own tokenizer gives it."""
        encode = load_encoder(name)

        found = encode("hello world! 1234")

        assert list(found) == tokens

    def test_damaged_file_is_a_clear_error(self) -> None:
        """One flipped bit in the packed file is told, with both checksums."""
        packed = b"packed"
        expected = hashlib.sha256(b"Packed").hexdigest()

        with pytest.raises(TraceError, match=f"damaged.*{expected}.*{hashlib.sha256(packed).hexdigest()}"):
            unpack_tokens(packed, sha256=expected, name="o200k_base")

    def test_unknown_encoding_is_a_clear_error(self) -> None:
        """An encoding that tract does not carry is refused by name."""
        with pytest.raises(TraceError, match=r"cl100k_base, o200k_base.*'p50k_base'"):
            COUNTER.count_message({"role": "user", "content": "hi"}, "p50k_base")

    def test_import_loads_no_tokenizer(self) -> None:
        """Importing the counter costs neither tiktoken nor a vocabulary."""
        run_python(
            "import sys\n"
            "from tract.tokens import TiktokenCounter, vocabulary\n"
            "TiktokenCounter().encoding_for('gpt-4o')\n"
            "assert 'tiktoken' not in sys.modules and not vocabulary._encoders\n"
        )

    def test_counts_without_network(self) -> None:
        """Counting opens no socket, and reads no cache: neither a wish for one nor a home is needed."""
        run_python(
            "import os, socket, tempfile\n"
            "def forbid(*_, **__): raise AssertionError('a socket was opened')\n"
            "socket.socket = type('socket', (socket.socket,), {'__init__': forbid})\n"
            "socket.create_connection = socket.getaddrinfo = forbid\n"
            "os.environ['HOME'] = os.environ['TMPDIR'] = '/nonexistent'\n"
            "os.environ.pop('TIKTOKEN_CACHE_DIR', None)\n"
            "from tract.tokens import TiktokenCounter\n"
            "for name in ('cl100k_base', 'o200k_base'):\n"
            "    count = TiktokenCounter().count_message({'role': 'user', 'content': 'hello world'}, name)\n"
            "    assert count == (6, True), count\n"
            "assert 'TIKTOKEN_CACHE_DIR' not in os.environ\n"
        )

    def test_threads_share_one_vocabulary(self) -> None:
        """Threads that count first at once get the same encoder."""
        run_python(
            "import threading\n"
            "from tract.tokens.vocabulary import load_encoder\n"
            "barrier, found = threading.Barrier(8), []\n"
            "def load(): barrier.wait(); found.append(load_encoder('cl100k_base'))\n"
            "threads = [threading.Thread(target=load) for _ in range(8)]\n"
            "[t.start() for t in threads]; [t.join() for t in threads]\n"
            "assert len(found) == 8 and len(set(map(id, found))) == 1\n"
        )


class TestModels:
    """Which encoding a model counts in."""

    @pytest.mark.parametrize(
        "model",
        [
            *("gpt-4o", "gpt-4o-mini-2024-07-18", "chatgpt-4o-latest", "gpt-4.1-nano", "gpt-4.5-preview", "gpt-5"),
            *("gpt-5-mini", "gpt-5.4-mini-2026-03-17", "o1", "o1-mini", "o3-mini-2025-01-31", "o4-mini", "GPT-4o"),
            *("ft:gpt-4o-mini-2024-07-18:acme::abc", "openai/gpt-4o", "openrouter/openai/o3", "azure:gpt-4.1"),
        ],
    )
    def test_newer_models_count_in_o200k(self, model: str) -> None:
        """Models since gpt-4o, also fine-tuned or named by a gateway, count exactly in o200k."""
        assert COUNTER.encoding_for(model) == ("o200k_base", True)

    @pytest.mark.parametrize(
        "model",
        [
            *("gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-4-32k", "gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
            *("gpt-35-turbo", "ft:gpt-3.5-turbo:acme::abc", "azure/gpt-4-turbo"),
        ],
    )
    def test_older_models_count_in_cl100k(self, model: str) -> None:
        """Models of gpt-4's and gpt-3.5's age count exactly in cl100k."""
        assert COUNTER.encoding_for(model) == ("cl100k_base", True)

    @pytest.mark.parametrize(
        "model",
        [
            *("claude-sonnet-4-5", "llama3", "", "o", "o1x", "o15", "gpt-4omni", "gpt-40", "gpt", "gpt-6", "x/gpt-4o"),
            pytest.param("gpt-4" + "-" * 100_000, id="long"),
            *("text-davinci-003", "gpt-4o\n", "\ud800", "openai" * 30),
        ],
    )
    def test_unknown_models_count_inexactly(self, model: str) -> None:
        """Any other name gets o200k, as an estimate."""
        assert COUNTER.encoding_for(model) == ("o200k_base", False)

    def test_no_model_counts_exactly(self) -> None:
        """Without a model the count is what o200k models would bill."""
        assert COUNTER.encoding_for(None) == ("o200k_base", True)

    @pytest.mark.parametrize(
        ("model", "tokens"),
        [(None, 3), ("gpt-4o", 3), ("gpt-4", 3), ("claude", 3), ("o1-mini", 3), ("o3-mini", 2), ("gpt-5-nano", 2)],
    )
    def test_reply_costs_less_for_reasoning_models(self, model: str | None, tokens: int) -> None:
        """What opens the reply is 3 tokens, and 2 for reasoning models."""
        assert COUNTER.reply_tokens(model) == tokens

    def test_conforms_to_the_protocol(self) -> None:
        """The counter serves where a `TokenCounter` is asked for."""
        counter: TokenCounter = COUNTER

        assert counter.count_message({"role": "user", "content": "hi"}, "o200k_base") == (5, True)


class TestBilledPrompts:
    """Counts against what OpenAI billed."""

    def test_prompts_of_text_are_exact(self) -> None:
        """At least 97 % of the prompts that are only text are counted as billed, all others within one token."""
        prompts = [prompt for prompt in read_billed_prompts() if prompt["simple_text_only"]]

        misses = [price_prompt(prompt) - prompt["prompt_tokens"] for prompt in prompts]

        assert misses.count(0) >= 0.97 * len(prompts) > 0
        assert max(map(abs, misses)) <= 1

    def test_prompts_with_tools_are_close(self) -> None:
        """With tools and calls three of four prompts are estimated within 5 % of what was billed."""
        prompts = [p for p in read_billed_prompts() if (p["tools"] or p["functions"]) and not p["response_format"]]

        misses = [abs(price_prompt(prompt) / prompt["prompt_tokens"] - 1) for prompt in prompts]

        assert sum(miss <= 0.05 for miss in misses) >= 0.7 * len(prompts) > 0


class TestMessages:
    """What one message adds to a prompt."""

    def test_text_costs_its_tokens_and_four(self) -> None:
        """A message costs 3 tokens, its role and its text."""
        assert count("hello world") == (6, True)

    def test_parts_of_text_cost_what_they_hold(self) -> None:
        """Parts of text add up, and stay exact."""
        assert count([{"type": "text", "text": "hello"}, {"type": "text", "text": " world"}]) == (6, True)

    def test_name_costs_one_and_its_text(self) -> None:
        """A name is one token and its text, or one alone where it repeats the role."""
        assert (count("hi", name="critic"), count("hi", name="user")) == ((7, True), (6, True))

    def test_empty_fields_leave_a_count_exact(self) -> None:
        """Fields that an SDK writes empty change nothing."""
        assert count("hi", refusal=None, tool_calls=None, annotations=[]) == (5, True)

    @pytest.mark.parametrize(
        "fields",
        [
            {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"function_call": {"name": "f", "arguments": "{}"}},
            {"refusal": "I will not"},
        ],
    )
    def test_calls_and_refusals_are_estimated(self, fields: dict[str, Any]) -> None:
        """Calls and refusals add to the count and make it an estimate."""
        tokens, exact = count(None, role="assistant", **fields)

        assert tokens > 5
        assert not exact

    def test_fields_not_known_are_not_counted(self) -> None:
        """Reasoning and a provider's own fields cost nothing here, and make an estimate."""
        assert count("hi", reasoning_content="long thoughts", x_provider={"a": 1}) == (5, False)

    def test_more_calls_cost_more(self) -> None:
        """Each call of a message counts."""
        call = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"key": "value"}'}}

        one, two = (count(None, role="assistant", tool_calls=[call] * times)[0] for times in (1, 2))

        assert two > one + 5

    def test_results_are_estimated(self) -> None:
        """A tool's message is an estimate."""
        assert count("42", role="tool", tool_call_id="c") == (8, False)

    def test_images_cost_by_detail_not_by_their_data(self) -> None:
        """An image costs a fixed estimate, and little in low detail."""
        url = "data:image/png;base64," + "A" * 1_000_000
        high, low = (
            count([{"type": "image_url", "image_url": {"url": url, "detail": detail}}]) for detail in ("high", "low")
        )

        assert (high, low) == ((769, False), (89, False))

    def test_sound_costs_by_its_length(self) -> None:
        """Sound is estimated from its size: ten tokens a second."""
        ten_seconds = "A" * 640_000

        found = count([{"type": "input_audio", "input_audio": {"data": ten_seconds, "format": "wav"}}])

        assert found == (4 + 101, False)

    def test_files_cost_by_their_size(self) -> None:
        """A file's data is estimated as pages, and its name counted."""
        file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 250_000}

        tokens, exact = count([{"type": "file", "file": file}])

        assert 3 * 765 < tokens < 3 * 765 + 20
        assert not exact

    @pytest.mark.parametrize(
        "content",
        [
            *(None, [], [None], ["text"], [[]], {}, 3, True, 1.5, [{"type": "text"}], [{"type": "text", "text": 3}]),
            *([{"type": "image_url"}], [{"type": "input_audio"}], [{"type": ["text"]}], [{"source": {"data": 3}}]),
        ],
    )
    def test_odd_contents_are_counted(self, content: Any) -> None:
        """Content of any shape that JSON has gets a count."""
        assert count(content)[0] >= 4

    @pytest.mark.parametrize(
        "calls",
        ["f", 3, [None], ["f"], [{}], [{"function": "f"}], [{"function": {"name": 3, "arguments": {"a": "\ud800"}}}]],
    )
    def test_odd_calls_are_counted(self, calls: Any) -> None:
        """Calls of any shape that JSON has get a count, as an estimate."""
        tokens, exact = count("", role="assistant", tool_calls=calls)

        assert tokens > 4
        assert not exact

    def test_deep_content_is_counted(self) -> None:
        """Content nested deeper than Python recurses is counted."""
        deep: Any = "word"
        for _ in range(100_000):
            deep = [deep]

        assert count([{"type": "other", "value": deep}]) == (4 + 3, False)


class TestTexts:
    """No text stops the counter, and long ones are counted in pieces."""

    @pytest.mark.parametrize("name", ENCODINGS)
    def test_special_tokens_are_text(self, name: str) -> None:
        """What looks like a special token is counted as the text that it is."""
        special = "<|endoftext|><|endofprompt|><|fim_prefix|>"

        found = COUNTER.count_message({"role": "user", "content": special}, name)

        assert found.tokens > 4 + 15
        assert found.exact

    @pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud83d\ude00 and \ud83d", "\udc80" * 50_000])
    def test_lone_surrogates_are_counted_inexactly(self, text: str) -> None:
        """Text that is no Unicode gets a count, as an estimate."""
        tokens, exact = count(text)

        assert tokens > 4
        assert not exact

    def test_naughty_strings_are_counted(self) -> None:
        """Strings that break things get what the encoding gives them."""
        path = DATA / "naughty_strings" / "blns.json"
        if not path.is_file():
            pytest.skip(f"{path} is absent")
        strings = json.loads(path.read_text(encoding="utf-8"))
        encode = load_encoder("o200k_base")

        found = [count(text) for text in strings]

        assert found == [(4 + len(encode(text)), True) for text in strings]

    @pytest.mark.parametrize("name", ENCODINGS)
    @given(
        text=st.text(
            st.one_of(
                st.sampled_from("aZé字ぁア9٣ \n\r\t'/.,s_-\u0301\u00a0\u3000\u200b\x1c\x85，。ſ😀"),
                st.characters(codec="utf-8"),
            ),
            min_size=20,
            max_size=200,
        )
    )
    @example(text="ab);\n//cd " * 20)
    @settings(max_examples=150, deadline=None)
    def test_pieces_count_as_the_whole(self, name: str, text: str) -> None:
        """A text counted in small pieces and called exact has as many tokens as the text in one."""
        encode = load_encoder(name)

        found = count_text(text, encode, window=4)

        assert not found.exact or found.tokens == len(encode(text))

    @pytest.mark.parametrize("name", ENCODINGS)
    @pytest.mark.parametrize(
        "text",
        [
            *("It's a small world, isn't it? ", "eine Zeile\n\n\teine zweite;\n", '{"key":"value","n":[1,2,3]},'),
            *("床前明月光，疑是地上霜。", "Съешь ещё этих мягких булок\n", "    return f'{x}'  # '\n"),
        ],
    )
    def test_usual_long_texts_are_exact(self, name: str, text: str) -> None:
        """Prose, code, JSON and Chinese are counted exactly at any length."""
        long_text = text * (100_000 // len(text))

        found = count_text(long_text, load_encoder(name))

        assert found == (len(load_encoder(name)(long_text)), True)

    @pytest.mark.parametrize("letter", ["a", " ", "\n", "字", "=", "\u0301", "😀"])
    def test_endless_runs_are_sampled(self, letter: str) -> None:
        """A run that cannot be cut is estimated from a part of it, so that no text takes forever."""
        encoded = 0
        encode = load_encoder("o200k_base")

        def watch(text: str) -> Any:
            nonlocal encoded
            encoded += len(text)
            return encode(text)

        whole, window = 40_000, 256
        found = count_text(letter * whole, watch, window=window)

        assert not found.exact
        assert encoded <= 20 * 2 * window
        assert found.tokens == pytest.approx(len(encode(letter * whole)), rel=0.02)

    def test_counting_from_many_threads_agrees(self) -> None:
        """Threads that count at the same time get the same counts."""
        texts = [f"message number {i}, " * i for i in range(50)]
        expected = [count(text) for text in texts]
        found: list[list[Any]] = []

        def count_all() -> None:
            found.append([count(text) for text in texts])

        threads = [threading.Thread(target=count_all) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == [expected] * 6


class TestTools:
    """What tool schemas add to a prompt."""

    @pytest.mark.parametrize(
        "tool",
        [
            {"type": "function", "function": WEATHER},
            {"type": "function", **WEATHER},
            WEATHER,
            {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]},
        ],
    )
    def test_every_shape_of_a_tool_counts_the_same(self, tool: dict[str, Any]) -> None:
        """OpenAI's shapes, old and new, and Anthropic's get one estimate."""
        expected = COUNTER.count_tools([{"type": "function", "function": WEATHER}], "o200k_base")

        assert COUNTER.count_tools([tool], "o200k_base") == expected
        assert not expected.exact

    @pytest.mark.parametrize("tools", [None, [], {}, ()])
    def test_no_tools_cost_nothing(self, tools: object) -> None:
        """An empty list is exactly nothing."""
        assert COUNTER.count_tools(tools, "o200k_base") == (0, True)

    def test_schemas_are_written_as_the_model_sees_them(self) -> None:
        """A tool becomes a type, with its titles and descriptions as comments."""
        written: list[str] = []
        location = {"title": "Location", "description": "City\n and state", "type": "string", "default": "Bern"}
        properties = {"location": location, "days": {"type": "array", "items": {"enum": ["mon", 2]}}}
        schema = {"type": "object", "properties": properties, "required": ["days"]}

        def keep(text: str) -> list[int]:
            written.append(text)
            return []

        count_tools([{"name": "look", "parameters": schema}, {"name": "stop"}], keep)

        assert written[0].splitlines() == [
            *("namespace functions {", "", "type look = (_: {", "// Location", "//", "// City", "// and state"),
            *('location?: string, // default: "Bern"', 'days: "mon" | 2[],', "}) => any;", ""),
            *("type stop = () => any;", "", "} // namespace functions"),
        ]

    @pytest.mark.parametrize(
        "tools",
        [
            *("tools", 3, True, [None], [[]], [{}], [{"function": 3}], [{"type": "web_search"}], [{"name": 3}]),
            [{"name": "f", "parameters": "none"}],
            [{"name": "f", "parameters": {"properties": [1]}}],
            [{"name": "f", "parameters": {"properties": {"a": None, "b": 3, "c": {"type": [3, None, {}]}}}}],
            [{"name": "f", "parameters": {"properties": {"a": {"anyOf": [1], "enum": "x"}}, "required": [[]]}}],
            [{"name": "\ud800", "description": "\x00", "parameters": {"properties": {"": {"$ref": 3}}}}],
        ],
    )
    def test_odd_tools_are_estimated(self, tools: Any) -> None:
        """Any JSON configured as tools gets an estimate."""
        tokens, exact = COUNTER.count_tools(tools, "o200k_base")

        assert tokens > 6
        assert not exact

    @pytest.mark.parametrize("key", ["items", "properties", "anyOf"])
    def test_deep_schemas_are_bounded(self, key: str) -> None:
        """A schema nested deeper than Python recurses is written down to a depth."""
        wrap: dict[str, Callable[[Any], Any]] = {
            "items": lambda inner: {"type": "array", "items": inner},
            "properties": lambda inner: {"type": "object", "properties": {"a": inner}},
            "anyOf": lambda inner: {"anyOf": [inner]},
        }
        schema: Any = {"type": "string"}
        for _ in range(20_000):
            schema = wrap[key](schema)
        tools = [{"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}]

        assert COUNTER.count_tools(tools, "o200k_base").tokens < 1000

    def test_definitions_that_name_each_other_end(self) -> None:
        """References are written by name, so that definitions of definitions cannot grow without end."""
        definitions = {
            f"D{i}": {"type": "object", "properties": {p: {"$ref": f"#/$defs/D{(i + 1) % 30}"} for p in "abcdefgh"}}
            for i in range(30)
        }
        schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/D0"}}, "$defs": definitions}

        assert COUNTER.count_tools([{"name": "f", "parameters": schema}], "o200k_base").tokens < 3000
