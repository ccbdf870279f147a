"""What the benchmarks share: figures, load, and a Zoe of their own."""
