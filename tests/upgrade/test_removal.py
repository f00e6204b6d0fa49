"""`ccmux uninstall` leaves what is the person's, and says so."""

from __future__ import annotations

from pathlib import Path

from tests.rig import alive, until
from tests.upgrade.conftest import Installed
from tests.upgrade.wheels import wheel


def below(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if "ccmux" in str(path.relative_to(home))}


def test_all_is_gone_but_the_homes(person: Installed, wheels: Path) -> None:
    person.new("a")
    person.new("b", "--no-start")
    assert person.ask("a", "one") == "You wrote: one"
    gateway = person.home / ".local" / "share" / "ccmux" / "gateways" / "loopback"
    gateway.mkdir(parents=True)
    (gateway / "gateway.toml").write_text("version = 1\n")
    person.run("gateway", "start", "loopback")
    before = int((gateway / "gateway.lock").read_text())
    said = person.run("upgrade", "--to", str(wheel(wheels, "6.0.0")), "--no-probe")
    assert "the gateway loopback: it is 6.0.0" in said
    assert int((gateway / "gateway.lock").read_text()) != before
    pids = [person.status("a")["claude"]["pid"], person.status("a")["daemon"]["pid"]]
    pids.append(int((gateway / "gateway.lock").read_text()))
    person.run("uninstall", code=1, stdin="n\n")
    assert person.status("a")["daemon"]["pid"] == pids[1]
    told = person.run("uninstall", "--yes")
    assert f"kept {person.home / '.ccmux-a'}" in told
    assert f"kept {person.home / '.ccmux-b'}" in told
    assert f"kept {gateway.parent}" in told
    assert (gateway / "gateway.toml").exists()
    until(lambda: not any(map(alive, pids)), "nothing runs")
    left = {name for name in below(person.home) if not name.startswith((".ccmux-a", ".ccmux-b", "tool/"))}
    ours = {name for name in left if "gateways" not in name and not name.startswith(".cache/claude-cli-nodejs")}
    assert ours == {".local/share/ccmux"}
    assert (person.home / ".ccmux-a" / "data" / "journal.db").exists()
    assert not person.command.is_symlink()
