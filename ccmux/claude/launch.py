"""The script that becomes Claude: a clean environment, the directory, `exec`. No shell stays below it.

A script, not an argv: tmux limits a command to 16 KB and shows it to every user of the machine.
"""

from __future__ import annotations

import json
import os
import pwd
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccmux.claude import envfile, settings
from ccmux.claude.binary import find, version
from ccmux.claude.login import Kind, Login, decide
from ccmux.errors import Missing
from ccmux.files import write_private
from ccmux.model.instance import InstanceSpec, PermissionMode
from ccmux.paths import InstancePaths

PASSED: Final = ("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR")
"""All that Claude inherits from the environment of the daemon, beside `claude.pass_env`."""
_FIXED: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY": "1",
    "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION": "0",
    "DISABLE_AUTOUPDATER": "1",
}
_TOKEN_FD: Final = 9

_SCRIPT: Final = """\
#!/bin/sh
# Made by ccmux at every start of the session: sh becomes claude, in a clean environment.
if [ "${{1-}}" != clean ]; then exec env -i TERM="$TERM" /bin/sh "$0" clean; fi
umask {umask}
cd -- {work} || {{ echo "ccmux: the directory {shown} cannot be entered"; exit 72; }}
{exports}
{token}exec {command}
"""


@dataclass(frozen=True, slots=True)
class Launch:
    """What the next start of Claude will be."""

    login: Login
    version: str
    script: Path
    binary: Path


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a tmux server, and so every pane, may inherit."""
    kept = {key: environment[key] for key in PASSED if key in environment}
    kept.setdefault("LANG", "C.UTF-8")
    kept.setdefault("HOME", pwd.getpwuid(os.getuid()).pw_dir)
    return kept


def work_directory(paths: InstancePaths, spec: InstanceSpec) -> Path:
    """Where Claude works: the directory that the person named, else the instance's own."""
    work = Path(spec.dir) if spec.dir else paths.work
    if not work.is_dir():
        raise Missing(
            f"the directory {work} of {paths.name} is not there", fix=f"ccmux config set {paths.name} dir PATH"
        )
    return work.resolve()


def login_of(paths: InstancePaths, spec: InstanceSpec, environment: Mapping[str, str]) -> Login:
    """How the next Claude will log in."""
    return decide(envfile.load(paths.env), paths.claude, spec.claude.login, environment)


def prepare(
    paths: InstancePaths,
    spec: InstanceSpec,
    environment: Mapping[str, str],
    *,
    session_id: str,
    resume: bool,
    umask: int = 0o077,
) -> Launch:
    """Write everything that Claude reads at its start. Doing it twice gives the same."""
    work = work_directory(paths, spec)
    binary = find(spec.claude.command)
    env = envfile.load(paths.env)
    login = decide(env, paths.claude, spec.claude.login, environment)
    its_version = version(binary)
    settings.seed(paths, work, its_version, environment, login)
    more = settings.inherit(paths, spec, work, environment)
    ours = paths.data / "settings.json"
    write_private(ours, json.dumps(settings.settings(paths, spec, login, work), indent=2).encode())
    argv = [str(binary), "--settings", str(ours), *more, *_arguments(paths, spec)]
    argv += ["--resume" if resume else "--session-id", session_id, *spec.claude.args]
    exports = _environment(paths, spec, environment, env, login)
    token = ""
    settings.key_file(paths).unlink(missing_ok=True)
    if login.kind is Kind.HELPER:
        write_private(settings.key_file(paths), env[login.secret].encode())
    if login.kind is Kind.TOKEN:
        secret = paths.run / "oauth-token"
        write_private(secret, env[login.secret].encode())
        token = f"exec {_TOKEN_FD}< {shlex.quote(str(secret))} || exit 73\nrm -f {shlex.quote(str(secret))}\n"
    text = _SCRIPT.format(
        umask=f"{umask:04o}",
        work=shlex.quote(str(work)),
        shown=str(work).translate(str.maketrans("", "", '"$`\\\n')),
        exports="\n".join(f"export {key}={shlex.quote(value)}" for key, value in exports.items()),
        token=token,
        command=shlex.join(argv),
    )
    write_private(paths.launch_script, text.encode("utf-8", "surrogateescape"))
    return Launch(login, its_version, paths.launch_script, binary)


def keep_key(paths: InstancePaths, spec: InstanceSpec, environment: Mapping[str, str]) -> None:
    """Have the key where a living Claude's helper looks for it: `run/` may have been wiped."""
    login = login_of(paths, spec, environment)
    if login.kind is Kind.HELPER and not settings.key_file(paths).exists():
        write_private(settings.key_file(paths), envfile.load(paths.env)[login.secret].encode())


def _arguments(paths: InstancePaths, spec: InstanceSpec) -> list[str]:
    mode = spec.claude.permission_mode
    argv = [
        "--permission-mode",
        PermissionMode.MANUAL if mode is PermissionMode.ASK else mode,
        "--name",
        paths.session,
    ]
    if spec.claude.model:
        argv += ["--model", spec.claude.model]
    if spec.claude.effort:
        argv += ["--effort", spec.claude.effort]
    return argv


def _environment(
    paths: InstancePaths, spec: InstanceSpec, environment: Mapping[str, str], env: Mapping[str, str], login: Login
) -> dict[str, str]:
    passed = clean_environment(environment)
    passed |= {
        key: environment[key] for key in spec.claude.pass_env if key in environment and key not in envfile.WITHHELD
    }
    values = passed | _FIXED | {key: value for key, value in env.items() if key not in envfile.WITHHELD}
    values["CLAUDE_CONFIG_DIR"] = str(paths.claude)
    if login.kind is Kind.TOKEN:
        values["CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"] = str(_TOKEN_FD)
    if login.shared_from is not None:
        values["CLAUDE_SECURESTORAGE_CONFIG_DIR"] = login.shared_from
    return values
