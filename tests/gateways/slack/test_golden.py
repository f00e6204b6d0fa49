"""Answers like Claude's, and what becomes of them. `CCMUX_GOLDEN=write pytest tests/gateways/slack/test_golden.py` writes
the expected files anew: read their diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ccmux.gateways.slack.format.parts import Limits, Part, parts

GOLDEN = Path(__file__).parent / "golden"
ANSWERS = sorted(GOLDEN.glob("*.md"))


def shown(answer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in parts(answer):
        if isinstance(one, Part):
            plain = one.plain_payload()["text"]
            said = {"blocks": one.payload()["blocks"], "text": one.text}
            found.append({**said, "opened": one.opened, "closed": one.closed, "plain": plain})
        else:
            found.append({"file": one.name, "characters": len(one.content), "text": one.text})
    return found


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: path.stem)
def test_golden(answer: Path) -> None:
    found = json.dumps(shown(answer.read_bytes().decode()), indent=1, ensure_ascii=False) + "\n"
    expected = answer.with_suffix(".json")
    if os.environ.get("CCMUX_GOLDEN") == "write":
        expected.write_bytes(found.encode())
    assert found == expected.read_bytes().decode()


def test_there_are_answers_of_every_kind() -> None:
    assert len(ANSWERS) >= 20
    assert {path.stem for path in GOLDEN.glob("*.json")} == {path.stem for path in ANSWERS}


def test_the_long_one_is_its_beginning_and_a_file() -> None:
    answer = (GOLDEN / "hundred_kilobytes.md").read_text()
    first, file = parts(answer)
    assert isinstance(first, Part)
    assert not isinstance(file, Part)
    assert len(first.markdown) <= Limits().part
    assert "are in the file answer.md" in first.markdown
    assert (file.name, file.content) == ("answer.md", answer.strip("\n") + "\n")
