"""Many instances as a dashboard sees them, in one process: `python -m bench.chatter HOME COUNT`.

Their homes, a socket each that answers `watch` and `status`, and the assistant's reports. `reports N` on stdin has N reports
come every second, `quiet` none; what it said is answered by a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ccmux.model.snapshot import frame
from ccmux.paths import InstancePaths

STATES = (("idle", ""), ("busy", ""), ("waiting", "approval"), ("typing", "draft"))


class Chatter:
    def __init__(self, home: Path, count: int) -> None:
        self.names = ["main", *(f"project-{number:02d}" for number in range(count - 1))]
        self.home = home
        self.rate = 0.0
        self.turn = 0
        self.writers: dict[str, list[asyncio.StreamWriter]] = {name: [] for name in self.names}
        self.reports: dict[str, dict[str, Any]] = {}

    def paths(self, name: str) -> InstancePaths:
        return InstancePaths(name, self.home / (".ccmux" if name == "main" else f".ccmux-{name}"))

    async def open(self) -> None:
        for name in self.names:
            paths = self.paths(name)
            for directory in (paths.run, paths.data / "projects" if name == "main" else paths.data):
                directory.mkdir(parents=True)
            paths.config.write_text("version = 1\n")
            await asyncio.start_unix_server(lambda r, w, name=name: self.serve(name, r, w), paths.control_socket)  # type: ignore[misc]

    async def serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(self.line(name))
            if b"watch" in line:
                self.writers[name].append(writer)
        self.writers[name] = [one for one in self.writers[name] if one is not writer]
        writer.close()

    def line(self, name: str) -> bytes:
        state, reason = STATES[(self.turn // 7 + len(name)) % 4]
        usage = {
            "tokens": {"total": 1_000_000 + self.turn * 731},
            "cost_usd": 3.0 + self.turn / 97,
            "active_minutes": 41.0,
        }
        told = frame(
            self.paths(name),
            role="project",
            state=state,
            reason=reason,
            since=time.time(),
            cwd=f"/home/anna/src/{name}",
            session_id="0c1f5b1e-8f8f-4a43-9d5d-1f6d5f2f7d11",
            claude={"pid": 4711, "version": "2.1.329"},
            daemon=os.getpid(),
            pane="%0",
            queue={"waiting": self.turn % 4, "in_flight": 1, "dead": 0},
            usage=usage,
        )
        return json.dumps({"v": 1, "instance": told}).encode() + b"\n"

    async def chat(self) -> None:
        """A report changes a project's line on the assistant's board, and its state is another one."""
        while True:
            if not self.rate:
                await asyncio.sleep(0.05)
                continue
            self.turn += 1
            name = self.names[1 + self.turn % (len(self.names) - 1)]
            for writer in self.writers[name]:
                writer.write(self.line(name))
            self.report(name)
            await asyncio.sleep(1 / self.rate)

    def report(self, name: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        self.reports[name] = {
            "project": name,
            "ts": now,
            "type": "status_update",
            "status": "active",
            "current_task": f"step {self.turn} of what {name} is asked for",
            "progress": f"{self.turn % 9}/9 steps",
            "session_tokens_today": self.turn * 731,
            "session_cost_today": 2.41,
            "active_minutes_today": 67,
            "last_interaction": now,
            "alerts": ["needs a decision"] if self.turn % 5 == 0 else [],
            "deliverables": ["a file"],
        }
        projects = self.paths("main").data / "projects"
        (projects / ".new").write_text("".join(json.dumps(one) + "\n" for one in self.reports.values()))
        (projects / ".new").rename(projects / "dashboard.jsonl")
        with (projects / "reports.jsonl").open("a") as log:
            log.write(json.dumps(self.reports[name] | {"received": now}) + "\n")

    async def listen(self) -> None:
        """What it is to do."""
        while words := (await asyncio.to_thread(sys.stdin.readline)).split():
            self.rate = float(words[1]) if words[0] == "reports" else 0.0
            print("done", flush=True)
        os._exit(0)

    async def run(self) -> None:
        await self.open()
        print("ready", flush=True)
        await asyncio.gather(self.chat(), self.listen())


if __name__ == "__main__":
    asyncio.run(Chatter(Path(sys.argv[1]), int(sys.argv[2])).run())
