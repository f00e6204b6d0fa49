"""The journal: what was acknowledged is there after kill -9, whole and in order; what cannot be used says so."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccmux.errors import JournalError, Refused
from ccmux.journal import history, inbox, meta, outbox
from ccmux.journal.connection import connect
from ccmux.journal.database import Database
from ccmux.journal.schema import MIGRATIONS, READABLE_FROM
from ccmux.model.ids import ChannelName, Generation, MessageId, Nonce
from ccmux.model.message import Message, MessageState, Reply

ROOT = Path(__file__).parents[2]
LOCAL = ChannelName("local")
PATIENCE = 60.0


def message(name: str, text: str = "hello", **more: Any) -> Message:
    return Message(MessageId(name), LOCAL, "me", text, 1.5, **more)


def reply(name: str, to: str, channel: str = "local", text: str = "answer", error: str = "") -> Reply:
    return Reply(MessageId(name), MessageId(to), ChannelName(channel), text, error)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "j.db")
    yield made
    await made.close()


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "j.db")) as made:
        yield made


# group commit


async def test_many_at_once_are_all_there_in_order(db: Database) -> None:
    names = [f"m-{n:05d}" for n in range(3000)]
    ids = await asyncio.gather(*(db.run(lambda c, n=n: inbox.put(c, message(n))) for n in names))  # type: ignore[misc]
    assert ids == names
    assert [m.id for m in await db.run(inbox.unended)] == names


async def test_a_failed_work_takes_no_other_with_it(db: Database) -> None:
    def failing(c: sqlite3.Connection) -> None:
        inbox.put(c, message("half"))
        raise ValueError("mine")

    def twice(c: sqlite3.Connection) -> None:
        inbox.put(c, message("m-0"))

    works = [
        db.run(lambda c: inbox.put(c, message("m-0"))),
        db.run(failing),
        db.run(twice),
        db.run(lambda c: c.execute("no sql")),
        db.run(lambda c: inbox.put(c, message("m-1", "\ud800"))),
        db.run(lambda c: inbox.put(c, message("m-2"))),
    ]
    results = await asyncio.gather(*works, return_exceptions=True)
    assert results[0] == "m-0"
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], JournalError)
    assert isinstance(results[3], JournalError)
    assert isinstance(results[4], UnicodeEncodeError)
    assert results[5] == "m-2"
    assert [m.id for m in await db.run(inbox.unended)] == ["m-0", "m-2"]


RUDE = """
import asyncio, sqlite3, sys
from pathlib import Path
from ccmux.journal.database import Database

def rude(c):
    c.execute("ROLLBACK")
    raise ValueError("mine")

