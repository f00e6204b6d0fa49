"""`ccmux new` and `ccmux rm`: the home of an instance, made whole or not at all.

Everything is made in a staging directory that is renamed to the home at the end: the rename is the moment in which the
instance begins to exist. A killed `new` leaves only a staging directory, which the next one, holding its lock, empties.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ccmux.claude import envfile, transcript
from ccmux.claude.binary import find
from ccmux.claude.login import person_login
from ccmux.config.dump import with_values
from ccmux.config.load import load, parse
from ccmux.core.usage import Reader
from ccmux.errors import CcmuxError, ConfigError, UsageError
from ccmux.files import sync_directory, write_private
from ccmux.fleet.templates import render_role
from ccmux.journal import usage
from ccmux.journal.connection import connect
from ccmux.journal.meta import Conversation, save_conversation
from ccmux.model.ids import instance_name
from ccmux.model.instance import Role
from ccmux.paths import MAIN, InstancePaths
from ccmux.resources import resource
from ccmux.tmux.server import tmux_binary

_DIRECTORIES = ("data", "data/hooks", "claude", "logs", "work", "run")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked `new` for; empty means the preset's choice."""

    name: str
    directory: str = ""
    git: str = ""
    role: str = ""
    preset: str = ""
    model: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What `new` did."""

    paths: InstancePaths
    created: bool
    taken: tuple[str, ...] = ()
    """names of environment variables that went into `.env`"""


def new(wanted: Wanted, environment: Mapping[str, str]) -> Made:
    """Make the instance's home unless it is there. Of several at once one makes it, the others find it made."""
    paths = InstancePaths.of(instance_name(wanted.name))
    if not paths.home.parent.is_dir():
        raise UsageError(
            f"{paths.home.parent} is not a directory (CCMUX_HOME, or HOME)", fix=f"mkdir -p {paths.home.parent}"
        )
    tmux_binary()
    paths.sockets()  # fails, before anything is made, where no socket would fit
    text = _configuration(wanted, paths)
    if wanted.git and wanted.directory:
        raise UsageError("--dir and --git exclude each other: a clone goes into the instance's own work directory")
    with _staging(paths) as staging:
        if staging is None:
            _check_same(wanted, paths)
            return Made(paths, created=False)
        inside = InstancePaths(paths.name, staging)
        for directory in _DIRECTORIES:
            (staging / directory).mkdir(mode=0o700)
        taken = envfile.taken(environment)
        write_private(inside.env, envfile.render(taken).encode())
        if wanted.git:
            _clone(wanted.git, inside.work)
        spec = parse(text, str(paths.config))
        person_memory = person_login(environment).parent / "CLAUDE.md"
        render_role(inside, spec, person_memory)
        if wanted.resume:
            _adopt(wanted.resume, inside, Path(spec.dir) if spec.dir else paths.work, person_memory.parent)
        write_private(inside.config, text.encode())
        sync_directory(staging)
        staging.rename(paths.home)
        sync_directory(paths.home.parent)
        return Made(paths, created=True, taken=tuple(taken))


def remove(paths: InstancePaths, *, purge: bool) -> Path | None:
    """Remove an instance whose daemon and session have ended. Without `purge` its home is kept aside; returns where."""
    sockets = paths.sockets()
    if sockets != paths.run:
        shutil.rmtree(sockets, ignore_errors=True)
    number = 0
    while True:
        number += 1
        aside = paths.home.with_name(f"{paths.home.name}.removed-{number}")
        if not aside.exists():
            break
    paths.home.rename(aside)
    if not purge:
        return aside
    shutil.rmtree(aside)
    return None


@contextlib.contextmanager
def _staging(paths: InstancePaths) -> Iterator[Path | None]:
    """An empty, locked staging directory; None when the home exists. Waits for another `new` of the same name."""
    staging = paths.home.with_name(paths.home.name + ".new")
    while True:
        if paths.config.exists():
            yield None
            return
        if paths.home.exists():
            raise CcmuxError(
                f"{paths.home} exists and is no instance (it has no ccmux.toml)", fix="move it away, then repeat"
            )
        with contextlib.suppress(FileExistsError):
            staging.mkdir(mode=0o700)
        try:
            fd = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # the one before us has just finished
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if not _same(staging, fd):
                continue  # what we locked has become the home, or was undone
            for entry in staging.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            try:
                yield staging
            except BaseException:  # also Ctrl+C: whatever ended it, nothing half made stays
                if _same(staging, fd):
                    shutil.rmtree(staging)
                raise
            return
        finally:
            os.close(fd)


