"""`ccmux doctor --probe`: every release that ccmux is tried with holds every fact, and a lack is told with what it costs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from ccmux.probe import run as runs
from ccmux.probe.fact import Fact, Finding, Wrong
from ccmux.probe.run import probe
from ccmux.probe.stage import Stage
from tests.rig import Rig

pytestmark = pytest.mark.real

ROOT = Path(__file__).parent.parent.parent
OTHERS = (ROOT / "scripts" / "claude-other-versions").read_text(encoding="utf-8").split()


def lacks(findings: list[Finding]) -> dict[str, str]:
    return {one.id: one.seen for one in findings if one.holds is not True}


def test_the_pinned_release_holds_every_fact(rig: Rig, claude_binary: Path) -> None:
    told = rig.json("doctor", "--probe", "--claude", str(claude_binary))
    assert lacks([Finding(**one) for one in told["facts"]]) == {}
    assert told["version"] == (ROOT / "scripts" / "claude-version").read_text(encoding="utf-8").strip()
    assert not list(Path("/tmp").glob("ccmux-probe-*/work/approved"))


@pytest.mark.parametrize("version", OTHERS)
def test_other_releases_hold_every_fact(version: str) -> None:
    binary = ROOT / ".tools" / "bin" / f"claude-{version}"
    if not binary.exists():
        if os.environ.get("CCMUX_REQUIRE_REAL"):
            pytest.fail(f"Claude Code {version} is not installed: run `make test`")
        pytest.skip(f"Claude Code {version} is not installed: run `make test`")
    found, findings = asyncio.run(probe(binary))
    assert found == version
    assert lacks(findings) == {}


def test_a_claude_that_does_not_start_is_told_and_the_rest_is_not_tried(rig: Rig, short_dir: Path) -> None:
    fake = short_dir / "claude"
    fake.write_text("#!/bin/sh\ncase $1 in --version) echo '9.9.9 (Claude Code)';; *) echo no; exit 1;; esac\n")
    fake.chmod(0o755)
    told = json.loads(rig.run("doctor", "--probe", "--claude", str(fake), "--json", code=1))
    first, *rest = told["facts"]
    assert (first["id"], first["holds"]) == ("start", False)
    assert {one["holds"] for one in rest} == {None}
    plain = rig.run("doctor", "--probe", "--claude", str(fake), code=1)
    assert "so: every start waits for a person" in plain


def test_a_fact_that_does_not_hold_is_told_and_the_next_is_tried(
    claude_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(stage: Stage) -> str:
        await stage.start()
        return "started"

    async def wrong(stage: Stage) -> str:
        await stage.type("a draft that nobody takes away")
        raise Wrong("seen otherwise")

    async def fine(stage: Stage) -> str:
        await stage.say("still fit?")
        return "fit"

    facts = [Fact("start", "", "", start), Fact("lie", "", "", wrong), Fact("next", "", "", fine)]
    monkeypatch.setattr(runs, "FACTS", facts)
    _, findings = asyncio.run(probe(claude_binary))
    assert [(one.id, one.holds, one.seen) for one in findings] == [
        ("start", True, "started"),
        ("lie", False, "seen otherwise"),
        ("next", True, "fit"),
    ]


def test_claude_without_probe_and_a_wrong_path_are_errors(rig: Rig) -> None:
    rig.run("doctor", "--claude", "/bin/true", code=2)
    assert "--probe" in rig.stderr
    rig.run("doctor", "--probe", "--claude", "/nonexistent/claude", code=1)
    assert "/nonexistent/claude" in rig.stderr
