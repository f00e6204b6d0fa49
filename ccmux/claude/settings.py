"""What Claude Code reads at its start: our settings file, its own `.claude.json` seeded so that no dialog opens, MCP.

Only the directory that the person named is trusted; nothing is written into it.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ccmux.claude.login import Kind, Login
from ccmux.core.permission import OURS, SERVER
from ccmux.files import write_private
from ccmux.model.instance import Inherit, InstanceSpec, PermissionMode
from ccmux.paths import InstancePaths

HOOKS: Final = ("SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd")
GATED: Final = ("PreToolUse", "Elicitation")
"""What comes before every dialog that Claude opens by itself; see `ccmux.hooks.gate`."""
HOOK_TIMEOUT: Final = 10
"""Seconds; a hook takes some 20 ms. It bounds a disk that hangs."""
APPROVALS: Final = {"PreToolUse": "pre", "PermissionRequest": "request"}
"""The hooks that ask a person, with `claude.permission_mode = "ask"`; see `ccmux.hooks.permit`."""
_LONGER: Final = 120
"""Seconds that Claude waits for such a hook beyond the time that a person has."""


def hook_command(paths: InstancePaths) -> str:
    """The shell command of every hook."""
    return shlex.join([*_program(paths, "entry.py"), str(paths.hook_spool)])


def gate_command(paths: InstancePaths) -> str:
    """The shell command of the hooks that wait while Enter is pressed."""
    return shlex.join([*_program(paths, "entry.py"), "--gate", str(paths.gate)])


def permit_command(paths: InstancePaths, stage: str) -> str:
    """The shell command of the hooks that ask a person. `|| exit 2`: whatever ends the hook, the tool is not used."""
    places = [paths.run, paths.hook_spool, paths.journal]
    argv = [*_program(paths, "permit.py"), stage, *map(str, places)]
    return f"{shlex.join(argv)} || exit 2"


def _program(paths: InstancePaths, name: str) -> list[str]:
    """See `ccmux.hooks.place`."""
    return [str(paths.hooks / "python"), "-I", "-S", str(paths.hooks / name)]


def status_line(paths: InstancePaths, work: Path) -> dict[str, Any]:
    """The `statusLine` of the settings: ours, which hands over to the one that the project or this instance has by itself."""
    files = (
        *(
            root / ".claude" / name
            for root in (work, trust_root(work))
            for name in ("settings.local.json", "settings.json")
        ),
        paths.claude / "settings.json",
    )
    found = (_load(file).get("statusLine") for file in files)
    theirs = next((one for one in found if isinstance(one, dict) and isinstance(one.get("command"), str)), {})
    argv = [*_program(paths, "statusline.py"), str(paths.cost_spool)]
    return theirs | {"type": "command", "command": shlex.join([*argv, *([theirs["command"]] if theirs else [])])}


def key_file(paths: InstancePaths) -> Path:
    """Where the helper finds the key: a copy of what `.env` says, in the private run directory."""
    return paths.run / "api-key"


def settings(paths: InstancePaths, spec: InstanceSpec, login: Login, work: Path) -> dict[str, Any]:
    """The content of the file given by `--settings`."""
    hook = [{"hooks": [{"type": "command", "command": hook_command(paths), "timeout": HOOK_TIMEOUT}]}]
    gate = [{"hooks": [{"type": "command", "command": gate_command(paths), "timeout": HOOK_TIMEOUT}]}]
    value: dict[str, Any] = {
        "permissions": {
            "allow": [*spec.claude.allow, *OURS[spec.role], f"Read(/{paths.inbox}/**)"],
            "deny": [*spec.claude.deny, *_of_others(paths)],
        },
        "hooks": dict.fromkeys(HOOKS, hook) | dict.fromkeys(GATED, gate) | _asking(paths, spec),
        "tui": "default",
        "cleanupPeriodDays": 36500,
        "autoContinueAtUsageLimit": False,
        "statusLine": status_line(paths, work),
        "crossSessionInbound": "refuse",
        "spinnerTipsEnabled": False,
    }
    if Inherit.CLAUDE_MD not in spec.claude.inherit:
        value["claudeMdExcludes"] = _parents_memory(work)
    if spec.claude.permission_mode is PermissionMode.BYPASS:
        value["skipDangerousModePermissionPrompt"] = True  # the person has accepted it: `claude.accept_bypass`
    if login.kind is Kind.HELPER:
        value["apiKeyHelper"] = shlex.join(["cat", str(key_file(paths))])
    return value


def _asking(paths: InstancePaths, spec: InstanceSpec) -> dict[str, Any]:
    if spec.claude.permission_mode is not PermissionMode.ASK:
        return {}
    timeout = int(spec.approvals.timeout) + _LONGER
    return {
        event: [{"hooks": [{"type": "command", "command": permit_command(paths, stage), "timeout": timeout}]}]
        for event, stage in APPROVALS.items()
    }


def _of_others(paths: InstancePaths) -> list[str]:
    """Refuse the homes of all other instances there are now: their conversations and inboxes are not ours."""
    others = sorted(home for home in paths.home.parent.glob(".ccmux*") if home != paths.home and home.is_dir())
    return [f"{tool}(/{home}/**)" for home in others for tool in ("Read", "Edit")]


def _parents_memory(work: Path) -> list[str]:
    """The memory files of every directory above the work directory."""
    names = ("CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md", ".claude/rules/**")
    return [str(parent / name) for parent in work.parents for name in names]


def trust_root(work: Path) -> Path:
    """What Claude's trust is keyed on: the root of the git work tree, else the directory itself."""
    run = subprocess.run(
        ["git", "-C", str(work), "rev-parse", "--show-toplevel"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return Path(run.stdout.strip()) if run.returncode == 0 and run.stdout.strip() else work


def seed(paths: InstancePaths, work: Path, version: str, environment: Mapping[str, str], login: Login) -> None:
    """Answer, before Claude asks, what the person answered by naming the directory. Keeps all else that stands there."""
    file = paths.claude / ".claude.json"
    state: dict[str, Any] = _load(file)
    state.setdefault("theme", "dark")
    state |= {"hasCompletedOnboarding": True, "lastOnboardingVersion": version, "resumeReturnDismissed": True}
    if login.kind is Kind.SHARED and "oauthAccount" not in state:
        own = _load(_person_state(environment))
        state |= {key: own[key] for key in ("oauthAccount", "userID") if key in own}
    projects = state.setdefault("projects", {})
    for directory in {str(work), str(trust_root(work))}:
        entry = projects.setdefault(directory, {})
        entry |= {"hasTrustDialogAccepted": True, "hasClaudeMdExternalIncludesWarningShown": True}
        entry.setdefault("hasCompletedProjectOnboarding", True)
    write_private(file, json.dumps(state, indent=2).encode())


def inherit(paths: InstancePaths, spec: InstanceSpec, work: Path, environment: Mapping[str, str]) -> list[str]:
    """Take over what `claude.inherit` names; the arguments that this adds to Claude's."""
    directory = Path(environment.get("CLAUDE_CONFIG_DIR") or Path(environment.get("HOME", "/nonexistent")) / ".claude")
    for name in ("skills", "agents", "commands"):
        link, source = paths.claude / name, directory / name
        if Inherit.SKILLS in spec.claude.inherit and source.is_dir() and not link.exists():
            link.symlink_to(source)
        elif Inherit.SKILLS not in spec.claude.inherit and link.is_symlink():
            link.unlink()
    servers: dict[str, Any] = {}
    if Inherit.MCP in spec.claude.inherit:
        servers |= _load(_person_state(environment)).get("mcpServers", {})
        servers |= _load(work / ".mcp.json").get("mcpServers", {})
    python, *arguments = [*_program(paths, "mcp.py"), str(spec.role), str(paths.run)]
    servers[SERVER] = {"type": "stdio", "command": python, "args": arguments, "env": {}}
    file = paths.data / "mcp.json"
    write_private(file, json.dumps({"mcpServers": servers}, indent=2).encode())
    return ["--mcp-config", str(file), "--strict-mcp-config"]


def _person_state(environment: Mapping[str, str]) -> Path:
    own = environment.get("CLAUDE_CONFIG_DIR")
    return Path(own or environment.get("HOME", "/nonexistent")) / ".claude.json"


def _load(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
