"""A real daemon, and a clock that the test sets: what is due is said once, whatever happens to clock, machine and daemon."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccmux.fleet.client import Client
from ccmux.standin import StandIn
from tests.rig import Rig, alive, kill, until

pytest.register_assert_rewrite("tests.weather.sky")
from tests.weather.sky import Sky, stopped  # noqa: E402

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86400.0
SLEEP = 90.0
"""Seconds until somebody certainly looked after the clock was set."""


@pytest.fixture
def sky(short_dir: Path, standin: StandIn) -> Iterator[Sky]:
    made = Sky(Rig(short_dir, standin, short_dir / "none"))
    try:
        yield made
    finally:
        made.close()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def plan(sky: Sky, **schedules: str) -> None:
    """The instance, not started, with these tables beside what it has."""
    sky.make()
    with sky.paths.config.open("a") as config:
        for name, lines in schedules.items():
            config.write(f"\n[schedule.{name}]\ntimezone = 'Europe/Berlin'\n{lines}\n")


def set_clock(sky: Sky, when: float) -> None:
    """It is that time now, and the clock goes on."""
    (sky.weather / "clock.new").write_text(str(when - time.time()))
    (sky.weather / "clock.new").rename(sky.weather / "clock")


def fired(sky: Sky, name: str) -> list[float]:
    """The due times of which there is a message."""
    rows = sky.sql("SELECT source_key FROM inbox WHERE sender = ? ORDER BY seq", f"schedule {name}")
    return [float(row[0].rpartition(":")[2]) for row in rows if row[0]]


def lines(sky: Sky, channel: str) -> list[str]:
    """What was said on a channel."""
    return [row[0] for row in sky.sql("SELECT text FROM outbox WHERE channel = ? ORDER BY seq", channel)]


def fires(sky: Sky, name: str, *due: float) -> None:
    until(lambda: len(fired(sky, name)) >= len(due), f"{name} fires\n{sky.rig.logs()}", within=SLEEP)
    assert fired(sky, name) == list(due)


def answered(sky: Sky, text: str, times: int = 1) -> None:
    """Claude was asked that so often."""
    until(lambda: sky.prompts(text) >= times, f"Claude is asked {text}\n{sky.rig.logs()}")
    until(lambda: not sky.sql("SELECT 1 FROM inbox WHERE state NOT IN ('done', 'rejected')"), "all is answered")
    assert sky.prompts(text) == times


def asking(daemon: int) -> list[int]:
    """Processes of the daemon that ask a model."""
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return [int(one) for one in children if "briefing" in Path(f"/proc/{one}/cmdline").read_text()]


def test_a_time_that_the_clock_jumps_over_and_one_that_comes_twice(sky: Sky) -> None:
    plan(sky, gap="cron = '30 2 * * *'\nmisfire = 'skip'\ntext = 'in the night'")
    set_clock(sky, at("2027-03-28T01:59:56+01:00"))
    sky.launch()
    spring = at("2027-03-28T03:00+02:00")
    fires(sky, "gap", spring)
    answered(sky, "in the night")
    (row,) = sky.sql("SELECT channel, expires_at FROM inbox WHERE sender = 'schedule gap'")
    assert row == ("schedule", spring + 43_200)
    set_clock(sky, at("2027-10-31T02:29:57+02:00"))
    autumn = at("2027-10-31T02:30+02:00")
    fires(sky, "gap", spring, autumn)
    set_clock(sky, at("2027-10-31T02:29:57+01:00"))  # the same time of the clock again
    said = until(lambda: sky.rig.json("schedule", "a")["schedules"], "the schedules are told")
    assert said[0]["last"] == autumn
    assert said[0]["next"] == at("2027-11-01T02:30+01:00")
    set_clock(sky, at("2027-11-01T02:29:58+01:00"))
    fires(sky, "gap", spring, autumn, at("2027-11-01T02:30+01:00"))
    answered(sky, "in the night", 3)


@pytest.mark.parametrize(
    ("misfire", "due"),
    [("skip", []), ("once", ["09:00"]), ("all", ["07:00", "08:00", "09:00"])],
)
def test_after_a_sleep(sky: Sky, misfire: str, due: list[str]) -> None:
    """The machine sleeps from 6:30 to 9:30: the daemon's timers stand still, and nothing tells it."""
    plan(
        sky,
        hourly=f"cron = '0 * * * *'\nmisfire = '{misfire}'\ntext = 'the hour'",
        fence="cron = '31 9 * * *'\ntext = 'awake'",
    )
    set_clock(sky, at("2027-02-01T06:30+01:00"))
    sky.launch()
    until(lambda: "hourly" in str(sky.sql("SELECT key FROM meta")), "the schedules are known")
    with stopped(sky.daemon):
        set_clock(sky, at("2027-02-01T09:30:58+01:00"))
    fires(sky, "fence", at("2027-02-01T09:31+01:00"))
    fires(sky, "hourly", *(at(f"2027-02-01T{one}+01:00") for one in due))
    answered(sky, "the hour", len(due))


