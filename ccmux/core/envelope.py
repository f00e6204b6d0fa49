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
`<pasted_content>`, which the model is told to distrust."""
NEWLINE: Final = "\n"
"""An item of `keystrokes` that stands for Ctrl+J, a line break inside the prompt box."""

_NONCE: Final = re.compile(r"\[end-([a-z2-7]{8})\]")
_WHOLE: Final = re.compile(r"\[ccmuxchannel=[^\]]*id=(m-[a-z0-9]+)\].*\[end-[a-z2-7]{8}\]\Z", re.DOTALL)
_UNSAFE_SENDER: Final = re.compile(r"[^\w.@#+:-]+")
_SHORT, _FEW_LINES = 150, 2
"""Characters and line breaks of a prompt that any box shows whole."""
_IMAGE: Final = "[Image#]"
"""`[Image #n]` as `_dense` sees it; no sanitised text holds it."""
_IMAGE_NUMBER: Final = re.compile(r"\[Image#\d+\]")
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
    return bool(box) and (_dense(box) in whole or _dense(box) in paths)


def stands_in(box: str, message: Message) -> bool:
    """Whether the box shows the message, and not one character of a person: all of a short one, the end of a long one.

    (Claude Code up to 2.1.275 was seen to keep nothing but the last line of several: then only the end marker is there.)
    """
    whole, shown = compose(message, message.nonce), _dense(box)
    if len(whole) <= _SHORT and whole.count("\n") <= _FEW_LINES:
        return shown == _dense(whole)
    return is_ours(box, message) and shown != f"[{end_marker(message.nonce)}]"


def envelope_id(box: str) -> str:
    """The message id, if the box holds exactly one whole envelope: Claude puts a prompt back there after Esc."""
    found = _WHOLE.match(_dense(box))
    return found[1] if found else ""


def rest_of(box: str, before: str) -> bool:
    """Whether the box holds what was there before, less something at its end."""
    return _dense(before).startswith(_dense(box))


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


def strokes(message: Message, nonce: Nonce) -> tuple[list[str], list[str]]:
    """What to paste for a message: up to its last image, and the rest with the end marker.

    An image's path is a paste of its own, which attaches it (seen with 2.1.329: it becomes `[Image #n]`, some 0.1 s later;
    a path that cannot be attached is typed then, wherever the cursor is, so nothing may follow before).
    """
    *pieces, rest = compose(message, nonce).split(_IMAGE)
    first: list[str] = []
    for image, piece in zip(attached_images(message), pieces, strict=True):
        first += [*keystrokes(piece), image.file.replace(" ", "\\ ")]
    return first, keystrokes(rest)


def keystrokes(prompt: str) -> list[str]:
    """What to paste, in order: pieces of at most CHUNK characters, and NEWLINE between lines.

    No piece ends in the name of an image: a paste that is only the path of one attaches the file.
    """
    typed: list[str] = []
    for number, line in enumerate(prompt.split("\n")):
        if number:
            typed.append(NEWLINE)
        typed.extend(_pieces(line))
    return typed


def _pieces(line: str) -> list[str]:
    cuts = [0, *(found.end() - 1 for found in _IMAGE_END.finditer(line)), len(line)]
    pieces = []
    for start, end in pairwise(cuts):
        pieces += [line[at : min(at + CHUNK, end)] for at in range(start, end, CHUNK)]
    return pieces
