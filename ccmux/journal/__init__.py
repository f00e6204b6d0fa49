"""THE MEMORY: one SQLite file per instance, the only state that must survive kill -9."""
