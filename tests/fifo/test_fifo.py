"""FIFOs: no byte lost while somebody reads, no line torn, nothing opened that is not a FIFO of ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccmux.errors import CcmuxError
from ccmux.fifo import pipe
from ccmux.fifo import reader as reader_module
from ccmux.fifo.reader import Reader
from ccmux.fifo.watch import Watch
from ccmux.fifo.writer import Writer

PATIENCE = 60.0


async def until(condition: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"never came true: {what}"
        await asyncio.sleep(0.005)


class Reading:
    """A reader and the lines that it gave."""

    def __init__(self, path: Path, limit: int = 100_000) -> None:
        self.lines: list[bytes] = []
        self.reader = Reader(path, self.lines.append, limit)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    made = tmp_path / "in.x"
    pipe.make(made)
    return made


@pytest.fixture
async def reading(path: Path) -> AsyncIterator[Reading]:
    made = Reading(path)
    yield made
    made.reader.close()


async def shell(script: str, *words: str) -> None:
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", script, "sh", *words)
    try:
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


# making and opening


def test_make_is_private_and_may_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "f"
    old = os.umask(0)
    try:
        pipe.make(path)
        path.chmod(0o666)
        pipe.make(path)
    finally:
        os.umask(old)
    assert path.is_fifo()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["file", "link", "directory", "socket", "dangling"])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY])
def test_what_is_no_fifo_is_refused(tmp_path: Path, kind: str, flags: int) -> None:
    path, target = tmp_path / "f", tmp_path / "target"
    if kind == "file":
        path.write_bytes(b"")
    elif kind == "link":
        os.mkfifo(target)
        path.symlink_to(target)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    else:
        path.symlink_to(target)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises((CcmuxError, OSError)):
        pipe.open_fifo(path, flags)
    with pytest.raises(CcmuxError):
        pipe.make(path)
    assert not pipe.is_fifo(path)
    assert not (kind == "dangling" and target.exists())
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_fifo_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    os.mkfifo(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(CcmuxError):
        pipe.open_fifo(path, os.O_RDONLY)


# reading


async def test_lines_come_in_order(path: Path, reading: Reading) -> None:
    await shell('for n in $(seq 1 2000); do echo "line $n"; done >"$1"', str(path))
    await until(lambda: len(reading.lines) >= 2000, "all lines")
    assert reading.lines == [b"line %d" % n for n in range(1, 2001)]


async def test_a_last_line_without_newline_is_a_line(path: Path, reading: Reading) -> None:
    for _ in range(20):
        await shell('printf "a\\nlast" >"$1"', str(path))
        await until(lambda: reading.lines == [b"a", b"last"], "both lines")
        reading.lines.clear()
    assert reading.lines == []


async def test_half_a_line_waits_while_its_writer_stays(path: Path, reading: Reading) -> None:
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, b"first\nhalf")
    await until(lambda: reading.lines == [b"first"], "the first line")
    await shell('printf "%s\\n" " and more" >"$1"', str(path))
    await until(lambda: reading.lines == [b"first", b"half and more"], "glued: the newline was missing")
    os.close(fd)


async def test_a_partial_line_written_while_the_pipe_is_reopened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that comes and goes between the end that was seen and the new descriptor."""
    real, times = pipe.open_fifo, list[int]()

    def open_late(where: Path, flags: int) -> int:
        if len(times) == 1:
            with where.open("wb", buffering=0) as late:
                late.write(b"whole message")
        times.append(1)
        return real(where, flags)

    monkeypatch.setattr(reader_module, "open_fifo", open_late)
    reading = Reading(path)
    try:
        await shell('echo one >"$1"', str(path))
        await until(lambda: len(times) >= 2, "the pipe was opened anew")
        await shell('echo two >"$1"', str(path))
        await until(lambda: b"".join(reading.lines).endswith(b"two"), "all came")
        assert reading.lines == [b"one", b"whole message", b"two"]
    finally:
        reading.reader.close()


async def test_500_echoes_arrive_once_and_none_blocks(path: Path, reading: Reading) -> None:
    script = 'for n in $(seq 1 50); do echo "$2-$n" >"$1"; done'
    await asyncio.gather(*(shell(script, str(path), str(number)) for number in range(10)))
    expected = {f"{a}-{b}".encode() for a in range(10) for b in range(1, 51)}
    await until(lambda: len(reading.lines) >= 500, "all lines")
    assert sorted(reading.lines) == sorted(expected)


