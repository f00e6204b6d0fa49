"""The server by process: exact names, "gone" told from "unknown", a clean environment; and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.errors import TmuxError, TmuxGone
from ccmux.managers import detached
from ccmux.paths import InstancePaths
from ccmux.tmux import pane as panes
from ccmux.tmux import server as server_module
from ccmux.tmux import survivor
from ccmux.tmux.control import command
from tests.rig import alive

from .desk import GEN, Desk, until


async def test_a_name_is_exact(desk: Desk) -> None:
    await desk.session("ccmux-ab")
    assert await desk.server.has_session("ccmux-ab")
    for other in ("ccmux-a", "ccmux-", "ccmux-abc", "ccmux-*", "ccmux-a?"):
        assert not await desk.server.has_session(other)
    await desk.session("ccmux-a")
    control = await desk.attach("ccmux-a")
    pane, other_pane = await desk.look(control), await panes.look(control, "ccmux-ab")
    assert other_pane is not None
    assert pane.id != other_pane.id
    await desk.server.run("kill-session", "-t", "=ccmux-a")
    assert not await desk.server.has_session("ccmux-a")
    assert await desk.server.has_session("ccmux-ab")


async def test_a_look_at_no_session_finds_no_pane(desk: Desk) -> None:
    control, _ = await desk.open()
    with contextlib.suppress(TmuxError):
        assert await panes.look(control, "ccmux-abc") is None


async def test_the_same_name_twice_is_refused(desk: Desk) -> None:
    await desk.session("ccmux-a")
    with pytest.raises(TmuxError) as raised:
        await desk.session("ccmux-a")
    assert not isinstance(raised.value, TmuxGone)


async def test_no_server_is_gone(desk: Desk) -> None:
    assert not await desk.server.has_session("ccmux-a")
    with pytest.raises(TmuxGone):
        await desk.server.run("list-sessions")
    await desk.server.kill()
    await desk.session("ccmux-a")
    await desk.server.kill()
    assert not await desk.server.has_session("ccmux-a")
    await desk.server.kill()


async def test_the_generation_is_there_from_the_first_moment(desk: Desk) -> None:
    _, pane = await desk.open()
    assert (pane.generation, pane.dead, pane.in_mode) == (GEN, False, False)
    assert Path(f"/proc/{pane.pid}").exists()  # noqa: ASYNC240


async def test_a_program_that_ends_at_once_leaves_its_dead_pane(desk: Desk) -> None:
    for number in range(5):
        await desk.session(f"ccmux-{number}", "/bin/true")
        assert await desk.server.has_session(f"ccmux-{number}")


async def test_argv_passes_as_it_is(desk: Desk) -> None:
    out = desk.dir / "argv"
    script = 'for a in "$@"; do printf "%s\\0" "$a"; done >"$OUT.new"; mv "$OUT.new" "$OUT"; exec cat'
    words = ["a b", "'q'", '"', "$(touch x)", "#(touch x)", "#{pane_id}", "-R", "é\nü", "{", "~"]
    await desk.session("ccmux-a", "/usr/bin/env", f"OUT={out}", "/bin/sh", "-c", script, "sh", *words)
    await until(out.exists, "the program ran")
    assert out.read_bytes().decode().split("\0")[:-1] == words


async def test_the_environment_of_a_pane_is_clean(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCMUX_TEST_SECRET", "sk-ant-secret")
    monkeypatch.setenv("TMUX", "/elsewhere,1,0")
    out = desk.dir / "env"
    await desk.session("ccmux-a", "/bin/sh", "-c", f"env -0 >{out}.new; mv {out}.new {out}; exec cat")
    control = await desk.attach("ccmux-a")  # its environment must not reach the session either
    await until(out.exists, "the program ran")
    names = {line.partition("=")[0] for line in out.read_text().split("\0") if line}
    own = {"TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "SHELL", "PWD", "OLDPWD", "SHLVL", "_"}
    own |= {"COLORTERM"}  # of tmux itself, from 3.6 on
    assert names <= {"PATH", "HOME", "LANG"} | own
    shown = await control.run("show-environment -g", "show-environment -t =ccmux-a:")
    assert not [line for line in shown if "SECRET" in line]


async def test_the_conf_of_the_person_is_not_read(desk: Desk) -> None:
    (desk.dir / ".tmux.conf").write_text("set -g @person read\nset -g remain-on-exit off\n", encoding="utf-8")
    control, _ = await desk.open()
    shown = command("display-message", "-p", "#{@person}.#{remain-on-exit}.#{set-clipboard}")
    assert await control.run(shown) == [".on.off"]


async def test_a_server_that_hangs_is_unknown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.session("ccmux-a")
    pid = int(await desk.server.run("display-message", "-p", "#{pid}"))
    monkeypatch.setattr(server_module, "DEADLINE", 0.3)
    with stopped(pid):
        with pytest.raises(TmuxError) as raised:
            await asyncio.wait_for(desk.server.has_session("ccmux-a"), 3)
        assert not isinstance(raised.value, TmuxGone)
    monkeypatch.undo()
    assert await desk.server.has_session("ccmux-a")


async def test_a_server_that_hangs_up_is_unknown(desk: Desk) -> None:
    """What a tmux of another version does (T9 of limits.md): it lives, and the client says `server exited`."""
    with hanging_up(desk.socket), pytest.raises(TmuxError) as raised:
        await desk.server.has_session("ccmux-a")
    assert not isinstance(raised.value, TmuxGone)


async def test_stop_ends_the_session_and_its_server(desk: Desk) -> None:
    paths = InstancePaths("x", desk.dir)
    paths.run.mkdir()
    desk.server.socket = desk.socket = paths.tmux_socket
    _, pane = await desk.open()
    server = int(await desk.server.run("display-message", "-p", "#{pid}"))
    assert await asyncio.to_thread(detached.end_session, paths)
    await until(lambda: not Path(f"/proc/{pane.pid}").exists(), "the program ended")
    await until(lambda: not Path(f"/proc/{server}").exists(), "the server ended")
    assert not await asyncio.to_thread(detached.end_session, paths)


async def test_stop_does_not_cut_off_a_server_that_hangs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its socket nobody can reach it again, and the next start would make a second Claude beside it."""
    paths = InstancePaths("x", desk.dir)
    paths.run.mkdir()
    desk.server.socket = desk.socket = paths.tmux_socket
    _, pane = await desk.open()
    server = int(await desk.server.run("display-message", "-p", "#{pid}"))
    monkeypatch.setattr(detached, "_TMUX_ANSWERS_WITHIN", 0.3)
    try:
        with stopped(server), contextlib.suppress(TmuxError):
            await asyncio.to_thread(detached.end_session, paths)
        assert paths.tmux_socket.exists() or not Path(f"/proc/{pane.pid}").exists()  # noqa: ASYNC240
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)  # ours, and out of reach when its socket is gone


