"""HANDS: one terminal. Each instance has a tmux server of its own; nobody's text ever passes a format, a name or an argv."""
