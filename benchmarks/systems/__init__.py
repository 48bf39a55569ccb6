"""What is measured: tract, the floors beneath it, and its rivals, each behind the same few methods."""
