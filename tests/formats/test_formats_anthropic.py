"""Anthropic's shape, case by case: what it has no word for, what it refuses, and what was kept from it."""

from typing import Any

import pytest

from formats_support import compile_fields, faults_for_anthropic
from tract.exceptions import ImportFormatError
from tract.formats.anthropic_import import import_message, import_system
from tract.model.messages import PRIVATE_KEY

Json = dict[str, Any]
ASK: Json = {"role": "user", "content": "Weather?"}


def _call(call_id: str, name: str = "f", arguments: Any = "{}") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _calling(*calls: Json) -> Json:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def _result(call_id: str, content: Any = "ok") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def _render(*fields: Json) -> list[Json]:
    request = compile_fields(fields).to_anthropic()
    assert faults_for_anthropic(request) == []
    messages: list[Json] = request["messages"]
    return messages


def _import(*messages: Json) -> list[Json]:
    return [fields for message in messages for fields in import_message(message)]


def test_leading_instructions_are_the_system_and_later_ones_stay_in_place() -> None:
    """Only what stands before the first turn can be the request's `system`."""
    fields: list[Json] = [
        {"role": "system", "content": "One."},
        {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
        ASK,
        {"role": "system", "content": "Three."},
    ]

    request = compile_fields(fields).to_anthropic()

    assert request["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert request["messages"] == [ASK, {"role": "user", "content": "Three."}]


def test_one_system_message_of_text_is_the_system_as_text() -> None:
    """The usual case has the plain shape."""
    assert compile_fields([{"role": "system", "content": "One."}, ASK]).to_anthropic()["system"] == "One."


def test_results_of_one_turn_stand_in_one_message() -> None:
    """Anthropic wants all results right behind their calls, in one message of the user's."""
    messages = _render(ASK, _calling(_call("a"), _call("b")), _result("b", "B"), _result("a", "A"), ASK)

    assert [block["tool_use_id"] for block in messages[2]["content"]] == ["b", "a"]
    assert messages[3] == ASK


def test_repeated_call_ids_are_made_unique_and_results_follow_them() -> None:
    """Agents number calls anew in every turn; each result still answers its own."""
    messages = _render(
        ASK,
        _calling(_call("c")),
        _result("c", "1"),
        _calling(_call("c"), _call("c")),
        _result("c", "2"),
        _result("c", "3"),
    )

    assert [block["id"] for block in messages[3]["content"]] == ["c_2", "c_3"]
    assert [(block["tool_use_id"], block["content"]) for block in messages[4]["content"]] == [
        ("c_2", "2"),
        ("c_3", "3"),
    ]


def test_an_id_made_unique_is_not_one_that_is_taken() -> None:
    """Ids that look as ours do are in the way, and are gone round."""
    turns = [[_calling(_call(call_id)), _result(call_id)] for call_id in ("c", "c_2", "c", "c_2")]

    messages = _render(ASK, *(message for turn in turns for message in turn))

    assert [message["content"][0]["id"] for message in messages[1::2]] == ["c", "c_2", "c_3", "c_2_2"]


def test_many_repeats_of_one_id_stay_cheap() -> None:
    """Numbering goes on from where it was; each id is tried once."""
    turns = [[_calling(_call("c")), _result("c")] for _ in range(5_000)]

    messages = _render(ASK, *(message for turn in turns for message in turn))

    assert messages[-1]["content"][0]["tool_use_id"] == "c_5000"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("", {}),
        (None, {}),
        ("null", {}),
        ("[1]", {"arguments": [1]}),
        ("{not json", {"arguments": "{not json"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": 1e999}', {"arguments": '{"a": 1e999}'}),
        ("[" * 5_000, {"arguments": "[" * 5_000}),
        ("9" * 5_000, {"arguments": "9" * 5_000}),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_arguments_become_an_object(arguments: Any, expected: Json) -> None:
    """Anthropic takes nothing else as input; what is no object stands in one."""
    messages = _render(ASK, _calling(_call("c", arguments=arguments)))

    assert messages[1]["content"][0]["input"] == expected


def test_names_and_ids_lose_what_anthropic_refuses() -> None:
    """Both may hold letters, digits, underscores and hyphens alone."""
    messages = _render(ASK, _calling(_call("functions.f:0", "get.weather")), _result("functions.f:0"))

    assert messages[1]["content"] == [
        {"type": "tool_use", "id": "functions_f_0", "name": "get_weather", "input": {}},
    ]


def test_a_custom_tool_call_is_a_tool_use() -> None:
    """The text that a custom tool is called with is its input."""
    call = {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}

    messages = _render(ASK, _calling(call), _result("c"))

    assert messages[1]["content"] == [{"type": "tool_use", "id": "c", "name": "shell", "input": {"input": "ls"}}]


def test_images_and_documents_are_translated() -> None:
    """A picture or a PDF in OpenAI's shape reaches Anthropic."""
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BB=="}},
    ]

    (message,) = _render({"role": "user", "content": parts})

    assert [block["source"]["data"] for block in message["content"]] == ["AA==", "BB=="]
    assert message["content"][1]["title"] == "a.pdf"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, "[input_audio]"),
        ({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}}, "[image_url]"),
        ({"type": "image_url"}, "[image_url]"),
        ({"type": "file", "file": {"filename": "a.doc"}}, "[file: a.doc]"),
        ({"type": "file"}, "[file]"),
        ({"type": "output_text", "text": "said"}, "said"),
    ],
)
def test_parts_that_anthropic_has_no_word_for_become_text(part: Json, text: str) -> None:
    """The model is told that something stood there."""
    (message,) = _render({"role": "user", "content": [part]})

    assert message["content"] == [{"type": "text", "text": text}]


