"""Values: messages, changes, commits, contexts, names and results; nothing here does anything."""
