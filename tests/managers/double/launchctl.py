"""`launchctl`, as far as ccmux uses it, with what was reported of it: a bootout that returns before the job is gone, a
bootstrap that fails for a while after it, exit codes 3 and 113, the shape of `print`.

Its state is a directory ($CCMUX_DOUBLE_LAUNCHD): `calls` (one JSON list a line), `quirks.json`, and a directory for every
loaded job. With `"run": true` the jobs really run, each under a launchd of its own (`launchd.py`).
"""

from __future__ import annotations

import json
import os
import plistlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

STATE = Path(os.environ["CCMUX_DOUBLE_LAUNCHD"])
PRINTED = """\
{target} = {{
	active count = 1
	path = {path}
	type = LaunchAgent
	state = {state}

	program = /somewhere/ccmux
	arguments = {{
		/somewhere/ccmux
		pid = 1
	}}

	environment = {{
		OSLogRateLimit => 64
		XPC_SERVICE_NAME => {label}
	}}

	domain = {domain} [100003]
	minimum runtime = 10
	exit timeout = 30
	runs = {runs}
{running}	forks = 0
	execs = 1
	last exit code = {last}

	event triggers = {{
	}}

	jetsam coalition = {{
		ID = 1234
		type = jetsam
		state = active
		active count = 1
		name = {label}
	}}

	spawn type = interactive (4)
	properties = keepalive | runatload | inferred program
}}
"""


def quirks() -> dict[str, Any]:
    path = STATE / "quirks.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def end(code: int, said: str) -> NoReturn:
    sys.stderr.write(said + "\n")
    sys.exit(code)


def job(label: str) -> Path:
    return STATE / "jobs" / label


def told(label: str) -> dict[str, Any]:
    try:
        return dict(json.loads((job(label) / "status.json").read_text()))
    except FileNotFoundError:
        return {"state": "not running", "runs": 0}


def loaded(label: str) -> bool:
    """Without running: a job that was booted out is there for `slow_bootout` seconds more."""
    if not job(label).exists():
        return False
    gone = job(label) / "gone_at"
    if gone.exists() and time.time() > float(gone.read_text()):
        _remove(job(label))
        return False
    return True


def _remove(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


def of(target: str) -> str:
    domain, _, label = target.rpartition("/")
    if domain not in (f"gui/{os.getuid()}", "system"):
        end(112, f"Could not find domain for {target}")
    return label


def bootstrap(domain: str, plist: str) -> None:
    if domain in quirks().get("no_domain", []):
        end(125, "Bootstrap failed: 125: Domain does not support specified action")
    path = Path(plist)
    content = plistlib.loads(path.read_bytes())
    label = content["Label"]
    left = STATE / f"eio-{label}"
    refusals = int(left.read_text()) if left.exists() else 0
    if refusals:
        left.write_text(str(refusals - 1))
        code = quirks().get("eio_code", 5)
        end(
            code, f"Bootstrap failed: {code}: Input/output error\nTry re-running the command as root for richer errors."
        )
    if loaded(label) or (STATE / f"disabled-{label}").exists() or path.stat().st_mode & 0o022:
        end(5, "Bootstrap failed: 5: Input/output error")
    job(label).mkdir(parents=True)
    (job(label) / "plist").write_bytes(path.read_bytes())
    if not quirks().get("run"):
        (job(label) / "status.json").write_text(json.dumps({"state": "running", "pid": 4711, "runs": 1}))
        return
    argv = [sys.executable, str(Path(__file__).with_name("launchd.py")), str(job(label))]
    argv += [str(quirks().get(key, 1.0)) for key in ("throttle", "patience")]
    nothing = subprocess.DEVNULL
    subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, env={}, cwd="/")
    give_up = time.monotonic() + 30
    while not (job(label) / "status.json").exists() and time.monotonic() < give_up:
        time.sleep(0.01)


def bootout(target: str) -> None:
    label = of(target)
    if not loaded(label):
        end(3, "Boot-out failed: 3: No such process")
    (STATE / f"eio-{label}").write_text(str(quirks().get("eio_after_bootout", 0)))
    if quirks().get("run"):
        os.kill(told(label)["launchd"], signal.SIGTERM)
    else:
        (job(label) / "gone_at").write_text(str(time.time() + quirks().get("slow_bootout", 0.0)))
    if quirks().get("bootout_code"):
        end(quirks()["bootout_code"], "Boot-out failed: 36: Operation now in progress")


def kickstart(*words: str) -> None:
    label = of(words[-1])
    if not loaded(label):
        end(113, f'Could not find service "{label}" in domain for user gui: {os.getuid()}')
    if quirks().get("run"):
        os.kill(told(label)["launchd"], signal.SIGUSR1 if "-k" in words else signal.SIGUSR2)


def show(target: str) -> None:
    label = of(target)
    if not loaded(label):
        end(113, f'Could not find service "{label}" in domain for user gui: {os.getuid()}')
    now = told(label)
    running = f"\tpid = {now['pid']}\n\timmediate reason = speculative\n" if now.get("pid") else ""
    sys.stdout.write(
        PRINTED.format(
            target=target,
            path="/somewhere",
            label=label,
            domain=target.rpartition("/")[0],
            state=now["state"],
            runs=now["runs"],
            running=running,
            last=now.get("last", "(never exited)"),
        )
    )


def enable(target: str) -> None:
    (STATE / f"disabled-{of(target)}").unlink(missing_ok=True)


def main(words: list[str]) -> None:
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "calls").open("a") as file:
        file.write(json.dumps(words) + "\n")
    if words[0] in quirks().get("denied", []):
        end(1, f"{words[0]} failed: 1: Operation not permitted")
    verbs: dict[str, Callable[..., None]] = {
        "bootstrap": bootstrap,
        "bootout": bootout,
        "kickstart": kickstart,
        "print": show,
        "enable": enable,
    }
    verbs[words[0]](*words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
