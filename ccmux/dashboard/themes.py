"""Two calm themes, and which of them suits the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="ccmux-dark",
    primary="#7aa2c9",
    secondary="#8f9bb3",
    accent="#86b8a8",
    warning="#e0b060",
    error="#e07a70",
    success="#8fb573",
    foreground="#d6dae0",
    background="#14171b",
    surface="#1a1e23",
    panel="#232930",
    dark=True,
    variables={
        "quiet": "#7d8794",
        "cursor": "#2a3540",
        "footer-key-foreground": "#7aa2c9",
        "input-cursor-text-style": "reverse",
    },
)
LIGHT: Final = Theme(
    name="ccmux-light",
    primary="#2f6690",
    secondary="#5b6675",
    accent="#2d7a68",
    warning="#8f6000",
    error="#b23a30",
    success="#4b7a2a",
    foreground="#22272e",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e8e5de",
    dark=False,
    variables={
        "quiet": "#6f7680",
        "cursor": "#dfe6ec",
        "footer-key-foreground": "#2f6690",
        "input-cursor-text-style": "reverse",
    },
)
MISSING: Final = {"quiet": "#80868e", "cursor": "#80868e 30%"}
"""What other themes do not have."""
_LIGHT_GROUNDS: Final = frozenset({"7", "15"})


def suitable(environment: Mapping[str, str] = os.environ) -> str:
    """Light where the terminal says that its ground is (COLORFGBG), else dark."""
    ground = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in _LIGHT_GROUNDS else DARK.name