def test_marks_for_the_prompt_cache_pass_through() -> None:
    """Clients that speak OpenAI's language to Anthropic's models set them too; no other key of a text part passes."""
    part = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}, "x": 1}

    (message,) = _render({"role": "user", "content": [part]})

    assert message["content"] == [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}]


def test_blank_messages_are_left_out() -> None:
    """Anthropic refuses text of nothing but white space; a call beside it stays."""
    messages = _render(
        ASK, {"role": "user", "content": " \n"}, {**_calling(_call("c")), "content": ""}, _result("c", "")
    )

    assert [len(message["content"]) for message in messages[1:]] == [1, 1]
    assert "content" not in messages[2]["content"][0]


def test_a_refusal_is_said_as_text() -> None:
    """What OpenAI keeps in a field of its own is what the assistant said."""
    messages = _render(ASK, {"role": "assistant", "content": None, "refusal": "I can't."})

    assert messages[1] == {"role": "assistant", "content": "I can't."}


def test_a_conversation_that_the_assistant_starts_gets_a_user_message_first() -> None:
    """Anthropic refuses a request that starts otherwise."""
    assert _render({"role": "assistant", "content": "Hello."})[0] == {"role": "user", "content": "[start]"}


def test_a_user_message_is_taken_apart_into_results_and_words() -> None:
    """Each result becomes a message of its own, ahead of what the user says in the same breath."""
    blocks = [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "A"}]},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True},
        {"type": "text", "text": "Go on."},
    ]

    fields = _import({"role": "user", "content": blocks})

    assert [(piece["role"], piece.get("tool_call_id"), piece["content"]) for piece in fields] == [
        ("tool", "a", "A"),
        ("tool", "b", ""),
        ("user", None, "Go on."),
    ]


def test_what_openai_has_no_word_for_is_kept_beside_the_message() -> None:
    """Thinking and its signature go back to Anthropic as they were, and to nobody else."""
    said = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Yes."},
        ],
    }

    fields = [ASK, *_import(said)]

    assert _render(*fields)[1] == said
    assert compile_fields(fields).to_openai()[1] == {"role": "assistant", "content": "Yes."}


def test_the_original_is_not_kept_where_it_says_nothing_more() -> None:
    """Text, calls and results are not stored twice."""
    plain = [
        ASK,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "A long result."}]},
    ]

    assert all(PRIVATE_KEY not in fields for fields in _import(*plain))
    assert _render(*_import(*plain)) == plain