def test_downtime_and_a_clock_that_is_set_back(sky: Sky) -> None:
    plan(sky, daily="at = '08:00'\ntext = 'good morning'", mail="at = '08:00'\nto = 'mail'\ntext = 'a line'")
    set_clock(sky, at("2027-02-01T07:00+01:00"))
    sky.launch()
    until(lambda: "daily" in str(sky.sql("SELECT key FROM meta")), "the schedules are known")
    sky.kill_daemon()
    set_clock(sky, at("2027-02-03T09:00+01:00"))
    sky.launch()
    third = at("2027-02-03T08:00+01:00")
    fires(sky, "daily", third)
    until(lambda: lines(sky, "mail") == ["a line"], "the line is said")
    set_clock(sky, at("2027-02-03T07:59:58+01:00"))
    sky.kill_daemon()
    sky.launch()
    (daily, _) = sky.rig.json("schedule", "a")["schedules"]
    assert (daily["last"], daily["next"]) == (third, at("2027-02-04T08:00+01:00"))
    set_clock(sky, at("2027-02-04T07:59:58+01:00"))
    fires(sky, "daily", third, at("2027-02-04T08:00+01:00"))
    until(lambda: lines(sky, "mail") == ["a line"] * 2, "the line is said again")
    answered(sky, "good morning", 2)


def test_killed_again_and_again_around_its_time(sky: Sky) -> None:
    plan(
        sky,
        often="cron = '* * * * *'\nmisfire = 'all'\ntext = 'tick'",
        line="cron = '* * * * *'\nmisfire = 'all'\nto = 'mail'\ntext = 'tock'",
    )
    begin = at("2027-02-01T08:00+01:00")
    set_clock(sky, begin - 30)
    sky.launch()
    for minute, after in enumerate((-0.05, 0.0, 0.01, 0.03, 0.1, 0.4)):
        due = begin + 60 * minute
        set_clock(sky, due - 1.0)
        offset = float((sky.weather / "clock").read_text())
        until(lambda: time.time() + offset >= due + after, "its time has come")
        sky.kill_daemon()
        sky.launch()
    minutes = [begin + 60 * minute for minute in range(6)]
    fires(sky, "often", *minutes)
    until(lambda: len(lines(sky, "mail")) >= len(minutes), "every line is said", within=SLEEP)
    assert lines(sky, "mail") == ["tock"] * len(minutes)
    answered(sky, "tick", len(minutes))


def test_killed_between_the_message_and_the_mark(sky: Sky) -> None:
    """The journal as it is then: the message is there, and the schedule was not dealt with."""
    plan(sky, daily="at = '08:00'\ntext = 'good morning'")
    set_clock(sky, at("2027-02-01T07:59:50+01:00"))
    sky.launch()
    [(before,)] = until(lambda: sky.sql("SELECT value FROM meta WHERE key = 'schedule daily'"), "it is known")
    due = at("2027-02-01T08:00+01:00")
    fires(sky, "daily", due)
    sky.kill_daemon()
    with closing(sqlite3.connect(sky.paths.journal)) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'schedule daily'", (before,))
    sky.launch()
    until(
        lambda: json.loads(sky.sql("SELECT value FROM meta WHERE key = 'schedule daily'")[0][0])["until"] == due,
        f"it is dealt with\n{sky.rig.logs()}",
    )
    fires(sky, "daily", due)
    answered(sky, "good morning")


