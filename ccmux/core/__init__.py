"""THE DECISIONS: events and `now` in, commands out. Nothing here does I/O, reads a clock or knows asyncio."""
