"""The journal's disk fails in every way that SQLite knows: the daemon lives, tells, and goes on when all is well again.

What could not be committed was not acknowledged, and is no prompt; what was acknowledged is one prompt and one answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from ccmux.errors import CcmuxError
from tests.rig import until
from tests.weather.launcher import Fault
from tests.weather.sky import NAME, TROUBLE, Sky, room_of_its_own

CODES = {
    "BEGIN": (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR_SHMMAP),
    "WRITE": (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR_READ),
    "COMMIT": (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_READONLY_DBMOVED,
    ),
}
ALL = 0
"""transactions fail until the disk is well again"""


def tells(sky: Sky) -> bool:
    return TROUBLE.search(sky.status()["reason"]) is not None


def refuses(sky: Sky, text: str) -> None:
    """It is not taken, and never will be."""
    with pytest.raises(CcmuxError, match=TROUBLE):
        sky.send(text)


@contextlib.contextmanager
def same_daemon(sky: Sky) -> Iterator[None]:
    pid = sky.daemon
    yield
    assert sky.daemon == pid
    assert "Traceback" not in sky.paths.daemon_log.read_text()


STEPS = pytest.mark.parametrize("step", list(CODES))


@STEPS
def test_whatever_the_disk_says_nothing_is_lost(sky: Sky, step: str) -> None:
    _outlasts(sky, step, CODES[step])


@STEPS
def test_without_memory_nothing_is_lost(sky: Sky, step: str) -> None:
    """For SQLITE_NOMEM the module sqlite3 raises MemoryError, which is no sqlite3.Error."""
    _outlasts(sky, step, (sqlite3.SQLITE_NOMEM,))


def _outlasts(sky: Sky, step: str, codes: Sequence[int]) -> None:
    sky.make()
    sky.launch()
    with same_daemon(sky):
        for code in codes:
            Fault(code, step, times=ALL).arm(sky.weather)
            refuses(sky, f"refused {code}")
            sky.write(f"held {code}")
            until(lambda: Fault.hits(sky.weather) > 1, "the line meets the fault, too")
            until(lambda: tells(sky), f"the status tells of {code}")
            assert sky.state(f"held {code}") == ""
            Fault.calm(sky.weather)
            sky.answered(f"held {code}")
            until(lambda: not tells(sky), "the trouble is over")
        sky.all_once()
        assert not any(sky.state(f"refused {code}") or sky.prompts(f"refused {code}") for code in codes)


def test_a_person_is_told_what_is_wrong_and_why(sky: Sky) -> None:
    sky.make()
    sky.launch()
    Fault(sqlite3.SQLITE_FULL, times=ALL).arm(sky.weather)
    assert sky.rig.run("send", NAME, "refused", code=1) == ""
    assert TROUBLE.search(sky.rig.stderr)
    assert "database or disk is full" in sky.rig.stderr
    sky.write("held")
    until(lambda: TROUBLE.search(" ".join(sky.rig.run("status", NAME).split())), "`ccmux status` tells")
    assert TROUBLE.search(sky.rig.json("ls")["instances"][0]["reason"])
    Fault.calm(sky.weather)
    until(lambda: not TROUBLE.search(sky.rig.status(NAME)["reason"]), "it is over")
    sky.all_once()
    assert sky.prompts("refused") == 0


# at the nth write


def _two_messages(sky: Sky, number: int) -> None:
    """A whole small life: one message by the socket, one by the FIFO, both answered, both answers read and marked."""
    sky.insist(f"one {number}")
    sky.write(f"two {number}")
    until(lambda: _all_done(sky, [f"one {number}", f"two {number}"]), f"round {number} is over")


@pytest.mark.parametrize(("step", "every"), [("WRITE", 2), ("COMMIT", 1)])
def test_a_disk_that_fails_once_at_the_nth_transaction(sky: Sky, step: str, every: int) -> None:
    sky.make("delivery.max_waiting=1000")
    sky.launch()
    with same_daemon(sky):
        number, struck = 0, True
        while struck:
            Fault(sqlite3.SQLITE_IOERR_WRITE, step, skip=number).arm(sky.weather)
            _two_messages(sky, number)
            struck = Fault.hits(sky.weather) > 0
            number += every
        Fault.calm(sky.weather)
        assert number > 8, "there are more transactions than that in two messages"
        sky.all_once()


def test_a_disk_that_fails_from_the_nth_transaction_on_until_it_is_mended(sky: Sky) -> None:
    """Every third n."""
    sky.make("delivery.max_waiting=1000")
    sky.launch()
    with same_daemon(sky):
        number, struck = 0, True
        while struck:
            one, two = f"one {number}", f"two {number}"
            Fault(sqlite3.SQLITE_FULL, "COMMIT", skip=number, times=ALL).arm(sky.weather)
            with contextlib.suppress(CcmuxError):
                sky.send(one)
            sky.write(two)
            asked = [one, two] if one in sky.sent else [two]
            until(lambda: Fault.hits(sky.weather) > 1 or _all_done(sky, asked), "it strikes, or all is done")
            struck = Fault.hits(sky.weather) > 0
            if struck:
                until(lambda: tells(sky), "the status tells")
            Fault.calm(sky.weather)
            sky.answered(*asked)
            number += 3
        assert number > 8, "there are more transactions than that in two messages"
        sky.all_once()


def _all_done(sky: Sky, texts: Sequence[str]) -> bool:
    """Every answer is read, and marked."""
    return all(map(sky.replies, texts)) and not sky.sql(
        "SELECT 1 FROM outbox WHERE delivered_at IS NULL AND channel != 'report'"
    )


def test_a_disk_that_fails_at_the_nth_transaction_of_a_daemon(sky: Sky) -> None:
    """From its first one on: what waited in the journal when it began is delivered all the same."""
    sky.make()
    sky.launch()
    struck = number = 0
    while struck == number:
        sky.unread()
        sky.insist(f"before {number}")
        until(lambda: sky.state(f"before {number}") == "done", "answered, and nobody has read it")
        sky.kill_daemon()
        Fault(sqlite3.SQLITE_IOERR_FSYNC, skip=number).arm(sky.weather)
        sky.launch()
        until(lambda: _all_done(sky, [f"before {number}"]), "it is answered")
        number += 1
        struck += bool(Fault.hits(sky.weather))
    Fault.calm(sky.weather)
    assert number > 1, "there are more transactions than that at a start"
    sky.all_once()


# replies


def test_a_reply_whose_mark_cannot_be_written_is_not_written_twice(sky: Sky) -> None:
    sky.make()
    sky.launch()
    sky.unread()
    sky.send("one")
    until(lambda: sky.state("one") == "done", "answered, and nobody reads")
    Fault(sqlite3.SQLITE_FULL, "WRITE", times=ALL).arm(sky.weather)
    sky.read()
    sky.answered("one")
    until(lambda: Fault.hits(sky.weather) > 2, "the mark is tried again and again")
    until(lambda: tells(sky), "the status tells")
    assert sky.replies("one") == 1
    Fault.calm(sky.weather)
    sky.all_once()


def test_a_kill_before_the_mark_gives_the_reply_once_more_at_most(sky: Sky) -> None:
    sky.make()
    sky.launch()
    sky.unread()
    sky.send("one")
    until(lambda: sky.state("one") == "done", "answered, and nobody reads")
    Fault(sqlite3.SQLITE_FULL, "WRITE", times=ALL).arm(sky.weather)
    sky.read()
    sky.answered("one")
    until(lambda: Fault.hits(sky.weather) > 1, "it cannot be marked")
    sky.kill_daemon()
    Fault.calm(sky.weather)
    sky.launch()
    sky.send("two")
    sky.answered("two")
    assert sky.replies("one") == 2
    assert [sky.prompts("one"), sky.prompts("two"), sky.replies("two")] == [1, 1, 1]


# the link


def _speak(sky: Sky, **frame: object) -> None:
    with open(sky.paths.run / "in.x", "wb", buffering=0) as fifo:
        fifo.write(json.dumps({"v": 1, **frame}).encode() + b"\n")


def test_a_peer_of_the_link_is_told_to_try_again(sky: Sky) -> None:
    sky.make()
    sky.launch()
    sky.unread()
    os.mkfifo(sky.paths.run / "in.x", 0o600)
    sky.read("x")
    _speak(sky, hello="me")
    until(lambda: [one for one in sky.lines("x") if "hello" in one], "it says hello, too")
    Fault(sqlite3.SQLITE_FULL, times=ALL).arm(sky.weather)
    _speak(sky, id="p1", part=1, parts=1, text="from the peer")
    until(lambda: [one for one in sky.lines("x") if one.get("nack") == "p1"], "it is not taken")
    (nack,) = [one for one in sky.lines("x") if "nack" in one]
    assert nack["retry"] is True
    assert not [one for one in sky.lines("x") if "ack" in one]
    Fault.calm(sky.weather)

    def taken() -> bool:
        _speak(sky, id="p1", part=1, parts=1, text="from the peer")
        return any(one.get("ack") == "p1" for one in sky.lines("x"))

    until(taken, "it is taken when it comes again")
    until(lambda: sky.replies("from the peer", "x"), "it is answered there")
    _speak(sky, ack=next(one["id"] for one in sky.lines("x") if "reply_to" in one))
    until(
        lambda: not sky.sql("SELECT 1 FROM outbox WHERE delivered_at IS NULL AND channel != 'report'"),
        "the answer is acknowledged",
    )
    assert sky.prompts("from the peer") == 1


# real faults


@contextlib.contextmanager
def no_room(pid: int, size: int) -> Iterator[None]:
    """No file of that process grows beyond this size: write(2) says EFBIG, and SQLite an I/O error."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("what", ["journal", "all"])
