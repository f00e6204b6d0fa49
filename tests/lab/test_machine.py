"""The machine itself: whoever made it may be killed, and nothing of it is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.install import ROOT
from tests.rig import until

_MAKER = """
import sys
from pathlib import Path
from tests.lab.machine import Machine
made = Machine(Path("/bin/true"))
made.boot()
print(made.directory, (made.directory / "pid").read_text().strip(), flush=True)
sys.stdin.read()
"""


@pytest.mark.usefixtures("machine")
def test_a_killed_maker_leaves_nothing_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _MAKER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        directory, pid = maker.stdout.readline().split()
        cgroup = Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition("0::")[2]
        maker.kill()
    mounts = Path("/proc/self/mounts")
    until(lambda: not Path(directory).exists() and not Path(f"/proc/{pid}").exists(), "the machine is gone")
    assert "ccmux-lab" in cgroup
    left = [path for path in Path("/sys/fs/cgroup").glob("**/ccmux-lab-*") if path.name in cgroup]
    assert left == []
    assert directory not in mounts.read_text()