def _same(path: Path, fd: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _configuration(wanted: Wanted, paths: InstancePaths) -> str:
    """The text of the new ccmux.toml: the preset with what the person said set in it."""
    role = wanted.role or (Role.ASSISTANT if paths.name == MAIN else "")
    preset = _preset(wanted.preset or role or Role.PROJECT)
    text = _read(preset)
    spec = parse(text, str(preset))
    role = role or spec.role
    if (role == Role.ASSISTANT) != (paths.name == MAIN):
        raise UsageError(
            f"there is one assistant and it is called {MAIN}; {paths.name} cannot have the role {role}",
            fix=f"ccmux new {MAIN} --role assistant" if role == Role.ASSISTANT else f"ccmux new {MAIN}",
        )
    changes: dict[str, object] = {"claude.command": str(find(spec.claude.command))}
    if role != spec.role:
        changes["role"] = str(role)
    directory = wanted.directory or spec.dir
    if directory:
        changes["dir"] = str(_directory(directory))
    elif wanted.resume:
        raise UsageError("--resume needs the directory of the conversation", fix="add --dir PATH")
    if wanted.model:
        changes["claude.model"] = wanted.model
    return with_values(text, str(preset), changes)


def _directory(text: str) -> Path:
    directory = Path(text).expanduser().resolve()
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory", fix=f"mkdir -p {directory}")
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise UsageError(f"{directory} cannot be read and written by this user", fix=f"ls -ld {directory}")
    return directory


def _preset(word: str) -> Path:
    """A file that the person named, or one of the presets in `instances/`."""
    file = Path(word).expanduser()
    if file.suffix == ".toml" or "/" in word:
        if not file.exists():
            raise UsageError(f"{file} is not there", fix="name a .toml file, or a preset, as --from project")
        return file.resolve()
    found = resource("instances") / f"{word}.toml"
    if not found.exists():
        known = ", ".join(sorted(path.stem for path in resource("instances").glob("*.toml")))
        raise UsageError(f"there is no preset {word}", fix=f"one of {known}, or the path of a .toml file")
    return found


def _read(preset: Path) -> str:
    load(preset)
    return preset.read_text(encoding="utf-8")


def _check_same(wanted: Wanted, paths: InstancePaths) -> None:
    """`new` of what exists changes nothing, so it must not have been asked for something else."""
    try:
        spec = load(paths.config)
    except ConfigError as error:
        raise ConfigError(
            f"{paths.name} exists, and its configuration is wrong: {error.what}", file=error.file
        ) from error
    differs = []
    if wanted.directory and _directory(wanted.directory) != Path(spec.dir or paths.work).resolve():
        differs.append(f"its directory is {spec.dir or paths.work}")
    if wanted.model and wanted.model != spec.claude.model:
        differs.append(f"its model is {spec.claude.model or 'the default'}")
    if wanted.role and wanted.role != spec.role:
        differs.append(f"its role is {spec.role}")
    if wanted.resume:
        differs.append("it has a conversation of its own")
    if differs:
        raise UsageError(
            f"{paths.name} exists already and {', '.join(differs)}",
            fix=f"ccmux config set {paths.name} KEY VALUE, or another name",
        )


def _clone(url: str, target: Path) -> None:
    """Clone without running anything that the repository or the person's configuration brings."""
    argv = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never"]
    env = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    run = subprocess.run(
        [*argv, "clone", "--quiet", "--", url, str(target)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode:
        raise CcmuxError(
            f"git clone {url} failed: {run.stderr.strip()[-500:]}", fix="nothing was made; mend it and repeat"
        )


def _adopt(session_id: str, inside: InstancePaths, work: Path, person_config: Path) -> None:
    """Take over a conversation of the person's own Claude Code, from its present end on."""
    copied = transcript.adopt(person_config, inside.claude, session_id, work)
    db = connect(inside.journal)
    with contextlib.closing(db):
        db.execute("BEGIN IMMEDIATE")
        save_conversation(db, Conversation(session_id=session_id, cursor=copied.stat().st_size, spoken=True))
        for path in transcript.parts(copied):  # it was used before there was an instance
            tail, reader = transcript.Tail(path), Reader()
            facts = [fact for line in tail.lines() for fact in reader.read(line)]
            usage.put(db, usage.Place(str(path.relative_to(inside.claude)), tail.offset), facts, ours=False)
        db.execute("COMMIT")
