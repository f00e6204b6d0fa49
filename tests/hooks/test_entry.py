"""What Claude runs at every hook: whole payloads in order, exit 0 whatever happens, next to nothing imported."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmux.claude import settings
from ccmux.hooks import entry
from ccmux.hooks import spool as spools
from ccmux.hooks.place import place
from ccmux.paths import InstancePaths

ENTRY = Path(entry.__file__)
ARGV = [sys.executable, "-I", "-S", str(ENTRY)]
PATIENCE = 60.0


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    made = tmp_path / "hooks"
    made.mkdir(mode=0o700)
    return made


def run(spool: Path, payload: bytes = b"{}") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*ARGV, str(spool)], input=payload, capture_output=True, check=False, timeout=PATIENCE)


def test_a_payload_is_spooled_and_private(spool: Path) -> None:
    done = run(spool, b'{"hook_event_name": "Stop"}')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    ((file, payload),) = spools.pending(spool)
    assert payload == b'{"hook_event_name": "Stop"}'
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(spool.iterdir()) == [file]


def test_a_big_payload_appears_whole(spool: Path) -> None:
    payload = json.dumps({"text": "é" * 1_000_000}, ensure_ascii=False).encode()
    seen: set[int] = set()
    with subprocess.Popen([*ARGV, str(spool)], stdin=subprocess.PIPE) as hook:
        assert hook.stdin is not None
        for at in range(0, len(payload), 100_000):
            hook.stdin.write(payload[at : at + 100_000])
            seen |= {len(found) for _, found in spools.pending(spool)}
        hook.stdin.close()
        while hook.poll() is None:
            seen |= {len(found) for _, found in spools.pending(spool)}
    assert hook.returncode == 0
    assert seen <= {len(payload)}
    assert [found for _, found in spools.pending(spool)] == [payload]


def test_fifty_at_once_give_fifty_files(spool: Path) -> None:
    threads = [threading.Thread(target=run, args=(spool, b"%d" % number)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = list(spools.pending(spool))
    assert sorted(int(payload) for _, payload in found) == list(range(50))
    assert [file.name for file, _ in found] == sorted(file.name for file, _ in found)
    assert len(list(spool.iterdir())) == 50


def test_one_after_the_other_keep_their_order(spool: Path) -> None:
    for number in range(20):
        run(spool, b"%d" % number)
    assert [int(payload) for _, payload in spools.pending(spool)] == list(range(20))


@pytest.mark.parametrize("kind", ["missing", "file", "dangling"])
def test_no_spool_is_no_trouble_for_claude(tmp_path: Path, kind: str) -> None:
    spool = tmp_path / "hooks"
    if kind == "file":
        spool.write_bytes(b"")
    elif kind == "dangling":
        spool.symlink_to(tmp_path / "none")
    done = run(spool)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"ccmux hook: ")
    assert done.stderr.count(b"\n") == 1


@pytest.fixture
def public() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="cxh", dir="/tmp"))
    directory.chmod(0o555)
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


AS_NOBODY = """
import os, sys
entry, spool = sys.argv[1:]
code = compile(open(entry).read(), entry, "exec")
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
sys.argv = [entry, spool]
exec(code, {"__name__": "__main__"})
"""


def test_a_read_only_spool_is_no_trouble_for_claude(public: Path) -> None:
    argv = [sys.executable, "-I", "-S", "-c", AS_NOBODY, str(ENTRY), str(public)]
    done = subprocess.run(argv, input=b"{}", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"Permission denied" in done.stderr
    assert list(public.iterdir()) == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
@pytest.mark.parametrize("missing", [False, True])
def test_closed_streams_are_no_trouble_for_claude(spool: Path, closed: str, missing: bool) -> None:
    assert closed_streams(spool / "none" if missing else spool, closed) == 0


def test_a_failure_without_stderr_is_no_trouble_for_claude(spool: Path) -> None:
    assert closed_streams(spool / "none", "2>&-") == 0


def closed_streams(spool: Path, closed: str) -> int:
    argv = ["/bin/sh", "-c", f'exec "$0" "$@" {closed}', *ARGV, str(spool)]
    return subprocess.run(argv, check=False, input=b"{}", stderr=subprocess.DEVNULL).returncode


def full_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


def test_a_full_disk_leaves_no_half_file(spool: Path) -> None:
    """A file-size limit stands for the full disk: the write fails after a part."""
    argv = [*ARGV, str(spool)]
    done = subprocess.run(argv, input=b"x" * 50_000, capture_output=True, check=False, preexec_fn=full_disk)
    assert done.returncode == 0
    assert done.stderr.startswith(b"ccmux hook: ")
    assert list(spools.pending(spool)) == []
    assert list(spool.iterdir()) == []


def test_a_killed_hook_shows_nothing(spool: Path) -> None:
    with subprocess.Popen([*ARGV, str(spool)], stdin=subprocess.PIPE) as hook:
        assert hook.stdin is not None
        hook.stdin.write(b"half")
        hook.stdin.flush()
        while not list(spool.iterdir()):
            assert hook.poll() is None
        hook.kill()
    assert list(spools.pending(spool)) == []


def test_next_to_nothing_is_imported(spool: Path) -> None:
    argv = [sys.executable, "-I", "-S", "-X", "importtime", str(ENTRY), str(spool)]
    shown = subprocess.run(argv, input=b"{}", capture_output=True, check=True)
    names = {line.rpartition(b"|")[2].strip().decode() for line in shown.stderr.splitlines()[1:]}
    python = {
        "_frozen_importlib_external", "zipimport", "marshal", "posix", "winreg", "time", "_io", "_thread", "_weakref",
        "_codecs", "codecs", "encodings", "encodings.aliases", "encodings.utf_8", "_signal", "_abc", "abc", "io",
        "_stat", "stat", "_collections_abc", "genericpath", "posixpath", "os.path", "os", "_imp", "_warnings",
        "encodings.ascii", "encodings.latin_1",
    }  # fmt: skip
    assert names <= python
    assert len(list(spools.pending(spool))) == 1


def test_the_command_of_the_hook_runs_from_any_place(tmp_path: Path) -> None:
    home = tmp_path / "a 'home' with $(touch x) in it"
    paths = InstancePaths("x", home)
    paths.hook_spool.mkdir(parents=True)
    place(paths.hooks)
    (tmp_path / "os.py").write_text("raise SystemExit('taken from the working directory')\n", encoding="utf-8")
    env = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "os.py")}
    done = subprocess.run(
        ["/bin/sh", "-c", settings.hook_command(paths)],
        input=b"{}",
        cwd=tmp_path,
        env=env,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(list(spools.pending(paths.hook_spool))) == 1
    assert not (tmp_path / "x").exists()


def test_a_payload_that_vanishes_is_passed_over(spool: Path) -> None:
    for number in range(3):
        run(spool, b"%d" % number)
    names = sorted(spool.iterdir())
    seen = spools.pending(spool)
    next(seen)
    names[1].unlink()
    assert [file for file, _ in seen] == [names[2]]
    (spool / ".0123").write_bytes(b"half")
    (spool / "note.txt").write_bytes(b"other")
    assert len(list(spools.pending(spool))) == 2


def test_the_programs_in_the_home_are_of_this_release_and_run_by_this_python(tmp_path: Path) -> None:
    directory = tmp_path / "hook"
    place(directory)
    (directory / "entry.py").write_text("of an older release", encoding="utf-8")
    (directory / "python").unlink()
    (directory / "python").symlink_to("/nowhere/of/an/older/release")
    place(directory)
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    place(directory)
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == before
    assert (directory / "entry.py").read_bytes() == ENTRY.read_bytes()
    argv = [str(directory / "python"), "-I", "-S", str(directory / "permit.py")]
    run = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", env={})
    assert "ModuleNotFoundError" not in run.stderr
