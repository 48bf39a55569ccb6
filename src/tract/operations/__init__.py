"""Verbs: read, plan, ask with nothing held, publish; free functions over a `Repo`."""