async def test_no_wakes_while_nobody_writes(path: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, real = list[int](), os.read

    def read(fd: int, size: int) -> bytes:
        reads.append(fd)
        return real(fd, size)

    monkeypatch.setattr(os, "read", read)
    await shell('echo x >"$1"', str(path))
    await until(lambda: reading.lines == [b"x"], "the line")
    for _ in range(2000):
        await asyncio.sleep(0)
    assert len([fd for fd in reads if fd == reading.reader.fd]) < 20


@pytest.mark.parametrize("tail", [b"\n", b""])
async def test_a_long_line_is_cut_and_the_next_one_whole(path: Path, tail: bytes) -> None:
    reading = Reading(path, limit=1000)
    try:
        with await asyncio.to_thread(path.open, "wb") as writer:
            await asyncio.to_thread(
                writer.write, b"x" * 300_000 + b"\nshort\n" + b"y" * 1000 + b"\n" + b"z" * 1001 + tail
            )
        await until(lambda: len(reading.lines) == 4, "four lines")
        assert reading.lines == [b"x" * 1001, b"short", b"y" * 1000, b"z" * 1001]
    finally:
        reading.reader.close()


async def test_paused_writers_wait_and_nothing_is_lost(path: Path, reading: Reading) -> None:
    reading.reader.pause()
    task = asyncio.create_task(shell('seq 1 50000 >"$1"', str(path)))
    await until(lambda: full(path), "the pipe is full")
    assert reading.lines == []
    assert not task.done()
    reading.reader.resume()
    reading.reader.resume()
    await task
    await until(lambda: len(reading.lines) == 50_000, "all lines")
    assert reading.lines == [b"%d" % n for n in range(1, 50_001)]


def full(path: Path) -> bool:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        return not select.select([], [fd], [], 0)[1]
    finally:
        os.close(fd)


async def test_the_end_of_a_writer_does_not_undo_a_pause(path: Path) -> None:
    lines: list[bytes] = []
    reader: list[Reader] = []

    def on_line(line: bytes) -> None:
        lines.append(line)
        reader[0].pause()

    reader.append(Reader(path, on_line, 1000))
    try:
        await shell('printf partial >"$1"', str(path))
        await until(lambda: lines == [b"partial"], "the line")
        await shell('echo more >"$1"', str(path))
        for _ in range(200):
            await asyncio.sleep(0)
        assert lines == [b"partial"]
    finally:
        reader[0].close()


async def test_deleted_and_made_again(path: Path) -> None:
    first = Reading(path)
    path.unlink()  # noqa: ASYNC240
    pipe.make(path)
    second = Reading(path)
    try:
        assert first.reader.identity != second.reader.identity
        first.reader.close()
        await shell('echo x >"$1"', str(path))
        await until(lambda: second.lines == [b"x"], "the new FIFO is read")
    finally:
        second.reader.close()
        first.reader.close()


async def test_deleted_while_read_ends_quietly(path: Path, reading: Reading) -> None:
    fd = os.open(path, os.O_WRONLY)
    path.unlink()  # noqa: ASYNC240
    os.write(fd, b"last words")
    os.close(fd)
    await until(lambda: reading.lines == [b"last words"], "what was written is read")
    reading.reader.pause()
    reading.reader.resume()


async def test_identity_is_that_of_the_fifo_that_is_read(path: Path, reading: Reading) -> None:
    """`Intake` compares it: a stale one makes it close a good reader, and that moment has none."""
    fd = os.open(path, os.O_WRONLY)
    path.rename(path.with_name("old"))  # noqa: ASYNC240
    pipe.make(path)
    os.close(fd)
    await until(lambda: os.fstat(reading.reader.fd).st_ino == path.stat().st_ino, "the new FIFO is read")
    assert reading.reader.identity == path.stat().st_ino  # noqa: ASYNC240


async def test_close_leaves_no_descriptor(path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        reading = Reading(path)
        await shell('echo x >"$1"', str(path))
        await until(lambda r=reading: r.lines == [b"x"], "the line")  # type: ignore[misc]
        reading.reader.close()
        reading.reader.close()
    assert len(os.listdir("/proc/self/fd")) == before


# writing


async def test_nobody_reads(path: Path) -> None:
    writer = Writer(path)
    assert not await writer.write([b"x\n"])
    path.unlink()  # noqa: ASYNC240
    assert not await writer.write([b"x\n"])
    writer.close()
    writer.close()


async def test_a_reader_that_leaves_midway(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = Writer(path)
    task = asyncio.create_task(writer.write([b"x" * 4000 + b"\n"] * 200))
    await until(lambda: full(path), "the writer waits")
    assert not task.done()
    os.close(fd)
    assert not await asyncio.wait_for(task, PATIENCE)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert await writer.write([b"again\n"])
    assert os.read(fd, 100) == b"again\n"
    writer.close()
    os.close(fd)


async def test_a_cancelled_write_leaves_the_loop_clean(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = Writer(path)
    task = asyncio.create_task(writer.write([b"x" * 4000 + b"\n"] * 200))
    await until(lambda: full(path), "the writer waits")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not asyncio.get_running_loop().remove_writer(writer._fd)
    writer.close()
    os.close(fd)


SLOW_READER = """
import sys, time
got = b""
with open(sys.argv[1], "rb", 0) as file:
    while piece := file.read(3000):
        got += piece
        time.sleep(0.0002)  # slow, that is what it is for
sys.stdout.buffer.write(got)
"""


async def test_a_slow_reader_gets_everything_in_order(path: Path) -> None:
    lines = [b"%06d %s\n" % (n, b"x" * 1016) for n in range(1024)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", SLOW_READER, str(path), stdout=asyncio.subprocess.PIPE
    )
    writer = Writer(path)
    give_up = time.monotonic() + PATIENCE
    while not await writer.write(lines[:1]):
        assert time.monotonic() < give_up
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(writer.write(lines[1:]), PATIENCE)
    writer.close()
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert out == b"".join(lines)


@pytest.mark.parametrize("size", [512, 4096])
async def test_lines_of_pipe_buf_from_four_processes_never_tear(path: Path, reading: Reading, size: int) -> None:
    script = (
        "import asyncio,sys\nfrom pathlib import Path\nfrom ccmux.fifo.writer import Writer\n"
        "async def main(path,who,size):\n w=Writer(Path(path))\n line=who.encode()*(int(size)-1)+b'\\n'\n"
        " assert await w.write([line]*200)\n w.close()\nasyncio.run(main(*sys.argv[1:]))"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(path), who, str(size), env={"PYTHONPATH": str(Path(__file__).parents[2])}
        )
        for who in "abcd"
    ]
    for process in processes:
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    await until(lambda: len(reading.lines) >= 800, "all lines")
    for who in b"abcd":
        assert reading.lines.count(bytes([who]) * (size - 1)) == 200
    assert len(reading.lines) == 800


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_a_writer_writes_into_nothing_but_a_fifo(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "out.x", tmp_path / "target"
    target.write_bytes(b"precious")
    if kind == "link":
        path.symlink_to(target)
    else:
        path = target
    writer = Writer(path)
    with pytest.raises((CcmuxError, OSError)):
        await writer.write([b"x\n"])
    assert target.read_bytes() == b"precious"
    writer.close()


# watching


async def test_watch_tells(tmp_path: Path) -> None:
    entries, contents, deep = tmp_path / "entries", tmp_path / "contents", tmp_path / "deep"
    told = {entries: 0, contents: 0, deep: 0}
    watch = Watch()
    for directory in told:
        directory.mkdir()

        def tell(directory: Path = directory) -> None:
            told[directory] += 1

        watch.add(directory, tell, contents=directory != entries, recursive=directory == deep)
    watch.start()

    async def hears(directory: Path, act: Callable[[], object]) -> None:
        before = told[directory]
        act()
        await until(lambda: told[directory] > before, f"{directory.name} is told")

    try:
        await hears(entries, lambda: os.mkfifo(entries / "in.x"))
        await hears(entries, lambda: (entries / "in.x").rename(entries / "in.y"))
        await hears(entries, (entries / "in.y").unlink)
        with (contents / "grows").open("wb", buffering=0) as file:
            for _ in range(3):
                await hears(contents, lambda: file.write(b"more"))
        (deep / "a").mkdir()
        await until(lambda: told[deep] > 0, "the new directory is told")
        await hears(deep, lambda: (deep / "a" / "new").write_bytes(b"x"))
    finally:
        await watch.stop()
