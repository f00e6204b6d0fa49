"""ccmux runs persistent Claude Code sessions in tmux. This file imports nothing: every hook run pays for it."""

__version__ = "0.1.0"
