"""FLOWS: a briefing, from the projects' table to a text; a small model may make it shorter, in a process of its own."""
