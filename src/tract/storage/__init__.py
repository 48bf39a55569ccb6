"""Adapters of the store's seam: in memory, which is the specification, and on SQLite."""