async def test_stop_ends_a_server_that_hangs_and_is_known(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = InstancePaths("x", desk.dir)
    for directory in (paths.run, paths.data):
        directory.mkdir()
    desk.server.socket = desk.socket = paths.tmux_socket
    _, pane = await desk.open()
    server = int(await desk.server.run("display-message", "-p", "#{pid}"))
    survivor.remember(paths.tmux_server, server)
    monkeypatch.setattr(detached, "_TMUX_ANSWERS_WITHIN", 0.3)
    os.kill(server, signal.SIGSTOP)
    assert await asyncio.to_thread(detached.end_session, paths)
    assert not alive(server)
    await until(lambda: not alive(pane.pid), "the program ended with its terminal")
    assert not paths.tmux_socket.exists()


def test_listing_survives_an_instance_without_a_place_for_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    (deep / ".ccmux-x").mkdir(parents=True)
    (deep / ".ccmux-x" / "ccmux.toml").write_text("version = 1\n", encoding="utf-8")
    script = "from ccmux.fleet.listing import statuses; print(statuses(['x'])[0]['name'])"
    env = {"PYTHONPATH": str(Path(__file__).parents[2]), "CCMUX_HOME": str(deep)}
    run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert run.stdout == "x\n"


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def hanging_up(path: Path) -> Iterator[None]:
    """A socket whose owner lives, accepts and says nothing."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    connection.recv(65536)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink()
