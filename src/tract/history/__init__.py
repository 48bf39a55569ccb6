"""Decisions: pure functions of values and lookups, which know no store, no clock and no network."""
