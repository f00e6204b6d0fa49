"""What a machine needs before somebody can install ccmux there: the wheel, its locked dependencies, the stand-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab.machine import Machine

ROOT = Path(__file__).parent.parent.parent
PYTHON = Path("/usr/bin/python3")
"""the system's: every user can read it"""
PORT = 8787

_STANDIN = f"""\
[Unit]
Description=The stand-in of the Messages API
[Service]
Environment=PYTHONPATH={{wheel}}
ExecStart={PYTHON} -m ccmux.standin --port {PORT} --log /host/requests
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""


def fetch(to: Path) -> None:
    """Build ccmux, and fetch what it is locked to."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(to)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    ask = [str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(to)]
    pip += ["--only-binary", ":all:", "--python-version", version, "--require-hashes"]
    lock = str(ROOT / "scripts" / "requirements.lock")
    subprocess.run([*pip, "-r", lock], check=True, capture_output=True, timeout=240)


def settle(machine: Machine) -> Path:
    """Have the stand-in run, now and after every boot; the path of ccmux's wheel in the machine."""
    (built,) = machine.share.glob("ccmux_fleet-*.whl")
    wheel = Path("/host", built.name)
    (machine.share / "standin.service").write_text(_STANDIN.format(wheel=wheel))
    machine.run("cp", "/host/standin.service", "/etc/systemd/system/")
    machine.run("systemctl", "enable", "--now", "--quiet", "standin")
    return wheel
