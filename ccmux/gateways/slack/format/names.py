"""A stranger's name for a file as one of ours."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_MOST: Final = 80
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")


def safe_name(name: str) -> str:
    """Letters and digits of ASCII, dots and dashes; begins with a letter or digit; its extension is kept where it is one."""
    last = re.split(r"[/\\]", name)[-1]
    ascii_only = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    words = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9.]+", "-", ascii_only))
    found = _EXTENSION.search(words)
    extension = found[0] if found else ""
    stem = words.removesuffix(extension).strip("-.")
    stem = re.sub(r"[-.]*\.[-.]*", ".", stem)[: _MOST - len(extension)].strip("-.")
    return (stem or "file") + extension
