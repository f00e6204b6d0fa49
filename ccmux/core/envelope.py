"""From a message to the keystrokes that enter it as one prompt, and back from a prompt to its nonce.

The envelope begins with `[ccmux ` so that no message is a slash command, a shell line or a bare `exit`, and ends with
`[end-NONCE]` so that none ends in a backslash or a path; seeing the end marker in the box proves that all of it is there.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from ccmux.core.sanitise import sanitise
from ccmux.model.ids import Nonce
from ccmux.model.message import Attachment, AttachmentKind, Message

CHUNK: Final = 700
"""Characters per bracketed paste. Above 800, or with more than two newlines, Claude Code 2.1.329 wraps a paste as
`<pasted_content>`, which the model is told to distrust; with any in a pane of few rows."""
BREAKS, ROWS = 2, 20
"""Line breaks in one paste, in a pane of at least so many rows."""
NEWLINE: Final = "\n"
"""An item of `keystrokes` of its own: pasted alone it is a line break in the box, in every editor mode of Claude."""

_NONCE: Final = re.compile(r"\[end-([a-z2-7]{8})\]")
_WHOLE: Final = re.compile(r"\[ccmuxchannel=[^\]]*id=(m-[a-z0-9]+)\].*\[end-[a-z2-7]{8}\]\Z", re.DOTALL)
_UNSAFE_SENDER: Final = re.compile(r"[^\w.@#+:-]+")
_HEAD: Final = re.compile(r"\s*".join(re.escape(char) for char in "[ccmuxchannel="))
_SHORT, _FEW_LINES = 150, 2
_NO_CHANCE: Final = 14
"""Characters; the end marker has so many."""
"""Characters and line breaks of a prompt that any box shows whole."""
_IMAGE: Final = "[Image#]"
"""`[Image #n]` as `_dense` sees it; no sanitised text holds it."""
_IMAGE_NUMBER: Final = re.compile(r"\[Image#\d+\]")
_IMAGE_SHOWN: Final = re.compile(r"\[Image\s*#\d+\]")
_IMAGE_END: Final = re.compile(r"\.(?:png|jpe?g|gif|webp|bmp|tiff?|heic|svg|pdf)", re.IGNORECASE)


def end_marker(nonce: Nonce) -> str:
    """What to look for in the box: it contains no character that tmux's search would treat as a pattern."""
    return f"end-{nonce}"


def nonce_of(prompt: str) -> Nonce | None:
    """The nonce of the (last) envelope in a prompt, whatever a person added around it; None when there is none.

    A text that merely looks like an envelope carries no nonce that is waited for: each is random and used once.
    """
    found = _NONCE.findall(prompt)
    return Nonce(found[-1]) if found else None


def is_whole(box: str, nonce: Nonce) -> bool:
    """Whether the box holds our envelope and nothing else: a person who touched it owns it."""
    text = box.strip()
    begins = text.startswith("[ccmux ") or "\n" in text  # of a long message the box may show the end only
    return begins and text.endswith(f"[{end_marker(nonce)}]")


def is_ours(box: str, message: Message) -> bool:
    """Whether the box holds (a part of) the latest attempt at that message and not one character of a person."""
    whole = _dense(compose(message, message.nonce))
    paths = whole
    for image in attached_images(message):
        paths = paths.replace(_IMAGE, _dense(image.file), 1)  # it could not be attached
    return bool(box) and (_part_of(_dense(box), whole) or _part_of(_dense(box), paths))


def _part_of(shown: str, whole: str) -> bool:
    """Its beginning, or a piece of it that no person types by chance: one letter stands in every text."""
    return whole.startswith(shown) or (len(shown) >= _NO_CHANCE and shown in whole)


def stands_in(box: str, message: Message) -> bool:
    """Whether the box shows the message, and not one character of a person: all of a short one, the end of a long one.

    (Claude Code up to 2.1.275 was seen to keep nothing but the last line of several: then only the end marker is there.)
    """
    whole, shown = compose(message, message.nonce), _dense(box)
    if len(whole) <= _SHORT and whole.count("\n") <= _FEW_LINES:
        return shown == _dense(whole)
    return is_ours(box, message) and shown != f"[{end_marker(message.nonce)}]"


def holds_envelope(box: str) -> bool:
    """Whether (a part of) an envelope of ours stands in the box, whatever else does."""
    return bool(_NONCE.search(box)) or "[ccmuxchannel=" in _dense(box)


def words_of_person(box: str, message: Message) -> str | None:
    """What a person has in a box with (a part of) our text; None when none of ours is there.

    Once a person has pressed a key nothing more of ours is typed, so what he typed is last; a draft that Claude put back at
    the wrong moment is first.
    """
    box = _IMAGE_SHOWN.sub(_IMAGE, box)
    head = _HEAD.search(box)
    begin = head.start() if head else 0
    behind = _behind(box[begin:], message)
    return None if behind is None else f"{box[:begin].strip()} {behind}".strip()


