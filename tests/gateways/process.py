"""A gateway as a process of a person: configured, started, stopped, killed."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import msgspec

from ccmux.gateways.config import GatewaySpec, change
from tests.rig import Rig, until


class GatewayProcess:
    def __init__(self, rig: Rig, name: str, argv: list[str], spec: GatewaySpec, **env: str) -> None:
        self.rig, self.name, self.argv, self.spec = rig, name, argv, spec
        self.env = rig.env | {"CCMUX_HOME": str(rig.home)} | env
        self.path = rig.home / ".local" / "share" / "ccmux" / "gateways" / name
        self.path.mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.lives = 0

    def configure(self, **changes: Any) -> None:
        self.spec = msgspec.structs.replace(self.spec, **changes)
        change(self.path / "gateway.toml", self.spec)

    def start(self) -> None:
        with (self.rig.home / f"{self.name}.err").open("ab") as said:
            process = subprocess.Popen(self.argv, env=self.env, stderr=said, stdout=said)
        self.process = process
        self.lives += 1
        until(lambda: f"runs as {process.pid}" in self.log() or process.poll() is not None, "the gateway runs")
        assert process.poll() is None, self.log()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(60) == 0, self.log()
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        files = [self.rig.home / f"{self.name}.err", self.path / "gateway.log"]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())