def test_files_that_cannot_grow(sky: Sky, what: str) -> None:
    """A limit stands for the disk. With `all` the log cannot be written either."""
    sky.make(delay=0.3)
    sky.start()
    with same_daemon(sky):
        sky.send("running")
        until(lambda: sky.happened("asked"), "its turn runs")
        wal = sky.paths.data / "journal.db-wal"
        with no_room(sky.daemon, wal.stat().st_size if what == "journal" else 0):
            refuses(sky, "refused")
            sky.write("held")
            until(lambda: tells(sky), "the status tells")
            until(lambda: sky.happened("told"), "its turn has ended")
            assert sky.state("held") == ""
        sky.answered("running", "held")
        sky.all_once()
        assert sky.prompts("refused") == 0


def test_a_journal_that_may_not_grow(sky: Sky) -> None:
    """SQLite itself finds no page: some transactions still fit, others do not."""
    sky.make("delivery.max_waiting=1000")
    sky.launch()
    with same_daemon(sky):
        (sky.weather / "full").touch()
        with pytest.raises(CcmuxError, match=r"cannot be written: .*full"):
            _send_many(sky)
        sky.write("held")
        (sky.weather / "full").unlink()
        sky.answered("held")
        sky.all_once()


def _send_many(sky: Sky) -> None:
    """More than finds room in the pages that there are."""
    for number in range(100):
        sky.send(f"{number} {'x' * 1000}")