def _exchange() -> list[Json]:
    uses: list[Json] = [{"type": "tool_use", "id": used, "name": "f", "input": {}} for used in ("a", "b")]
    results = [
        {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": "failed"},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [{"type": "image", "source": {"type": "url", "url": "https://example.org/b.png"}}],
        },
    ]
    words = {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    return [
        ASK,
        {"role": "assistant", "content": [thinking, *uses]},
        {"role": "user", "content": [*results, words]},
    ]


def test_a_touched_message_is_rendered_anew_and_its_neighbours_stay_verbatim() -> None:
    """An edit costs the form of the message it touches, no other's."""
    fields = _import(*_exchange())
    fields[-1] = {**fields[-1], "content": "Stop."}

    messages = _render(*fields)

    assert messages[:2] == _exchange()[:2]
    assert messages[3] == {"role": "user", "content": "Stop."}


def test_results_keep_what_only_anthropic_has_when_the_words_beside_them_change() -> None:
    """An error stays an error and an image an image, though the message is rendered anew."""
    fields = _import(*_exchange())
    fields[-1] = {**fields[-1], "content": "Stop."}

    results = _render(*fields)[2]["content"]

    assert results == _exchange()[2]["content"][:2]


def test_a_changed_result_does_not_bring_back_its_old_block() -> None:
    """What was edited away (a secret, perhaps) is nowhere in what goes out."""
    fields = _import(*_exchange())
    fields[2] = {**fields[2], "content": "[removed]"}

    messages = _render(*fields)

    assert messages[2]["content"][0] == {"type": "tool_result", "tool_use_id": "a", "content": "[removed]"}
    assert "failed" not in str(messages)


def test_a_message_changed_back_goes_out_as_it_came_in() -> None:
    """Untouched means that it says what it said, not that nobody ever edited it."""
    fields = _import(*_exchange())
    edited = {**fields[-1], "content": "Stop."}

    reverted = [*fields[:-1], {**edited, "content": "Go on."}]

    assert _render(*reverted) == _exchange()


def test_a_message_that_lost_a_part_is_rendered_anew() -> None:
    """The original goes out only where everything it stands for still stands there, in its order."""
    fields = _import(*_exchange())

    assert _render(*fields[:-1])[2]["content"] == _exchange()[2]["content"][:2]
    assert _render(*fields[:2], fields[3], fields[2], fields[4])[2]["content"][0]["tool_use_id"] == "b"


def test_a_result_said_later_joins_the_results_that_were_imported() -> None:
    """An imported turn with an open call is answered here; all results still stand in one message."""
    partly = _exchange()
    partly[2]["content"] = partly[2]["content"][:1]
    fields = [*_import(*partly), _result("b", "B")]

    messages = _render(*fields)

    assert [block["tool_use_id"] for block in messages[2]["content"]] == ["a", "b"]
    assert messages[2]["content"][0]["is_error"] is True


def test_an_imported_message_with_a_used_id_is_rendered_anew() -> None:
    """No id is there twice, though both messages came from Anthropic whole."""
    fields = [*_import(*_exchange()), *_import(*_exchange())]

    messages = _render(*fields)

    assert messages[:3] == _exchange()
    assert [block["tool_use_id"] for block in messages[5]["content"]] == ["a_2", "b_2"]
    assert messages[5]["content"][0]["is_error"] is True


def test_neighbours_that_both_hold_results_come_back_as_two() -> None:
    """Anthropic joins neighbours, so a client may send results in several messages; they are not merged."""
    split = _exchange()[:2] + [{"role": "user", "content": [block]} for block in _exchange()[2]["content"][:2]]
    split[2]["content"][0].pop("is_error")

    fields = [fields for at, message in enumerate(split) for fields in import_message(message, partly=at > 1)]

    assert compile_fields(fields).to_anthropic()["messages"] == split


@pytest.mark.parametrize(
    ("at", "block"), [(0, {"type": "text", "text": "See:"}), (3, {"type": "text", "text": ""})], ids=["order", "blank"]
)
def test_a_refused_form_is_not_repeated(at: int, block: Json) -> None:
    """An original that Anthropic would refuse, with words before results or blank text, is rendered anew."""
    wrong = _exchange()
    wrong[2]["content"].insert(at, block)

    messages = _render(*_import(*wrong))

    assert [block["type"] for block in messages[2]["content"]] == ["tool_result", "tool_result"]


def test_arguments_that_are_an_object_already_are_copied() -> None:
    """Some providers write no text; what is handed out is the caller's own then too."""
    fields = [ASK, _calling(_call("c", arguments={"a": []}))]

    _render(*fields)[1]["content"][0]["input"]["a"].append(1)

    assert _render(*fields)[1]["content"][0]["input"] == {"a": []}


def test_an_empty_answer_at_the_end_is_kept_and_only_there() -> None:
    """Anthropic itself answers so, and takes it as the last message alone."""
    fields = _import(ASK, {"role": "assistant", "content": []})

    assert compile_fields(fields).to_anthropic()["messages"][1] == {"role": "assistant", "content": []}
    assert _render(*fields, ASK) == [ASK, ASK]


def test_a_system_of_blocks_goes_out_in_the_same_shape() -> None:
    """Marks for the prompt cache come back, as long as nobody edits the text."""
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    (fields,) = import_system(system)

    assert compile_fields([fields]).to_anthropic()["system"] == system
    assert compile_fields([{**fields, "content": "Be long."}]).to_anthropic()["system"] == "Be long."


@pytest.mark.parametrize(
    "private", [5, {}, {"anthropic": 5}, {"anthropic": {"role": 1}}, {"anthropic": {"role": "user"}}]
)
@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_a_private_field_that_is_no_original_is_ignored(private: Any, role: str) -> None:
    """A message from elsewhere may have anything under the key."""
    message = {**(_result("c") if role == "tool" else {"role": role, "content": "x"}), PRIVATE_KEY: private}
    before = [ASK, _calling(_call("c"))] if role == "tool" else []

    request = compile_fields([*before, message]).to_anthropic()

    assert faults_for_anthropic(request) == []


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"role": "tool", "content": "x"}, "role must be user or assistant, not 'tool'"),
        ({"role": "user"}, "content must be text or a list of blocks, not NoneType"),
        ({"role": "user", "content": ["x"]}, "each block must be an object with a type"),
        ({"role": "assistant", "content": [{"type": "tool_use"}]}, "a block of type tool_use needs id as text"),
        ({"role": "user", "content": [{"type": "tool_result"}]}, "tool_result needs tool_use_id as text"),
        ({"role": "user", "content": [{"type": "text"}]}, "a block of type text needs text as text"),
    ],
)
def test_a_malformed_message_is_refused(message: Json, problem: str) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(ImportFormatError, match=problem):
        import_message(message)


def test_a_malformed_system_is_refused() -> None:
    """Only text and blocks can be a system."""
    with pytest.raises(ImportFormatError, match="not int"):
        import_system(5)
