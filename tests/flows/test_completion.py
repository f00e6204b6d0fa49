"""The shell completes verbs, options and the names of instances."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.rig import Rig


def completed(rig: Rig, *words: str) -> set[str]:
    env = rig.env | {
        "_CCMUX_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    run = subprocess.run([sys.executable, "-m", "ccmux"], env=env, capture_output=True, text=True, check=True)
    return {line.partition(",")[2] for line in run.stdout.splitlines()}


def test_verbs_options_and_names(rig: Rig) -> None:
    for name in ("alpha", "alpine", "beta"):
        rig.run("new", name, "--no-start")
    assert completed(rig, "ccmux", "st") == {"status", "start", "stop"}
    assert completed(rig, "ccmux", "send", "al") == {"alpha", "alpine"}
    assert completed(rig, "ccmux", "start", "alpha", "al") == {"alpine"}
    assert "--session" in completed(rig, "ccmux", "restart", "--")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(rig: Rig, shell: str) -> None:
    script = rig.run("completion", shell)
    assert "_CCMUX_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, env=rig.env)