async def main(path):
    db = Database(path)
    await asyncio.wait_for(asyncio.gather(db.run(rude), return_exceptions=True), 5)
    print(await asyncio.wait_for(db.run(lambda c: 7), 5))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_work_that_ends_the_transaction_does_not_stop_the_journal(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", RUDE, str(tmp_path / "j.db")]
    run = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert run.stdout == "7\n"


async def test_a_cancelled_caller_takes_no_other_with_it(db: Database) -> None:
    tasks = [
        asyncio.create_task(db.run(lambda c, n=n: inbox.put(c, message(f"m-{n}"))))  # type: ignore[misc]
        for n in range(100)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[1::2] == [f"m-{n}" for n in range(1, 100, 2)]


async def test_close_commits_what_waits_and_may_be_repeated(tmp_path: Path) -> None:
    db = Database(tmp_path / "j.db")
    tasks = [
        asyncio.create_task(db.run(lambda c, n=n: inbox.put(c, message(f"m-{n}"))))  # type: ignore[misc]
        for n in range(1000)
    ]
    await asyncio.sleep(0)
    await db.close()
    await db.close()
    assert len(await asyncio.gather(*tasks)) == 1000
    with closing(connect(tmp_path / "j.db")) as again:
        assert inbox.waiting(again) == 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j.db"]  # noqa: ASYNC240


async def test_work_after_close_fails_instead_of_hanging(tmp_path: Path) -> None:
    db = Database(tmp_path / "j.db")
    await db.close()
    with pytest.raises(JournalError):
        await asyncio.wait_for(db.run(inbox.waiting), 2)


# kill -9

WRITER = """
import asyncio, os, sys, random
from pathlib import Path
from ccmux.journal import inbox, meta, outbox
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Message, Reply

async def one(db, name):
    def work(c):
        inbox.put(c, Message(MessageId(name), ChannelName("local"), "me", "x" * random.randint(1, 5000), 0.0))
        outbox.put(c, Reply(MessageId("r" + name), MessageId(name), ChannelName("local"), "answer"), 0.0)
        meta.put(c, "last", name)
    await db.run(work)
    os.write(1, name.encode() + b"\\n")

async def main(path, run):
    db = Database(Path(path))
    n = 0
    while True:
        await asyncio.gather(*(one(db, f"m-{run}-{n + k}") for k in range(20)))
        n += 20

asyncio.run(main(*sys.argv[1:]))
"""


def test_kill_9_loses_nothing_acknowledged_and_tears_nothing(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "j.db", set()
    chance = random.Random(1)  # noqa: S311 - when to kill
    for run in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(run)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(chance.randint(1, 400))]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        acknowledged |= {line.decode().strip() for line in lines if line.endswith(b"\n")}
        if run % 2:  # a reader comes before the recovery, as `ccmux ls` may
            assert history.summary(path)[0].waiting >= len(acknowledged)
            assert history.exchanges(path, 1)[0].replies
    with closing(connect(path)) as db:
        ids = {row[0] for row in db.execute("SELECT id FROM inbox")}
        answered = {row[0] for row in db.execute("SELECT reply_to FROM outbox")}
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert acknowledged <= ids
    assert ids == answered
    assert len(acknowledged) > 20


def test_a_migration_killed_midway_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    script = (
        "import sqlite3,os,sys,signal\ndb=sqlite3.connect(sys.argv[1],isolation_level=None)\n"
        "db.execute('PRAGMA journal_mode=WAL')\ndb.execute('BEGIN IMMEDIATE')\n"
        "for s in sys.argv[2].split(';')[:4]: db.execute(s)\n"
        "db.execute('PRAGMA cache_size=1'); db.execute('PRAGMA user_version=1')\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-I", "-c", script, str(path), MIGRATIONS[0]], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert inbox.waiting(db) == 0


OPENER = """
import os, signal, sys
from pathlib import Path
os.write(1, b"x")
from ccmux.journal.database import connect
connect(Path(sys.argv[1]))
signal.pause()
"""


def test_first_opening_killed_at_any_moment(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / f"{number}.db"
        with subprocess.Popen(
            [sys.executable, "-c", OPENER, str(path)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
        ) as opener:
            assert opener.stdout is not None
            opener.stdout.read(1)
            if number:
                while not path.exists():
                    assert opener.poll() is None
            opener.kill()
        with closing(connect(path)) as db:
            assert inbox.waiting(db) == 0


# what cannot be used


def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path, raw: sqlite3.Connection) -> None:
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    raw.execute(f"PRAGMA application_id = {len(MIGRATIONS) + 1}")
    with pytest.raises(JournalError, match="newer"):
        connect(tmp_path / "j.db")
    assert raw.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1


def test_a_newer_schema_that_only_added_is_used_and_stays_newer(tmp_path: Path, raw: sqlite3.Connection) -> None:
    assert raw.execute("PRAGMA application_id").fetchone()[0] == READABLE_FROM
    raw.execute("CREATE TABLE of_tomorrow (id TEXT)")
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with closing(connect(tmp_path / "j.db")) as db:
        inbox.put(db, message("m-1"))
    assert raw.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
    assert raw.execute("PRAGMA application_id").fetchone()[0] == READABLE_FROM


def test_a_newer_schema_that_says_nothing_of_older_releases_is_refused(tmp_path: Path, raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA application_id = 0")
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(JournalError, match="newer"):
        connect(tmp_path / "j.db")


@pytest.mark.parametrize("damage", ["garbage", "head", "middle", "cut"])
def test_a_damaged_file_is_a_journal_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "j.db"
    with closing(connect(path)) as db:
        for number in range(500):
            inbox.put(db, message(f"m-{number}", "x" * 500))
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content = bytearray(b"this is no database at all " * 100)
    elif damage == "head":
        content[:100] = b"\xff" * 100
    elif damage == "middle":
        content[8192:] = os.urandom(len(content) - 8192)
    else:
        content = content[: len(content) // 2 + 77]
    path.write_bytes(content)
    with pytest.raises(JournalError) as raised:
        connect(path)
    assert str(path) in str(raised.value)
    assert raised.value.fix


def test_a_directory_or_a_missing_place_is_a_journal_error(tmp_path: Path) -> None:
    (tmp_path / "dir.db").mkdir()
    for path in (tmp_path / "dir.db", tmp_path / "none" / "j.db"):
        with pytest.raises(JournalError, match=r"cannot be opened"):
            connect(path)


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from ccmux.errors import JournalError
from ccmux.journal import inbox, history
from ccmux.journal.database import Database
from ccmux.model.ids import ChannelName, MessageId
from ccmux.model.message import Message

if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
async def main(path):
    try:
        db = Database(path)
        await db.run(lambda c: inbox.put(c, Message(MessageId("m"), ChannelName("local"), "me", "x", 0.0)))
    except JournalError as error:
        print("JournalError:", error.what)
    try:
        print("read", history.summary(path)[0].waiting)
    except JournalError as error:
        print("JournalError:", error.what)
asyncio.run(main(Path(sys.argv[1])))
"""


FILE = pytest.param("file")


@pytest.mark.parametrize("what", [FILE, "directory", "unreadable"])
def test_what_may_not_be_written_is_a_journal_error(what: str) -> None:
    directory = Path(tempfile.mkdtemp(prefix="cxj", dir="/tmp"))
    try:
        directory.chmod(0o755)
        with closing(connect(directory / "j.db")) as db:
            inbox.put(db, message("m-1"))
        (directory / "j.db").chmod({"file": 0o444, "directory": 0o644, "unreadable": 0}[what])
        directory.chmod(0o777 if what == "file" and os.geteuid() == 0 else 0o555)
        run = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(directory / "j.db")],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=PATIENCE,
        )
        assert run.stdout.startswith("JournalError: the journal "), run.stderr
        assert "Traceback" not in run.stderr
    finally:
        directory.chmod(0o755)
        shutil.rmtree(directory)


def test_a_failed_opening_leaves_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(b"this is no database at all " * 100)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(JournalError):
            connect(path)
    assert len(os.listdir("/proc/self/fd")) == before


# inbox and outbox


def test_the_same_source_key_is_taken_once(raw: sqlite3.Connection) -> None:
    assert inbox.put(raw, message("m-1", "first"), source_key="k") == "m-1"
    assert inbox.put(raw, message("m-2", "second"), source_key="k", limits=inbox.Limits(1, 10**9, 10**9)) == "m-1"
    assert inbox.put(raw, message("m-3"), source_key="other") == "m-3"
    assert [m.text for m in inbox.unended(raw)] == ["first", "hello"]
    inbox.save(raw, message("m-1", state=MessageState.DONE), 2.0)
    assert inbox.put(raw, message("m-4"), source_key="k") == "m-1"
    assert inbox.put(raw, message("m-5"), source_key="") == "m-5"


async def test_the_same_source_key_at_once(db: Database) -> None:
    ids = await asyncio.gather(
        *(db.run(lambda c, n=n: inbox.put(c, message(f"m-{n}"), source_key="k")) for n in range(50))  # type: ignore[misc]
    )
    assert set(ids) == {MessageId("m-0")}


THREE = inbox.Limits(3, 10**9, 10**9)


def test_bytes_and_rows_of_one_sender_are_bounded_too(raw: sqlite3.Connection) -> None:
    inbox.put(raw, message("m-0", "x" * 60), limits=inbox.Limits(9, 100, 9))
    with pytest.raises(Refused, match="max_waiting_bytes"):
        inbox.put(raw, message("m-1", "ü" * 30), limits=inbox.Limits(9, 100, 9))
    with pytest.raises(Refused, match="max_waiting_per_sender"):
        inbox.put(raw, message("m-1"), limits=inbox.Limits(9, 1000, 1))
    inbox.put(raw, replace(message("m-1"), sender="another"), limits=inbox.Limits(9, 1000, 1))
    assert inbox.waiting(raw) == 2


def test_urgent_messages_are_taken_up_first(raw: sqlite3.Connection) -> None:
    for number, urgent in enumerate((False, True, False, True)):
        inbox.put(raw, replace(message(f"m-{number}"), urgent=urgent))
    assert [m.id for m in inbox.unended(raw)] == ["m-1", "m-3", "m-0", "m-2"]


def test_a_full_queue_refuses(raw: sqlite3.Connection) -> None:
    for number in range(3):
        inbox.put(raw, message(f"m-{number}"), limits=THREE)
    with pytest.raises(Refused):
        inbox.put(raw, message("m-4"), limits=THREE)
    assert inbox.waiting(raw) == 3
    for state in (MessageState.DONE, MessageState.REJECTED, MessageState.DEAD):
        inbox.save(raw, message("m-0", state=state), 2.0)
        assert inbox.waiting(raw) == 2
    inbox.put(raw, message("m-4"), limits=THREE)
    for state in MessageState:
        inbox.save(raw, message("m-1", state=state), 2.0)
        assert inbox.waiting(raw) == (2 if state.ended else 3)
    assert inbox.dead(raw) == 2


def test_a_message_comes_back_as_it_was(raw: sqlite3.Connection) -> None:
    for number, text in enumerate(["", "é\n👩‍👩‍👧\0\x1b", "x" * 1_000_000, "'; DROP TABLE inbox; --"]):
        told = message(f"m-{number}", text)
        inbox.put(raw, told)
        assert inbox.get(raw, told.id) == told
        more = message(
            f"m-{number}",
            text,
            state=MessageState.ACCEPTED,
            attempt=3,
            nonce=Nonce("n"),
            prompt_id="p",
            resumed=True,
            reason="r",
        )
        inbox.save(raw, more, 3.0)
        assert inbox.get(raw, told.id) == more
    assert inbox.get(raw, MessageId("none")) is None


def test_replies_leave_in_order_and_once(raw: sqlite3.Connection) -> None:
    for number in range(5):
        outbox.put(raw, reply(f"r-{number}", f"m-{number % 2}"), 1.0)
        outbox.put(raw, reply(f"s-{number}", "m-9", "slack"), 1.0)
    assert sorted(outbox.channels(raw)) == ["local", "slack"]
    left = []
    while (found := outbox.next_of(raw, LOCAL)) is not None:
        assert outbox.next_of(raw, LOCAL) == found
        left.append(found.id)
        outbox.delivered(raw, found.id, 2.0)
    assert left == [f"r-{number}" for number in range(5)]
    assert outbox.channels(raw) == ["slack"]
    first = outbox.first_to(raw, MessageId("m-1"))
    assert first == reply("r-1", "m-1")
    assert outbox.first_to(raw, MessageId("none")) is None


def test_meta_comes_back(raw: sqlite3.Connection) -> None:
    assert meta.conversation(raw) == meta.Conversation()
    told = meta.Conversation("s", "/t", 2**40, True, Generation("g"))
    meta.save_conversation(raw, told)
    assert meta.conversation(raw) == told
    meta.remember_cause(raw, "p", MessageId("m-1"))
    meta.remember_cause(raw, "p", MessageId("m-2"))
    meta.remember_tasks(raw, ("t", "u"), MessageId("m-1"))
    meta.remember_tasks(raw, ("t",), MessageId("m-2"))
    assert meta.causes(raw) == {"p": "m-2"}
    assert meta.tasks(raw) == {"t": "m-1", "u": "m-1"}


# history


async def test_history_beside_an_open_writer(tmp_path: Path, db: Database) -> None:
    path = tmp_path / "j.db"
    states = list(MessageState)
    for number, state in enumerate(states):
        await db.run(lambda c, n=number: inbox.put(c, message(f"m-{n}")))  # type: ignore[misc]
        await db.run(lambda c, n=number, s=state: inbox.save(c, message(f"m-{n}", state=s), 2.0))  # type: ignore[misc]
    await db.run(lambda c: outbox.put(c, reply("r-1", f"m-{len(states) - 1}"), 1.0))
    await db.run(lambda c: outbox.put(c, reply("r-2", f"m-{len(states) - 1}", error="e"), 1.0))
    await db.run(lambda c: meta.put(c, "session_id", "sid"))
    shown = history.exchanges(path, 3)
    assert [exchange.message.id for exchange in shown] == [f"m-{n}" for n in range(len(states))][-3:]
    assert [r.id for r in shown[-1].replies] == ["r-1", "r-2"]
    queue, session = history.summary(path)
    assert session == "sid"
    assert queue.dead == states.count(MessageState.DEAD)
    assert queue.in_flight == sum(state.in_flight for state in states)
    assert queue.waiting + queue.in_flight + queue.dead == sum(not s.ended or s is MessageState.DEAD for s in states)
    assert history.exchanges(path, 0) == []


def test_history_of_nothing(tmp_path: Path) -> None:
    assert history.exchanges(tmp_path / "j.db", 5) == []
    assert history.summary(tmp_path / "j.db") == (history.Queue(), "")
    assert not (tmp_path / "j.db").exists()
    connect(tmp_path / "j.db").close()
    assert history.exchanges(tmp_path / "j.db", 5) == []
    assert history.summary(tmp_path / "j.db") == (history.Queue(), "")


def test_history_of_a_journal_whose_first_opening_was_killed(tmp_path: Path) -> None:
    (tmp_path / "j.db").touch()
    assert history.exchanges(tmp_path / "j.db", 5) == []
    assert history.summary(tmp_path / "j.db") == (history.Queue(), "")


def test_history_of_a_damaged_journal_is_a_journal_error(tmp_path: Path) -> None:
    (tmp_path / "j.db").write_bytes(b"this is no database at all " * 100)
    for read in (lambda: history.summary(tmp_path / "j.db"), lambda: history.exchanges(tmp_path / "j.db", 5)):
        with pytest.raises(JournalError):
            read()


KILLED = """
import os, sys
from pathlib import Path
from ccmux.journal import meta
from ccmux.journal.database import connect
meta.put(connect(Path(sys.argv[1])), "session_id", "sid")
os.kill(os.getpid(), 9)
"""


def test_history_writes_nothing(tmp_path: Path) -> None:
    """Its word is "Never writes": after kill -9 the WAL is the daemon's to take up."""
    path = tmp_path / "j.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, env={"PYTHONPATH": str(ROOT)})
    wal = path.with_name("j.db-wal")
    before = (path.read_bytes(), wal.read_bytes())
    assert history.summary(path)[1] == "sid"
    assert wal.exists()
    assert (path.read_bytes(), wal.read_bytes()) == before


def test_what_is_held_is_counted_as_it_comes_and_goes(raw: sqlite3.Connection) -> None:
    """The limits are reckoned with these counts; a scan of the queue for every message would be slow."""

    def counted() -> tuple[list[tuple[str, int, int]], list[tuple[str, int, int]]]:
        truth = (
            "SELECT sender, count(*), sum(size) FROM inbox WHERE state NOT IN ('done', 'rejected', 'dead')"
            " GROUP BY sender ORDER BY sender"
        )
        held = raw.execute("SELECT sender, rows, bytes FROM held ORDER BY sender")
        return [tuple(row) for row in held], [tuple(row) for row in raw.execute(truth)]

    held: dict[str, Message] = {}
    draw = random.Random(7)  # noqa: S311 - chance by seed, no secret
    for number in range(300):
        if held and draw.random() < 0.6:
            name = draw.choice(list(held))
            held[name] = replace(held[name], state=draw.choice(list(MessageState)))
            inbox.save(raw, held[name], 2.0)
        else:
            one = message(f"m-{number}", "é" * draw.randrange(9), state=draw.choice(list(MessageState)))
            held[one.id] = replace(one, sender=draw.choice("abc"))
            inbox.put(raw, held[one.id])
        found, truth = counted()
        assert found == truth