def test_a_journal_that_another_process_holds(sky: Sky) -> None:
    """SQLITE_BUSY, after the seconds that SQLite waits by itself."""
    sky.make()
    sky.start()
    with same_daemon(sky):
        with closing(sqlite3.connect(sky.paths.journal, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refuses(sky, "refused")
            sky.write("held")
            other.execute("ROLLBACK")
        sky.answered("held")
        sky.all_once()
        assert sky.prompts("refused") == 0


def test_a_disk_without_room(sky: Sky) -> None:
    """`data/` is a small file system and full: neither journal nor spool of hooks can be written. A turn runs meanwhile."""
    sky.make(delay=0.3)
    with room_of_its_own(sky, "4m") as data, same_daemon(sky):
        sky.send("running")
        until(lambda: sky.happened("asked"), "its turn runs")
        with (data / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"\0" * 4096)
        with (data / "ballast").open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"\0")
        refuses(sky, "refused " + "x" * 1000)
        sky.write("held " + "x" * 1000)
        until(lambda: tells(sky), "the status tells")
        until(lambda: sky.happened("told"), "its turn has ended, and no hook could say so")
        (data / "ballast").unlink()
        sky.answered(*sky.sent)
        sky.all_once()
        assert sky.prompts("refused " + "x" * 1000) == 0
