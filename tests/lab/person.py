"""Somebody with an account on the machine, and ccmux in a venv of her own: what `tests.rig.Rig` is elsewhere."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from ccmux.standin.transcript import newest
from tests.lab.install import PORT, PYTHON
from tests.lab.machine import Machine
from tests.rig import Rig

KEY = "sk-ant-secret-of-the-lab"


def healing() -> float:
    """Seconds in which what was killed is back: 15, and more where others use the processors, too."""
    return 15.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class Person(Rig):
    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.home = Path("/home", name)
        self.env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT}"}

    def arrive(self, wheel: Path) -> None:
        """An account, and ccmux as the README says."""
        self.machine.run("useradd", "--create-home", "--shell", "/bin/bash", self.name)
        venv = self.home / "ccmux"
        self.does(str(PYTHON), "-m", "venv", str(venv))
        pip = [str(venv / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet", "--no-index"]
        self.does(*pip, f"--find-links={wheel.parent}", str(wheel))
        self.does("mkdir", "-p", f"{self.home}/.local/bin")
        self.does("ln", "-s", str(venv / "bin" / "ccmux"), f"{self.home}/.local/bin/ccmux")

    def leave_all(self) -> None:
        """Whatever she runs is killed, whatever she made is deleted; ccmux stays installed."""
        units = "/etc/systemd/system/ccmux"
        script = f"""
            loginctl disable-linger {self.name}
            loginctl terminate-user {self.name}
            systemctl stop 'ccmux*' user@$(id -u {self.name}).service
            while pkill -KILL -u {self.name}; do :; done
            rm -rf {units}* /etc/systemd/system/*.wants/ccmux* {self.home}/.ccmux* {self.home}/.config {self.home}/src-* \
                {self.home}/.local/share/ccmux/gateways
            systemctl daemon-reload
            systemctl reset-failed
        """
        self.machine.run("sh", "-c", script, code=None)

    def does(self, *argv: str, code: int | None = 0, **more: Any) -> str:
        """Without a login, as cron would."""
        return self.machine.run(*argv, user=self.name, code=code, **more)

    def logged_in(self, script: str) -> str:
        """In a login session of hers, which ends with the script; what it left running goes on."""
        exports = "".join(f"export {key}={value}\n" for key, value in self.env.items())
        return self.machine.run("runuser", "-l", self.name, "-c", f"{exports}{script}")

    def popen(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        return self.machine.popen(f"{self.home}/.local/bin/ccmux", *words, user=self.name, env=self.env, **more)

    def logs(self) -> str:
        tails = self.does("sh", "-c", "tail -n 15 ~/.ccmux*/logs/daemon.*", code=None)
        return f"{tails}\n{self.machine.journal(40)}"

    def project(self, name: str) -> Path:
        directory = self.home / f"src-{name}"
        self.does("mkdir", "-p", str(directory))
        return directory

    def tmux(self, name: str, *args: str) -> str:
        return self.does("tmux", "-S", str(self.paths(name).run / "tmux.sock"), *args)

    def lingers(self) -> None:
        """Her manager runs, now and from every boot on; logind may just be putting away the one before."""
        uid = self.machine.run("id", "-u", self.name).strip()
        self.machine.run("loginctl", "enable-linger", self.name)
        self.machine.run("systemctl", "start", f"user@{uid}.service")

    def served(self, *names: str) -> dict[str, dict[str, Any]]:
        """Her services, started at boot, and these instances, running."""
        self.lingers()
        self.run("service", "install")
        return {name: self.new(name) for name in names}

    def write(self, path: str, text: str) -> None:
        """A file of hers, below her home."""
        file = f"{self.home}/{path}"
        self.does("sh", "-c", f"mkdir -p $(dirname {file}) && printf %s {shlex.quote(text)} >{file}")

    def requests(self) -> list[dict[str, Any]]:
        """What Claude asked the model for, oldest first: `text` is the newest of the user, `messages` the conversation."""
        lines = (self.machine.share / "requests").read_text().splitlines()
        asked = [request for request in map(json.loads, lines) if request["main"]]
        return [{"text": newest(one["body"]).text, "messages": one["body"]["messages"]} for one in asked]

    def asked(self, text: str) -> int:
        """In how many requests the text was the newest of the user."""
        return sum(text in request["text"] for request in self.requests())

    # what systemd says

    def systemctl(self, *words: str, code: int | None = 0) -> str:
        """Of her own manager."""
        uid = self.machine.run("id", "-u", self.name).strip()
        env = {"XDG_RUNTIME_DIR": f"/run/user/{uid}"}
        return self.does("systemctl", "--user", *words, code=code, env=env)

    def verified(self, *units: str) -> str:
        """All that `systemd-analyze verify` has to say."""
        uid = self.machine.run("id", "-u", self.name).strip()
        argv = ["systemd-analyze", "verify", "--recursive-errors=yes", "--man=no", *units]
        return self.does(*argv, code=None, env={"XDG_RUNTIME_DIR": f"/run/user/{uid}"}).strip()

    def units(self, name: str) -> dict[str, dict[str, Any]]:
        """`session` and `daemon` as `ccmux service status` tells them."""
        found = [unit for unit in self.json("service", "status")["units"] if unit["instance"] == name]
        return {"session" if "session" in unit["name"] else "daemon": unit for unit in found}

    # processes

    def claude(self, name: str) -> int:
        return int(self.status(name)["claude"]["pid"])

    def cgroup(self, pid: int) -> str:
        return self.machine.run("cat", f"/proc/{pid}/cgroup").strip().rpartition(":")[2]

    def lives(self, pid: int) -> bool:
        return bool(pid) and "No such process" not in self.machine.run("kill", "-0", str(pid), code=None)

    def kill(self, pid: int, number: str = "KILL") -> None:
        self.machine.run("kill", f"-{number}", str(pid))

    def back(self, name: str, within: float = 60.0) -> dict[str, Any]:
        """Wait until the instance is ready for work; its status."""

        def ready() -> dict[str, Any] | None:
            said = self.popen("status", name, "--json")
            out, _ = said.communicate(timeout=60)
            (one,) = json.loads(out)["instances"] if said.returncode == 0 else (None,)
            return one if one is not None and one["state"] == "idle" else None

        return dict(self.machine.wait(ready, f"{name} is idle", within) or {})

    def healed(self, name: str, **before: int) -> dict[str, Any]:
        """Wait until other processes than these (`daemon`, `claude`) are there and the instance is idle; its status."""

        def other() -> bool:
            found = {"daemon": self.units(name)["daemon"]["pid"], "claude": self.claude(name)}
            return all(found[who] not in (0, pid) for who, pid in before.items())

        self.machine.wait(other, f"{name} has others than {before}", healing())
        return self.back(name)

    def answered(self, name: str, text: str) -> None:
        """Wait until the message of that text is answered; there is one such message."""

        def done() -> bool:
            messages = [exchange["message"] for exchange in self.history(name)]
            states = [message["state"] for message in messages if message["text"] == text]
            assert len(states) <= 1, states
            return states == ["done"]

        self.machine.wait(done, f"{name} answers {text}")