def test_a_full_queue_is_waited_for_and_holds_no_other_schedule_up(sky: Sky) -> None:
    plan(sky, a="at = '08:00'\ntext = 'good morning'", b="at = '08:00'\nto = 'mail'\ntext = 'a line'")
    with sky.paths.config.open("r+") as config:
        text = config.read()
        config.seek(0)
        config.write(text.replace("[delivery]", "[delivery]\nmax_waiting = 1"))
    set_clock(sky, at("2027-02-01T07:59:50+01:00"))
    sky.launch()
    with Client(sky.paths) as client:
        client.ask(op="pause")
    sky.send("waiting")
    until(lambda: lines(sky, "mail") == ["a line"], "the line is said")
    until(lambda: "has to wait" in sky.rig.logs(), "the log tells")
    assert fired(sky, "a") == []
    with Client(sky.paths) as client:
        client.ask(op="resume")
    fires(sky, "a", at("2027-02-01T08:00+01:00"))
    answered(sky, "good morning")
    assert sky.rig.logs().count("has to wait") == 1


def test_what_nobody_could_begin_expires(sky: Sky) -> None:
    plan(sky, daily="at = '08:00'\nexpires = 3600\ntext = 'good morning'")
    set_clock(sky, at("2027-02-01T07:59:57+01:00"))
    sky.launch()
    with Client(sky.paths) as client:
        client.ask(op="pause")
    fires(sky, "daily", at("2027-02-01T08:00+01:00"))
    set_clock(sky, at("2027-02-02T07:00+01:00"))
    with Client(sky.paths) as client:
        client.ask(op="resume")
    until(lambda: sky.state("good morning") == "rejected", "yesterday's is not read today")
    assert sky.prompts("good morning") == 0


def test_by_hand_and_changed_and_taken_away(sky: Sky) -> None:
    plan(sky, now="at = '08:00'\nenabled = false\ntext = 'good morning'", later="at = '09:00'\ntext = 'x'")
    set_clock(sky, at("2027-02-01T10:00+01:00"))
    sky.launch()
    assert sky.rig.run("schedule", "a", "run", "now").endswith(" to claude\n")
    answered(sky, "good morning")
    assert "no schedule" in (sky.rig.run("schedule", "a", "run", "nope", code=2) or sky.rig.stderr)
    found = {one["name"]: one for one in sky.rig.json("schedule", "a")["schedules"]}
    assert (found["now"]["next"], found["now"]["last"], found["later"]["last"]) == (None, None, None)
    assert "not enabled" in sky.rig.run("schedule", "a")
    sky.rig.run("config", "set", "a", "schedule.later.at", "09:30")
    sky.kill_daemon()
    sky.launch()
    until(lambda: "30 9 * * *" in str(sky.sql("SELECT value FROM meta WHERE key = 'schedule later'")), "it is known")
    text = sky.paths.config.read_text()
    sky.paths.config.write_text(text[: text.index("[schedule.later]")])
    sky.kill_daemon()
    sky.launch()
    until(lambda: not sky.sql("SELECT 1 FROM meta WHERE key = 'schedule later'"), "it is forgotten")
    assert fired(sky, "later") == []


