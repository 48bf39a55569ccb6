"""The messages that all systems are given: about 400 characters, no two alike, the same in every run."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

Script = Literal["latin", "cyrillic", "chinese"]
Json = dict[str, Any]

CHARACTERS = 400
_WORDS: dict[str, str] = {
    "latin": (
        "retry the request after a pause because the server said that it was busy and nothing had been written yet "
        "so the client may ask again with the same key while another worker reads what was decided before and keeps "
        "a note about each answer that somebody paid for in order to compare it later with tests and figures"
    ),
    "cyrillic": (
        "повторить запрос после паузы потому что сервер ответил что он занят и ничего ещё не записано поэтому клиент "
        "может спросить снова с тем же ключом пока другой процесс читает что было решено раньше и хранит заметку о "
        "каждом ответе за который кто-то заплатил чтобы сравнить его потом с проверками и числами"
    ),
    "chinese": (
        "服务器 说 它 很忙 所以 请求 要 在 停顿 之后 重试 因为 还没有 写入 任何 东西 客户端 可以 用 同一个 密钥 "
        "再问 一次 同时 另一个 进程 读取 之前 的 决定 并且 为 每个 付费 "
        "的 回答 保留 一条 记录 以便 以后 与 测试 和 数字 比较"
    ),
}


def message(number: int, script: Script = "latin") -> Json:
    """Return one message of a conversation in which user and assistant take turns."""
    chance = random.Random(f"{script} {number}")
    space = "" if script == "chinese" else " "
    words = _words(script)
    text = f"{number}{space or ' '}"
    while len(text) < CHARACTERS:
        text += chance.choice(words) + space
    return {"role": "assistant" if number % 2 else "user", "content": text[:CHARACTERS].rstrip()}


def messages(start: int, count: int, script: Script = "latin") -> list[Json]:
    """Return a part of the conversation."""
    return [message(number, script) for number in range(start, start + count)]


@cache
def _words(script: Script) -> Sequence[str]:
    return _WORDS[script].split()
