"""A message of a peer of the link, as lines that cannot tear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from ccmux.core.link import Part, checksum, line
from ccmux.core.wire import slices

_WORST: Final = 999_999


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way to an instance. `id`: the peer's own name for it, see `ccmux.core.link.ID`."""

    id: str
    text: str
    sender: str = ""
    urgent: bool = False
    expires: float = 0.0
    """wall clock after which it is not begun any more; 0: never"""
    files: str = ""
    """a directory; empty: none"""


def frames(letter: Letter, limit: int, on: str = "") -> list[bytes]:
    """The letter as lines of at most `limit` bytes each. What only the first part needs stands there alone."""
    first = Part(
        1,
        letter.id,
        _WORST,
        _WORST,
        "",
        "0" * 8,
        letter.sender,
        "high" if letter.urgent else "",
        letter.expires,
        letter.files,
        on,
    )
    later = Part(1, letter.id, _WORST, _WORST, "", on=on)
    room = limit - len(line(first))
    pieces = list(slices(letter.text, room)) or [""]
    total = checksum(letter.text) if len(pieces) > 1 else ""
    return [
        line(
            msgspec.structs.replace(
                first if number == 1 else later, part=number, parts=len(pieces), text=piece, sum=total
            )
        )
        for number, piece in enumerate(pieces, 1)
    ]
