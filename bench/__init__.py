"""What docs/BENCH.md reports: each figure with a raw baseline of the same run. `make bench`."""
