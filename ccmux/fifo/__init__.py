"""HANDS: named pipes. `in.*` is read, `out.*` is written; docs/PROTOCOL.md says what travels."""
