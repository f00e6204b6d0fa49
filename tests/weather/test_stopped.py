"""Daemon, Claude or tmux stand still for a while, or the tmux server is killed: what was sent meanwhile is done, once."""

from __future__ import annotations

import os
import signal

import pytest

from tests.rig import alive, kill, until
from tests.weather.sky import NAME, Sky, hanging, stopped


def test_the_daemon_stands_still(sky: Sky) -> None:
    """Whoever speaks to it waits; who would be the second daemon is told the first one's pid."""
    sky.make()
    sky.start()
    sky.send("before")
    with stopped(sky.daemon):
        senders = [sky.rig.popen("send", NAME, f"verb {number}") for number in range(3)]
        for number in range(5):
            sky.write(f"line {number}")
        sky.rig.run("run", NAME, code=75)
        assert f"is held by process {sky.daemon}" in sky.rig.stderr
    for number, sender in enumerate(senders):
        _, said = sender.communicate(timeout=60)
        assert sender.returncode == 0, said
        sky.sent.append(f"verb {number}")
    sky.all_once()


def test_a_turn_ends_while_the_daemon_stands_still(sky: Sky) -> None:
    sky.make(delay=0.3)
    sky.start()
    sky.send("one")
    until(lambda: sky.happened("asked"), "the turn runs")
    with stopped(sky.daemon):
        until(lambda: sky.happened("told"), "it has ended")
    sky.all_once()


@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_claude_hangs(sky: Sky, moment: str) -> None:
    sky.make(delay=0.3)
    sky.start()
    if moment == "busy":
        sky.send("running")
        until(lambda: sky.happened("asked"), "its turn runs")
    with hanging(sky):
        sky.send("sent")
        sky.write("written")
        until(lambda: sky.state("written") != "", "both are in the journal")
        if moment == "idle":  # it is typed, and Claude does not take it
            until(lambda: sky.state("sent") != "received", "its turn has come")
        assert sky.replies("sent") == 0
        assert sky.answers()
    sky.all_once()


def test_tmux_stands_still(sky: Sky) -> None:
    sky.make(delay=0.3)
    sky.start()
    sky.send("running")
    until(lambda: sky.happened("asked"), "its turn runs")
    with stopped(sky.tmux()):
        sky.send("sent")
        sky.write("written")
        until(lambda: sky.state("written") != "", "both are in the journal")
        until(lambda: "tmux" in sky.paths.daemon_log.read_text(), "the daemon has met it")
        assert sky.replies("sent") == 0
        assert sky.answers()
    sky.all_once()


@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_the_tmux_server_is_killed(sky: Sky, moment: str) -> None:
    """Claude goes with its terminal; the next one resumes, and what it worked on is continued, not sent again."""
    sky.make(delay=0.5 if moment == "busy" else 0.01)
    sky.start()
    sky.send("first")
    if moment == "idle":
        sky.answered("first")
    until(lambda: sky.happened("committed"), "the first prompt is part of the conversation")
    server, claude = sky.tmux(), sky.claude()
    sky.send("waiting")
    sky.write("written")
    kill(server, signal.SIGKILL)
    until(lambda: not alive(server), "the server is dead")
    until(lambda: not alive(claude), "Claude is dead")
    sky.send("sent into nothing")
    sky.all_once()
    assert sky.happened("began") >= 2
    assert len({row[0] for row in sky.sql("SELECT value FROM meta WHERE key = 'session_id'")}) == 1


def test_all_three_stand_still_one_after_the_other(sky: Sky) -> None:
    sky.make(delay=0.05)
    sky.start()
    for number in range(3):
        stops = {"daemon": stopped(sky.daemon), "claude": hanging(sky), "tmux": stopped(sky.tmux())}
        for which, stop in stops.items():
            with stop:
                sky.write(f"{which} {number}")
            sky.write(f"after {which} {number}")
    sky.all_once()


def test_a_claude_that_is_stopped_by_a_signal_goes_on(sky: Sky) -> None:
    """tmux sees to it."""
    sky.make(delay=0.05)
    sky.start()
    for number in range(3):
        os.kill(sky.claude(), signal.SIGSTOP)
        sky.send(f"sent {number}")
    sky.all_once()
