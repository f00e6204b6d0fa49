"""`make demo`: the main job in a home of its own, shown command by command, then cleaned up.

Runs on the stand-in, so it needs no login and costs nothing; with `--real` it runs on the person's own login.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ccmux.standin.server import StandIn

NAME = "project-a"


def main() -> int:
    """Run the demo; 0 when every step did what it should."""
    real = "--real" in sys.argv[1:]
    home = Path(tempfile.mkdtemp(prefix="ccmux-demo-", dir="/tmp"))
    environment = _environment(home, real)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        if real:
            print("This is the real Claude, on your own login.\n")
        else:
            standin = stack.enter_context(StandIn())
            environment |= {"ANTHROPIC_BASE_URL": standin.url, "ANTHROPIC_API_KEY": "sk-ant-not-a-key"}
            print("This is the real Claude Code, but a stand-in answers for the model: no login, no cost.\n")
        stack.callback(_run, environment, "rm", NAME, "--purge", "(cleaning up)")
        return _show(environment, home)


def _show(environment: dict[str, str], home: Path) -> int:
    work = home / "my-project"
    work.mkdir()
    steps = [
        ["new", NAME, "--dir", str(work)],
        ["send", NAME, "Say hello to a person who has just installed ccmux.", "--wait", "--timeout", "120"],
        ["ls"],
        ["status", NAME],
    ]
    for step in steps:
        code = _run(environment, *step)
        if code:
            return code
    print(f"It works. On your own machine:  ccmux new {NAME} --dir PATH   then   ccmux attach {NAME}\n")
    return 0


def _run(environment: dict[str, str], *words: str) -> int:
    note = words[-1] if words[-1].startswith("(") else ""
    words = words[:-1] if note else words
    print(f"$ ccmux {shlex.join(words)} {note}", flush=True)
    code = subprocess.run([sys.executable, "-m", "ccmux", *words], env=environment, check=False).returncode
    print(flush=True)
    return code


def _environment(home: Path, real: bool) -> dict[str, str]:
    claude = os.environ.get("CCMUX_CLAUDE") or shutil.which("claude")
    if claude is None:
        sys.exit("Claude Code is not installed; `make demo` installs it")
    binaries = home / "bin"
    binaries.mkdir()
    (binaries / "claude").symlink_to(Path(claude).absolute())
    environment = dict(os.environ) if real else {key: os.environ[key] for key in ("LANG", "TERM") if key in os.environ}
    environment |= {"PATH": f"{binaries}:{os.environ['PATH']}", "CCMUX_HOME": str(home)}
    if not real:
        environment["HOME"] = str(home)
    environment.setdefault("TERM", "xterm-256color")
    return environment


if __name__ == "__main__":
    sys.exit(main())
