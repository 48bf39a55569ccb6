"""Loads the tokenizer where it is imported: in the process that others are forked from, so that each need not."""

from tract.tokens import TiktokenCounter

TiktokenCounter().count_message({"role": "user", "content": "warm"}, "o200k_base")
