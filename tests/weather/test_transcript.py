"""A transcript that was torn, cut, or filled with what is no text: the daemon reads on, and answers still come, once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmux.claude.transcript import Tail
from ccmux.core.transcript import events_of
from ccmux.model.turn import PromptCommitted
from tests.rig import until
from tests.weather.sky import Sky


def row(number: int, text: str = "hi") -> bytes:
    """A prompt, as Claude Code writes it."""
    message = {"role": "user", "content": text}
    made = {"type": "user", "uuid": f"u{number}", "promptId": f"p{number}", "message": message}
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(tail: Tail) -> list[str]:
    """The rows that were not read yet."""
    return [event.uuid for line in tail.lines() for event in events_of(line) if isinstance(event, PromptCommitted)]


# what stands between two rows

JUNK = {
    "an invalid UTF-8 row": b'{"type":"user","uuid":"x","message":{"content":"\xff\xfe\xc3"}}\n',
    "a row cut within a character": row(9, "ü")[:-4] + b"\n",
    "a block of NUL with its LF": b"\0" * 5000 + b"\n",
    "no JSON": b'"type":"user" and then nothing\n',
    "another JSON": b'["type","user",{"type":"user"}]\n',
    "deep JSON": b'{"type":"user","message":' + b"[" * 100_000 + b"\n",
    "empty rows": b"\n\n\r\n",
}


@pytest.mark.parametrize("what", JUNK)
def test_rows_behind_junk_are_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(row(1) + JUNK[what] + row(2))
    tail = Tail(path)
    assert read(tail) == ["u1", "u2"]
    with path.open("ab") as file:
        file.write(row(3))
    assert read(tail) == ["u3"]


@pytest.mark.parametrize("at", [1, 10, -10, -1])
def test_a_row_that_comes_in_pieces_is_one_row(tmp_path: Path, at: int) -> None:
    path, whole = tmp_path / "t.jsonl", row(2, "ü" * 50)
    path.write_bytes(row(1) + whole[:at])
    tail = Tail(path)
    assert read(tail) == ["u1"]
    assert read(tail) == []
    with path.open("ab") as file:
        file.write(whole[at:] + row(3))
    assert read(tail) == ["u2", "u3"]


@pytest.mark.parametrize("left", [b'{"type":"user","uuid":"x","mess', b"\0" * 4096, b"\xc3"])
def test_a_torn_end_that_is_never_mended_costs_one_row_at_most(tmp_path: Path, left: bytes) -> None:
    """As after a loss of power: whoever writes next writes behind it, on the same line."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(row(1) + left)
    tail = Tail(path)
    assert read(tail) == ["u1"]
    with path.open("ab") as file:
        file.write(row(2) + row(3))
    assert read(tail) in (["u3"], ["u2", "u3"])


def test_a_file_that_was_cut_or_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(row(1) + row(2) + row(3))
    tail = Tail(path)
    assert read(tail) == ["u1", "u2", "u3"]
    os.truncate(path, len(row(1)) + 5)
    assert read(tail) == ["u1"]
    new = tmp_path / "new"
    new.write_bytes(row(4) + row(5) + row(6) + row(7))
    new.rename(path)
    assert read(tail) == ["u4", "u5", "u6", "u7"]


# a whole life


def _append(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("ab") as file:
            file.write(content)

    return damage


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _anew(path: Path) -> None:
    """The same rows in another file, some bytes longer."""
    new = path.with_suffix(".new")
    new.write_bytes(b'{"type":"summary"}\n' + path.read_bytes())
    new.rename(path)


def _gone(path: Path) -> None:
    path.unlink()


WHOLE_LINES: dict[str, Callable[[Path], None]] = {
    **{name: _append(junk) for name, junk in JUNK.items()},
    "written anew": _anew,
    "emptied": _empty,
    "gone": _gone,
}


def _transcript(sky: Sky) -> Path:
    (found,) = sky.paths.claude.glob("projects/*/*.jsonl")
    return found


@pytest.mark.parametrize("moment", ["between turns", "in a turn"])
def test_answers_come_all_the_same(sky: Sky, moment: str) -> None:
    sky.make(delay=0.2 if moment == "in a turn" else 0.01)
    sky.start()
    pid = sky.daemon
    sky.send("first")
    sky.answered("first")
    until(lambda: sky.happened("committed"), "it is written down")
    damages = list(WHOLE_LINES.items())
    for what, damage in damages if moment == "between turns" else damages[:1] + damages[-3:]:
        if moment == "in a turn":
            before = sky.happened("committed")
            sky.send(f"one, {what}")
            until(lambda: sky.happened("committed") > before, "its prompt is written down")
        damage(_transcript(sky))
        sky.send(f"two, {what}")
        sky.answered(*sky.sent)
    sky.all_once()
    assert sky.daemon == pid


def test_an_answer_comes_though_the_row_of_its_prompt_was_lost(sky: Sky) -> None:
    """What a loss of power left takes the row that is written behind it with it: then the hooks must do."""
    sky.make(flush=0.005)
    sky.start()
    sky.send("first")
    sky.answered("first")
    until(lambda: sky.happened("committed"), "it is written down")
    _append(b"\0" * 4096)(_transcript(sky))
    sky.send("second")
    sky.all_once()


def test_a_file_that_was_cut_in_the_midst_of_a_row(sky: Sky) -> None:
    """While no daemon ran; the next one knows how far the last one had read."""
    sky.make()
    sky.start()
    sky.send("first")
    sky.answered("first")
    until(lambda: sky.happened("committed"), "it is written down")
    sky.kill_daemon()
    _cut(_transcript(sky))
    sky.start()
    sky.send("second")
    sky.all_once()