def test_a_briefing_at_its_time_says_what_has_changed(sky: Sky) -> None:
    plan(
        sky,
        morning="at = '08:00'\nbriefing = 'morning'\nto = 'mail'",
        evening="at = '18:00'\nbriefing = 'evening'\nto = 'mail'",
    )
    table = sky.paths.data / "projects" / "dashboard.jsonl"
    table.parent.mkdir(parents=True)
    table.write_text(json.dumps({"project": "alpha", "ts": at("2027-02-01T07:00+01:00"), "status": "idle"}) + "\n")
    set_clock(sky, at("2027-02-01T07:59:57+01:00"))
    sky.launch()
    until(lambda: len(lines(sky, "mail")) == 1, f"the morning's is said\n{sky.rig.logs()}", within=SLEEP)
    assert "- alpha: idle" in lines(sky, "mail")[0]
    with table.open("a") as more:
        row = {
            "project": "alpha",
            "ts": at("2027-02-01T17:00+01:00"),
            "status": "busy",
            "alerts": ["disk\x1b[31m full"],
        }
        more.write(json.dumps(row) + "\n")
    set_clock(sky, at("2027-02-01T17:59:58+01:00"))
    until(lambda: len(lines(sky, "mail")) == 2, f"the evening's is said\n{sky.rig.logs()}", within=SLEEP)
    evening = lines(sky, "mail")[1]
    assert "Alerts:\n- alpha: disk full" in evening
    assert "Changed since 08:00:\n- alpha: idle → busy; alert: disk full" in evening
    assert sky.rig.run("briefing", "a", "evening", "--send").endswith(" to mail\n")
    until(lambda: len(lines(sky, "mail")) == 3, "it is sent by hand, too")
    assert "- nothing" in lines(sky, "mail")[2]
    assert sky.happened("asked") == 0


def test_a_condensed_one_and_a_model_that_does_not_answer(sky: Sky) -> None:
    """The library that asks is as big as the daemon, and never in it."""
    plan(sky, morning="at = '08:00'\nbriefing = 'morning'\nto = 'mail'")
    with sky.paths.config.open("a") as config:
        config.write("\n[briefing]\ncondense = true\ntimeout = 30\n")
    table = sky.paths.data / "projects" / "dashboard.jsonl"
    table.parent.mkdir(parents=True)
    table.write_text('{"project": "alpha", "status": "idle"}\n')
    sky.rig.standin.rules(
        {"match": ".", "main": False, "steps": [{"text": "In short."}, {"text": "late", "hang": 300}]}
    )
    set_clock(sky, at("2027-02-01T07:59:57+01:00"))
    sky.launch()
    until(lambda: lines(sky, "mail"), f"the briefing is said\n{sky.rig.logs()}", within=SLEEP)
    assert lines(sky, "mail")[0].endswith("\n\nIn short.")
    sky.rig.run("config", "set", "a", "briefing.timeout", "3")
    sky.kill_daemon()
    sky.launch()
    sky.rig.run("briefing", "a", "morning", "--send")
    assert "- alpha: idle" in lines(sky, "mail")[1]
    assert "not condensed: no answer within 3 s" in sky.rig.logs()
    assert "pydantic" not in Path(f"/proc/{sky.daemon}/maps").read_text()
    assert asking(sky.daemon) == []


def test_the_daemon_is_stopped_while_a_model_thinks(sky: Sky) -> None:
    plan(sky, morning="at = '08:00'\nbriefing = 'morning'\nto = 'mail'")
    with sky.paths.config.open("a") as config:
        config.write("\n[briefing]\ncondense = true\ntimeout = 200\n")
    table = sky.paths.data / "projects" / "dashboard.jsonl"
    table.parent.mkdir(parents=True)
    table.write_text('{"project": "alpha", "status": "idle"}\n')
    sky.rig.standin.rules(
        {"match": ".", "main": False, "steps": [{"text": "late", "hang": 300}, {"text": "In short."}]}
    )
    set_clock(sky, at("2027-02-01T07:59:57+01:00"))
    sky.launch()
    until(sky.rig.standin.requests, f"a model is asked\n{sky.rig.logs()}")
    daemon = sky.daemon
    (child,) = asking(daemon)
    kill(daemon, signal.SIGTERM)
    until(lambda: not alive(daemon), "the daemon has ended")
    until(lambda: not alive(child), "and who asked")
    assert lines(sky, "mail") == []
    sky.launch()
    until(lambda: lines(sky, "mail"), f"the next daemon says it\n{sky.rig.logs()}")
    assert lines(sky, "mail")[0].endswith("\n\nIn short.")
