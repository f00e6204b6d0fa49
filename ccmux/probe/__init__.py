"""Does a Claude Code binary do what ccmux relies on? Asked of the binary itself, on the stand-in."""
