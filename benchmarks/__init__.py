"""Benchmarks: tract, its floors and what people use today do the same work in one run."""
