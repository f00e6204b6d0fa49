"""The wall clock steps by an hour or a day while messages wait and turns run: nothing is lost, nothing waits for ever.

Daemon and Claude see the step. tmux and the kernel do not: what they stamped before a step back lies in the future, as it
does for everybody after a real one.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.rig import until
from tests.torture.person import Person
from tests.weather.sky import Sky, hanging, stopped

HOUR, DAY = 3600.0, 86400.0


def step(sky: Sky, seconds: float) -> None:
    """The clock is off by so much from now on."""
    (sky.weather / "clock.new").write_text(str(seconds))
    (sky.weather / "clock.new").rename(sky.weather / "clock")


@pytest.mark.parametrize("seconds", [DAY, -HOUR])
def test_the_clock_steps_while_a_turn_runs_and_messages_wait(sky: Sky, seconds: float) -> None:
    sky.make(delay=0.3)
    sky.launch()
    sky.send("running")
    sky.send("waiting")
    until(lambda: sky.happened("asked"), "the first turn runs")
    step(sky, seconds)
    sky.write("after the step")
    sky.answered(*sky.sent)
    step(sky, 0.0)
    sky.send("after the step back")
    sky.all_once()


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_the_clock_stepped_while_no_daemon_ran(sky: Sky, seconds: float) -> None:
    sky.make(delay=0.3)
    sky.launch()
    sky.send("running")
    sky.send("waiting")
    until(lambda: sky.happened("asked"), "the first turn runs")
    sky.kill_daemon()
    step(sky, seconds)
    sky.launch()
    sky.all_once()


def test_what_nobody_has_read_outlasts_a_clock_that_runs_years_ahead(sky: Sky) -> None:
    sky.make()
    sky.launch()
    sky.unread()
    sky.send("one")
    until(lambda: sky.state("one") == "done", "answered, and nobody reads")
    with hanging(sky):
        sky.send("waiting")
        sky.kill_daemon()
        step(sky, 5000 * DAY)
    sky.launch()
    sky.answered("one", "waiting")
    assert [sky.prompts("one"), sky.prompts("waiting")] == [1, 1]


@pytest.mark.parametrize("seconds", [HOUR, -DAY])
def test_an_idle_draft_is_no_typing_for_ever(sky: Sky, seconds: float) -> None:
    """The person stays attached and presses no key: the patience ends, the message enters, the draft stands there again."""
    sky.make()
    sky.launch()
    sky.send("before")
    sky.answered("before")
    person = Person(sky.paths.tmux_socket, sky.rig.env)
    try:
        person.watch(0.3)
        person.press("a draft")
        until(lambda: "a draft" in sky.rig.screen("a"), "it stands in the box")
        step(sky, seconds)
        sky.send("after the step")

        def answered() -> int:
            person.watch(0.05)
            return sky.replies("after the step")

        until(answered, f"the message has entered\n{sky.rig.logs()}")
        until(lambda: "a draft" in sky.rig.screen("a"), "the draft stands there again")
    finally:
        person.leave()
    assert sky.prompts("after the step") == 1


@pytest.mark.parametrize("seconds", [HOUR, -DAY])
def test_only_what_says_so_itself_expires(sky: Sky, seconds: float) -> None:
    sky.make()
    sky.launch()
    os.mkfifo(sky.paths.run / "in.x", 0o600)
    sky.unread()
    sky.read("x")
    sky.send("before")
    sky.answered("before")
    with hanging(sky):
        sky.send("running")
        until(lambda: sky.state("running") not in ("", "received"), "what follows has to wait")
        for name, expires in (("soon", time.time() + HOUR / 2), ("never", 0.0)):
            part = {"v": 1, "id": name, "part": 1, "parts": 1, "text": f"expires {name}"}
            sky.write(json.dumps(part | ({"expires": expires} if expires else {})), "x")
            sky.sent.pop()
            until(lambda: sky.state(f"expires {name}"), "it is taken")
        step(sky, seconds)
    until(lambda: sky.state("expires never") == "done", "it had all the time")
    until(lambda: sky.state("expires soon") == ("rejected" if seconds > 0 else "done"), "it had half an hour")
    assert sky.prompts("expires soon") == (0 if seconds > 0 else 1)


def test_a_tool_that_passed_the_gate_before_the_clock_went_back(sky: Sky) -> None:
    """Its stamp lies an hour ahead: that must not hold Enter back for an hour."""
    sky.make()
    sky.launch()
    ahead = time.time() + HOUR
    os.utime(sky.paths.gate, (ahead, ahead))
    sky.send("one")
    sky.all_once()


def test_hooks_that_were_written_in_the_wrong_order(sky: Sky) -> None:
    """The clock went back between the beginning of a turn and its end, and no daemon looked."""
    sky.make(delay=0.3)
    sky.launch()
    sky.send("one")
    until(lambda: sky.state("one") in ("submitting", "accepted"), "it is on its way")
    with stopped(sky.daemon):
        until(lambda: sky.happened("told"), "the turn has ended")
        *_, end = sorted(sky.paths.hook_spool.glob("[0-9]*.json"))
        stamp, _, rest = end.name.partition("-")
        end.rename(end.with_name(f"{int(stamp) - int(HOUR * 1e9):020d}-{rest}"))
    sky.all_once()
