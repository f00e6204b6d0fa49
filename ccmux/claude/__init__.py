"""HANDS: Claude Code as a program: where it is, how it logs in, how it is started, and what it tells by files.

Facts measured on 2.1.329; docs/CLAUDE-CODE.md lists each one that ccmux relies on.
"""