def _behind(box: str, message: Message) -> str | None:
    """What stands behind (a part of) our text; None when the box does not begin with it."""
    ends = [found.end() for found in _NONCE.finditer(box)]
    if ends:
        return box[ends[-1] :].strip()
    whole, at = _dense(compose(message, message.nonce)), 0
    for place, char in enumerate(box):
        if char.isspace():
            continue
        if at >= len(whole) or whole[at] != char:
            return box[place:].strip() if at else None
        at += 1
    return ""


def envelope_id(box: str) -> str:
    """The message id, if the box holds exactly one whole envelope: Claude puts a prompt back there after Esc."""
    found = _WHOLE.match(_dense(box))
    return found[1] if found else ""


def _dense(text: str) -> str:
    """Without white space (a screen wraps lines) and without the numbers that Claude gives to images."""
    return _IMAGE_NUMBER.sub(_IMAGE, "".join(text.split()))


def images_in(box: str) -> int:
    """How many attached images the box shows."""
    return len(_IMAGE_NUMBER.findall("".join(box.split())))


def attached_images(message: Message) -> tuple[Attachment, ...]:
    """The images that Claude is to be given as images: at the first attempt. Later ones name the file instead."""
    if message.attempt > 1:
        return ()
    return tuple(one for one in message.attachments if one.kind is AttachmentKind.IMAGE)


def compose(message: Message, nonce: Nonce) -> str:
    """The prompt for a message: header, sanitised body, attachments, end marker. One line when the body is one line.

    In place of an image stands what the box shows, without its number.
    """
    sender = _UNSAFE_SENDER.sub("_", sanitise(message.sender))[:64] or "unknown"
    head = f"[ccmux channel={message.channel} from={sender} id={message.id}]"
    body = _body(message)
    if message.resumed:
        body = (
            "Your turn for this message was interrupted before you answered it. See what is already done, "
            f"finish what is not, and answer it now. The message was:\n{body}"
        )
    between = "\n" if "\n" in body else " "
    return f"{head}{between}{body}{between}[{end_marker(nonce)}]"


def _body(message: Message) -> str:
    images = attached_images(message)
    lines = [sanitise(message.text).strip("\n")]
    for one in sorted(message.attachments, key=lambda one: one in images):
        name = sanitise(one.name).replace("\n", " ")[:100]
        if one.kind is AttachmentKind.TEXT:
            lines[0] = (
                f"This message is too long to be typed ({one.size} bytes). Its whole text is in the file {one.file} "
                "- read all of it, then answer it as if it stood here."
            )
        elif one in images:
            lines.append(f"Attached image {name}: {_IMAGE}")
        else:
            lines.append(f"Attached {one.kind} {name} ({one.size} bytes): it is in {one.file}")
    return "\n".join(lines)


def strokes(message: Message, nonce: Nonce, breaks: int = 0) -> list[list[str]]:
    """What to paste for a message: a list for each image, which ends in its path, and the rest with the end marker.

    An image's path is a paste of its own, which attaches it (seen with 2.1.329: it becomes `[Image #n]`, some 0.1 s later,
    wherever the cursor is then: so it must be shown before anything follows).
    """
    *pieces, rest = compose(message, nonce).split(_IMAGE)
    images = zip(attached_images(message), pieces, strict=True)
    return [
        *([*keystrokes(piece, breaks), image.file.replace(" ", "\\ ")] for image, piece in images),
        keystrokes(rest, breaks),
    ]


def keystrokes(prompt: str, breaks: int = 0) -> list[str]:
    """What to paste, in order: pieces of at most CHUNK characters with at most `breaks` line breaks, else NEWLINE alone.

    No piece ends in the name of an image: a paste that is only the path of one attaches the file.
    """
    typed: list[str] = []
    for number, line in enumerate(prompt.split("\n")):
        pieces = _pieces(line)
        last = typed[-1] if typed else ""
        joined = f"{last}\n{pieces[0] if pieces else ''}"
        if number and last and last != NEWLINE and joined.count("\n") <= breaks and len(joined) <= CHUNK:
            typed[-1] = joined
            typed.extend(pieces[1:])
        else:
            typed.extend([NEWLINE, *pieces] if number else pieces)
    return typed


def _pieces(line: str) -> list[str]:
    cuts = [0, *(found.end() - 1 for found in _IMAGE_END.finditer(line)), len(line)]
    pieces = []
    for start, end in pairwise(cuts):
        pieces += [line[at : min(at + CHUNK, end)] for at in range(start, end, CHUNK)]
    return pieces
