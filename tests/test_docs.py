"""The documents are checked against the code: a verb, key, error, request or state without its line is a failure."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from ccmux.cli.group import VERBS, program
from ccmux.config.load import NAME, keys, load
from ccmux.errors import CcmuxError
from ccmux.gateways.config import Binding, GatewaySpec
from ccmux.model.instance import InstanceSpec, ScheduleSpec
from ccmux.model.message import MessageState
from ccmux.model.state import InstanceState
from ccmux.resources import resource

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROTOCOL = (ROOT / "docs" / "PROTOCOL.md").read_text()
CLAUDE_CODE = (ROOT / "docs" / "CLAUDE-CODE.md").read_text()
CONFIG = (ROOT / "docs" / "CONFIG.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()


def test_every_verb_has_its_row_and_every_row_its_verb() -> None:
    rows = set(re.findall(r"^\| `ccmux (\w+)", README, re.MULTILINE))
    assert rows == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_stands_in_the_readme(verb: str) -> None:
    import click

    command = program.get_command(click.Context(program), verb)
    assert command is not None
    row = next(line for line in README.splitlines() if line.startswith(f"| `ccmux {verb}"))
    commands = [command, *(getattr(command, "commands", {}) or {}).values()]
    options = [name for one in commands for param in one.params for name in param.opts if name.startswith("--")]
    missing = [option for option in options if option not in ("--lines", "--follow") and option not in row]
    assert missing == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_manual_has_what_the_readme_has(verb: str) -> None:
    readme = next(line for line in README.splitlines() if line.startswith(f"| `ccmux {verb}"))
    usage = readme.split("`")[1].replace("\\|", "|").replace("…", "...").removeprefix("ccmux ")
    manual = (ROOT / "docs" / "man" / "ccmux.1").read_text().replace("\\-", "-")
    assert f".It Nm Cm {usage}\n" in manual


_ROW = r"^\| `([\w.]+)` \| (.*?) ?\|"


def test_every_key_of_a_gateway_has_its_row_with_its_default_and_every_row_its_key() -> None:
    spec = msgspec.to_builtins(GatewaySpec())
    wanted = {key: _toml(value) for key, value in spec.items() if key not in ("access", "bind")}
    wanted |= {f"access.{key}": _toml(value) for key, value in spec["access"].items()}
    for field in msgspec.structs.fields(Binding):
        wanted[f"bind.{field.name}"] = "" if field.required else _toml(field.default)
    rows = dict(re.findall(_ROW, CONFIG.partition("## gateway.toml")[2], re.MULTILINE))
    assert rows == wanted


def test_every_key_has_its_row_with_its_default_and_every_row_its_key() -> None:
    defaults = msgspec.to_builtins(InstanceSpec())
    fields = msgspec.structs.fields(ScheduleSpec)
    defaults["schedule"][NAME] = {field.name: msgspec.to_builtins(field.default) for field in fields}
    rows = dict(re.findall(_ROW, CONFIG.partition("## gateway.toml")[0], re.MULTILINE))
    assert list(rows) == keys()
    for key, shown in rows.items():
        value = defaults
        for part in key.split("."):
            value = value[part]
        assert shown == _toml(value), key


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(list(value) if isinstance(value, tuple) else value)


def test_every_exit_code_stands_in_the_readme_and_in_the_error_tree() -> None:
    import ccmux.errors

    def all_of(kind: type[CcmuxError]) -> list[type[CcmuxError]]:
        return [kind, *(error for sub in kind.__subclasses__() for error in all_of(sub))]

    codes = README[README.index("Exit codes:") :].split("\n\n")[0]
    for error in all_of(CcmuxError):
        assert re.search(rf"\b{error.exit_code} ", codes), error
        assert re.search(rf"{error.__name__}\s+{error.exit_code}\b", ccmux.errors.__doc__ or ""), error


def test_every_state_is_explained() -> None:
    for state in InstanceState:
        assert f"{state}" in PROTOCOL
        assert f"| {state} |" in README or state is InstanceState.PAUSED  # comes with pause and resume
    for message_state in MessageState:
        assert message_state in ARCHITECTURE


def test_every_request_of_the_control_socket_is_described() -> None:
    source = (ROOT / "ccmux" / "daemon" / "control.py").read_text()
    handled = {op for line in re.findall(r'case ("\w+"(?: \| "\w+")*):', source) for op in re.findall(r"\w+", line)}
    handled |= {op for line in re.findall(r"request\.op in \(([^)]*)\)", source) for op in re.findall(r"\w+", line)}
    handled |= set(re.findall(r'request\.op == "(\w+)":', source))
    assert set(re.findall(r'^\| `\{"op":"(\w+)"', PROTOCOL, re.MULTILINE)) == handled


def test_every_fact_of_the_probe_has_its_row() -> None:
    from ccmux.probe import facts  # noqa: F401 - registers them
    from ccmux.probe.fact import FACTS

    rows = dict(re.findall(r"^\| `([\w-]+)`: .* \| (.*) \|$", CLAUDE_CODE, re.MULTILINE))
    assert rows == {fact.id: fact.degrades for fact in FACTS}


def test_every_preset_is_right_and_names_only_what_exists() -> None:
    presets = sorted(resource("instances").glob("*.toml"))
    assert [path.stem for path in presets] == ["assistant", "ipo-analysis", "project"]
    for preset in presets:
        assert isinstance(load(preset), InstanceSpec)


def test_links_between_documents_lead_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
