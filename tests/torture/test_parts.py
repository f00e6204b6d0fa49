"""The parts of the torture that could hide a fault: readers that lose nothing, and prompts of the real Claude."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.asked import turns
from tests.torture.history import rows
from tests.torture.notes import Notes
from tests.torture.readers import Readers
from tests.torture.senders import text_of


@dataclass(frozen=True, slots=True)
class _Request:
    body: dict[str, Any]
    main: bool = True
    ts: float = 0.0


def _asked(*prompts: str) -> _Request:
    return _Request({"messages": [{"role": "user", "content": [{"type": "text", "text": text}]} for text in prompts]})


def test_a_prompt_that_no_later_request_holds_was_lost() -> None:
    one, two, three = "tok-0000000001", "tok-0000000002", "tok-0000000003"
    requests = [_asked(one), _asked(one, two + " lost"), _asked(one, two), _asked(one, two, three)]
    found = turns(requests, dict.fromkeys((one, two, three), "a"))
    assert [turn.text for turn in found if turn.what == "committed"] == [one, two, three]
    assert [turn.text for turn in found if turn.what == "asked"] == [two + " lost"]


def test_a_prompt_that_stands_twice_in_the_conversation_is_seen_twice() -> None:
    one, two = "tok-0000000001", "tok-0000000002"
    requests = [_asked(one), _asked(one, f"{one} again"), _asked(one, f"{one} again", two)]
    assert [turn.text for turn in turns(requests, {one: "a", two: "a"})] == [one, f"{one} again", two]


def test_a_reader_reads_what_stands_in_a_fifo_that_was_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "out.local"
    os.mkfifo(fifo)
    notes = Notes(tmp_path / "read.jsonl")
    readers = Readers(notes, [(fifo, "a", "local")])
    readers._read()
    writer = os.open(fifo, os.O_WRONLY)
    fifo.unlink()
    os.mkfifo(fifo)
    os.write(writer, b"old 1\n")
    readers._read()
    newer = os.open(fifo, os.O_WRONLY)
    os.write(newer, b"new\n")
    os.write(writer, b"old 2\n")
    os.close(writer)
    os.close(newer)
    readers._read()
    readers._stopping.set()
    readers.run()
    notes.close()
    assert sorted(row["line"] for row in rows(tmp_path / "read.jsonl")) == ["new", "old 1", "old 2"]


def test_a_seed_gives_the_same_texts_and_they_fit_into_a_fifo() -> None:
    for seed in range(50):
        text = text_of(random.Random(seed), "tok-0000000001", lines=False)  # noqa: S311 - chance by seed
        assert text == text_of(random.Random(seed), "tok-0000000001", lines=False)  # noqa: S311 - chance by seed
        assert len(json.dumps({"content": text, "channel": "forged", "from": "somebody"})) < 4096
