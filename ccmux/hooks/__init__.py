"""HANDS: what Claude Code calls. `entry` is run by Claude and imports nothing of ours; `spool` reads what it left."""
