"""Instances with the Claude double."""

from __future__ import annotations

from tests.rig import Rig


def make(rig: Rig, name: str, delay: float = 0.01) -> None:
    rig.new(name, "--no-start")
    with rig.paths(name).env.open("a") as env:
        env.write(f"CCMUX_DOUBLE_DELAY={delay}\nCCMUX_DOUBLE_FLUSH=0.02\n")
    rig.run("start", name)
