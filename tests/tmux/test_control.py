"""The control connection: exact text, replies that cannot be confused, ends that are told apart."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccmux.errors import TmuxError, TmuxGone
from ccmux.tmux import control as control_module
from ccmux.tmux.control import Control, command, quote

from .desk import PATIENCE, Desk, until

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300)
HOSTILE = st.lists(
    st.sampled_from(
        [
            ";",
            "\\;",
            "-R",
            "--",
            "#(touch x)",
            "#{pane_id}",
            "$HOME",
            "\n",
            "\r",
            '"',
            "'",
            "\\",
            "~",
            "{",
            "}",
            "%1",
            "👩‍👩‍👧",
            "é",
            " ",
        ]
    ),
    min_size=1,
    max_size=12,
).map("".join)
FIXED = [
    ";", "a;", "\\;", "-R", "-", "--", "#(touch x)", "#{pane_id}", "$HOME", "${HOME}", "~", "a\nb\n", "\n", "\r\n",
    "'\"'\"", "\\", "\\101", "{ a }", "%if 1", "A=b", "👩‍👩‍👧‍👦 é ❯", "\x1b[201~\x07", "x" * 65536, "é" * 32768,
]  # fmt: skip


async def through_a_buffer(control: Control, directory: Path, text: str) -> bytes:
    file, size = directory / "saved", len(text.encode("utf-8", "surrogateescape"))
    file.unlink(missing_ok=True)
    await control.run(
        command("set-buffer", "-b", "t", "--", text), command("save-buffer", "-b", "t", str(file)), "delete-buffer -b t"
    )
    await until(
        lambda: file.exists() and file.stat().st_size >= size, "tmux wrote the file (it does so after its reply)"
    )
    return file.read_bytes()


@pytest.mark.parametrize("text", FIXED, ids=lambda text: ascii(text[:12]))
async def test_text_passes_a_command_line_exactly(desk: Desk, text: str) -> None:
    control, _ = await desk.open()
    assert await through_a_buffer(control, desk.dir, text) == text.encode()
    assert not (Path.cwd() / "x").exists()
    assert not (desk.dir / "x").exists()


@pytest.mark.parametrize("text", ["%if", "%endif", "%=", "%hidden", "%/"])
async def test_a_leading_percent_passes(desk: Desk, text: str) -> None:
    control, _ = await desk.open()
    assert await through_a_buffer(control, desk.dir, text) == text.encode()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=(TEXT | HOSTILE).filter(lambda text: not text.startswith("%")))
async def test_any_text_passes_a_command_line_exactly(desk: Desk, text: str) -> None:
    if not desk.controls:
        await desk.open()
    assert await through_a_buffer(desk.controls[0], desk.dir, text) == text.encode()


async def test_bytes_that_are_not_utf8_pass(desk: Desk) -> None:
    control, _ = await desk.open()
    every = bytes(range(1, 256))
    assert await through_a_buffer(control, desk.dir, every.decode("utf-8", "surrogateescape")) == every


def test_quote_leaves_nothing_for_tmux_to_interpret() -> None:
    for text in FIXED:
        quoted = quote(text)
        assert re.fullmatch(r'[A-Za-z0-9_./:=@%+-]+|"(\\[0-7]{3})*"', quoted)
        assert "\n" not in quoted


async def test_many_at_once_get_each_their_own_answer(desk: Desk) -> None:
    control, _ = await desk.open()
    answers = await asyncio.gather(*(control.run(f"display-message -p n{n}", "list-panes") for n in range(300)))
    assert [answer[0] for answer in answers] == [f"n{n}" for n in range(300)]


async def test_a_failed_command_says_so_and_the_next_one_works(desk: Desk) -> None:
    control, _ = await desk.open()
    results = await asyncio.gather(
        control.run("display-message -p before"),
        control.run("kill-pane -t %999"),
        control.run("no-such-command"),
        control.run("display-message -p after"),
        return_exceptions=True,
    )
    assert results[0] == ["before"]
    assert results[3] == ["after"]
    for failed in results[1:3]:
        assert type(failed) is TmuxError
    assert "%999" in str(results[1])


async def test_a_cancelled_command_confuses_no_other(desk: Desk) -> None:
    control, _ = await desk.open()
    given_up = [asyncio.create_task(control.run(f"display-message -p no{n}")) for n in range(20)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    assert await control.run("display-message -p yes") == ["yes"]
    await asyncio.gather(*given_up, return_exceptions=True)


async def test_kill_server_is_gone_at_once(desk: Desk) -> None:
    control, _ = await desk.open()
    await desk.server.run("kill-server")
    began = time.monotonic()
    with pytest.raises(TmuxGone):  # noqa: PT012
        while time.monotonic() < began + PATIENCE:
            await control.run("display-message -p x")
    await asyncio.wait_for(control.closed.wait(), PATIENCE)
    assert desk.news[-1] == "%exit"
    with pytest.raises(TmuxGone):
        await control.run("display-message -p x")
    await control.close()
    await control.close()


async def test_what_waits_when_the_server_is_killed_is_told(desk: Desk) -> None:
    control, _ = await desk.open()
    pid = int(await desk.server.run("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(control.run("display-message -p x")) for _ in range(5)]
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [TmuxGone] * 5
    await asyncio.wait_for(control.closed.wait(), PATIENCE)


async def test_a_session_that_ends_is_gone_while_the_server_lives(desk: Desk) -> None:
    control, _ = await desk.open()
    await desk.session("ccmux-b")
    await desk.server.run("kill-session", "-t", "=ccmux-a")
    await asyncio.wait_for(control.closed.wait(), PATIENCE)
    with pytest.raises(TmuxGone):
        await control.run("display-message -p x")
    assert await desk.server.has_session("ccmux-b")


async def test_a_server_that_hangs_is_unknown_not_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    control, _ = await desk.open()
    pid = int(await desk.server.run("display-message", "-p", "#{pid}"))
    monkeypatch.setattr(control_module, "DEADLINE", 0.3)
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            with pytest.raises(TmuxError) as raised:
                await control.run("display-message -p late")
            assert not isinstance(raised.value, TmuxGone)
        await control.closed.wait()  # its late answers can be taken for no other's
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(control_module, "DEADLINE", PATIENCE)
    anew = await Control.attach(desk.server, "ccmux-a", desk.news.append)
    desk.controls.append(anew)
    assert await anew.run("display-message -p again") == ["again"]


async def test_attach_to_no_session_is_always_gone(desk: Desk) -> None:
    """The answer may even be that of another session of the server."""
    await desk.session("ccmux-ab")

    async def attached() -> bool:
        try:
            control = await Control.attach(desk.server, "ccmux-a", desk.news.append)
        except TmuxGone:
            return False
        await control.close()
        return True

    for _ in range(40):
        assert not any(await asyncio.gather(*(attached() for _ in range(8))))


async def test_attach_starts_no_server(desk: Desk) -> None:
    with pytest.raises(TmuxGone):
        await desk.attach("ccmux-a")
    assert not desk.socket.exists()


async def test_close_returns_while_the_server_hangs(desk: Desk) -> None:
    await desk.open()
    control = await Control.attach(desk.server, "ccmux-a", desk.news.append)
    pid = int(await desk.server.run("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.wait_for(control.close(), 3)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_news_are_told(desk: Desk) -> None:
    await desk.open()
    await desk.server.run("rename-window", "-t", "=ccmux-a:", "new-name")
    await until(lambda: any("new-name" in line for line in desk.news), "the renamed window is told")


async def test_a_control_client_that_hangs_does_not_stall_the_pane(desk: Desk) -> None:
    go, done = desk.dir / "go", desk.dir / "done"
    os.mkfifo(go)
    control, _ = await desk.open(
        "/bin/sh", "-c", f"cat {go}; head -c 4000000 /dev/zero | tr '\\0' x; echo >{done}; exec cat"
    )
    os.kill(control._process.pid, signal.SIGSTOP)
    try:
        await asyncio.to_thread(go.write_text, "now")
        await until(done.exists, "the pane wrote 4 MB")
    finally:
        os.kill(control._process.pid, signal.SIGCONT)


async def test_close_leaves_no_descriptor(desk: Desk) -> None:
    await desk.open()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        control = await Control.attach(desk.server, "ccmux-a", desk.news.append)
        await control.close()
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before, "the descriptors are closed")
