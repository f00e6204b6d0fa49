"""Claude's own files, read while Claude writes them: its session registry and its transcript."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ccmux import processes
from ccmux.claude import registry, transcript
from ccmux.errors import UsageError

SESSION = "0b9e2b7e-0000-4000-8000-000000000001"


def entry(directory: Path, pid: int, **more: Any) -> Path:
    file = directory / "sessions" / f"{pid}.json"
    file.parent.mkdir(exist_ok=True)
    value = {"pid": pid, "sessionId": SESSION, "status": "idle", "procStart": processes.started(pid), **more}
    file.write_text(json.dumps(value), encoding="utf-8")
    return file


def test_the_entry_of_a_living_process(tmp_path: Path) -> None:
    entry(
        tmp_path,
        os.getpid(),
        status="waiting",
        waitingFor="dialog open",
        version="2.1.329",
        statusUpdatedAt=1500,
        new=1,
    )
    found = registry.read(tmp_path, os.getpid())
    assert found is not None
    assert (found.session_id, found.status, found.waiting_for) == (SESSION, "waiting", "dialog open")
    assert (found.version, found.changed_at) == ("2.1.329", 1.5)


def test_the_entry_of_an_earlier_process_with_the_pid(tmp_path: Path) -> None:
    entry(tmp_path, os.getpid(), procStart="12")
    assert registry.read(tmp_path, os.getpid()) is None


def test_an_entry_without_the_start_of_its_process_is_believed(tmp_path: Path) -> None:
    entry(tmp_path, os.getpid(), procStart=None)
    assert registry.read(tmp_path, os.getpid()) is not None


def test_the_entry_of_a_process_that_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as gone:
        entry(tmp_path, gone.pid)
        assert registry.read(tmp_path, gone.pid) is not None
    assert registry.read(tmp_path, gone.pid) is None


def test_the_start_of_a_process_with_an_odd_name(tmp_path: Path) -> None:
    program = tmp_path / "a) R (b"
    program.symlink_to("/bin/cat")
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE) as odd:
        started = processes.started(odd.pid)
        assert started is not None
        assert int(started) > int(processes.started(os.getpid()) or 0) - 1
    assert processes.started(odd.pid) is None


def test_nothing_or_half_of_it_is_none(tmp_path: Path) -> None:
    assert registry.read(tmp_path, os.getpid()) is None
    file = entry(tmp_path, os.getpid(), cwd="/plain")
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at])
        assert registry.read(tmp_path, os.getpid()) is None, whole[:at]
    for other in (
        b"[]",
        b"null",
        b"{}",
        b'{"status": 3}',
        b'{"status": ""}',
        b'{"sessionId": null, "status": "idle"}',
        b"\xff",
    ):
        file.write_bytes(other)
        assert registry.read(tmp_path, os.getpid()) is None, other


def test_an_entry_that_is_not_utf8_is_none(tmp_path: Path) -> None:
    file = entry(tmp_path, os.getpid())
    file.write_bytes(b'{"status": "idl\xe9"}')
    assert registry.read(tmp_path, os.getpid()) is None


# the transcript


def test_a_torn_last_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    tail = transcript.Tail(path)
    assert list(tail.lines()) == []
    with path.open("wb", buffering=0) as file:
        file.write(b"one\ntw")
        assert list(tail.lines()) == [b"one\n"]
        assert tail.offset == 4
        assert list(tail.lines()) == []
        file.write("ö\nthree\n".encode())
        assert list(tail.lines()) == ["twö\n".encode(), b"three\n"]
        assert tail.offset == path.stat().st_size
    assert next(transcript.Tail(path, 4).lines()) == "twö\n".encode()


def test_every_tear_gives_every_line_once(tmp_path: Path) -> None:
    path, lines = tmp_path / "t.jsonl", [b'{"n": 1}\n', "é👩‍👩‍👧\r\n".encode(), b"\n", b"last\n"]
    tail, got = transcript.Tail(path), []
    with path.open("wb", buffering=0) as file:
        for byte in b"".join(lines):
            file.write(bytes([byte]))
            got += list(tail.lines())
    assert got == lines


def test_what_was_given_counts_as_read_when_its_reader_stops(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"one\ntwo\nthree\n")
    tail = transcript.Tail(path)
    assert next(tail.lines()) == b"one\n"
    assert list(tail.lines()) == [b"two\n", b"three\n"]


def test_a_truncated_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"one\ntwo\n")
    tail = transcript.Tail(path)
    list(tail.lines())
    path.write_bytes(b"new\n")
    assert list(tail.lines()) == [b"new\n"]
    path.unlink()
    assert list(tail.lines()) == []


def test_a_replaced_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path, other = tmp_path / "t.jsonl", tmp_path / "other"
    path.write_bytes(b"one\ntwo\n")
    tail = transcript.Tail(path)
    list(tail.lines())
    other.write_bytes(b"another beginning\nand its end\n")
    other.replace(path)
    assert list(tail.lines()) == [b"another beginning\n", b"and its end\n"]


def test_find_and_adopt(tmp_path: Path) -> None:
    source, config, work = tmp_path / "person", tmp_path / "config", tmp_path / "wo rk.é"
    folder = source / "projects" / "-some-where"
    (folder / SESSION / "tool-results").mkdir(parents=True)
    (folder / f"{SESSION}.jsonl").write_bytes(b"row\n")
    (folder / SESSION / "tool-results" / "x").write_bytes(b"y")
    assert transcript.find(source, "") is None
    assert transcript.find(config, SESSION) is None
    with pytest.raises(UsageError):
        transcript.adopt(source, config, "none", work)
    adopted = transcript.adopt(source, config, SESSION, work)
    assert transcript.find(config, SESSION) == adopted
    assert adopted.read_bytes() == b"row\n"
    assert adopted.parent.name == transcript.directory_name(work)
    assert (adopted.parent / SESSION / "tool-results" / "x").read_bytes() == b"y"
    assert (folder / f"{SESSION}.jsonl").read_bytes() == b"row\n"
