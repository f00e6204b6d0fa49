"""`ccmux run NAME`: open everything in order, one TaskGroup, close in reverse. If a part dies the daemon dies, and whoever
started it starts it again: everything that counts is in the journal.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from ccmux.approvals.desk import Approvals
from ccmux.claude import launch
from ccmux.config import changed
from ccmux.config.load import load
from ccmux.daemon import lifespan, systemd
from ccmux.daemon.budget import Budget
from ccmux.daemon.commands import Commands
from ccmux.daemon.control import Control
from ccmux.daemon.driver import Driver
from ccmux.daemon.housekeeping import Housekeeping
from ccmux.daemon.hub import Hub
from ccmux.daemon.intake import Intake
from ccmux.daemon.notify import Notify
from ccmux.daemon.orders import Orders
from ccmux.daemon.outflow import Outflow
from ccmux.daemon.outgoing import Outgoing
from ccmux.daemon.projects import Projects
from ccmux.daemon.record import Record
from ccmux.daemon.reports import Reports
from ccmux.daemon.schedules import Schedules
from ccmux.daemon.session import Session
from ccmux.daemon.supervised import Supervised
from ccmux.daemon.updates import Updates
from ccmux.daemon.usage import Usage
from ccmux.daemon.wiring import Wiring
from ccmux.errors import CcmuxError, NoSuchInstance, UsageError
from ccmux.fifo import pipe
from ccmux.fifo.watch import Watch
from ccmux.hooks import gate
from ccmux.hooks.place import place
from ccmux.journal.database import Database
from ccmux.locks import lock
from ccmux.model.ids import BOSS, LOCAL, PROJECT_REPORT
from ccmux.model.instance import PermissionMode, Role
from ccmux.paths import InstancePaths, shared

log = logging.getLogger(__name__)


def run(name: str, *, no_server: bool = False, stay: bool = False) -> None:
    """Be the daemon of the instance until told to stop. Raises Locked when it has one already.

    `no_server`: a service of its own runs the tmux server; none is started here.
    `stay`: for a manager that would start it again for ever. With wrong configuration it waits until that is changed.
    """
    umask = os.umask(0o077)
    paths = InstancePaths.of(name)
    known = changed.seen(paths)
    try:
        again = _run(paths, umask, no_server=no_server)
    except (UsageError, NoSuchInstance) as error:
        if not stay:
            raise
        log.info("it waits until %s or %s is changed", paths.config, paths.env)
        sys.stderr.write(f"ccmux: {error}\n")
        changed.wait(paths, known)
        again = True
    if again:
        os.umask(umask)
        changed.begin_anew("run", name, *(["--no-server"] if no_server else []), *(["--stay"] if stay else []))


def _run(paths: InstancePaths, umask: int, *, no_server: bool) -> bool:
    """One life; whether to begin anew."""
    manager = systemd.Notifier.from_environment()
    if not paths.config.exists():
        raise NoSuchInstance(paths.name)
    for directory in (paths.run, paths.logs, paths.data, paths.hook_spool, paths.cost_spool, paths.claude):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(paths.lock):
        lifespan.log_to(paths.daemon_log)
        try:
            return asyncio.run(_live(paths, umask, manager, no_server=no_server))
        except CcmuxError as error:
            log.error("the daemon ends: %s", error)  # noqa: TRY400 - the sentence says it all
            lifespan.leave_word(paths.last_word, error.what)
            raise
        except BaseExceptionGroup as group:
            log.exception("the daemon ends")
            ours = _first(group)
            if ours is None:
                raise
            lifespan.leave_word(paths.last_word, ours.what)
            raise ours from group


async def _live(paths: InstancePaths, umask: int, manager: systemd.Notifier, *, no_server: bool) -> bool:
    """Live until told to stop; whether to begin anew."""
    spec = load(paths.config)
    hub = Hub()
    lifespan.on_signals(hub.stopping, hub.changed)
    if spec.claude.permission_mode is PermissionMode.BYPASS:
        log.warning("bypassPermissions: nobody is asked before a tool is used")
    _make_sockets_directory(paths)
    pipe.make(paths.run / f"in.{LOCAL}")
    pipe.make(paths.run / f"out.{LOCAL}")
    gate.make(paths.gate)
    place(paths.hooks)
    launch.keep_key(paths, spec, os.environ)
    async with AsyncExitStack() as stack:
        db = Database(paths.journal, hub.tell_watchers)
        stack.push_async_callback(db.close)
        session = Session(paths, spec, hub.change, umask, no_server=no_server)
        outgoing = Outgoing(paths.outgoing, launch.work_directory(paths, spec), spec.delivery.max_file_bytes)
        orders = Orders(session, db, hub)
        usage = Usage(paths, spec.timezone, db)
        driver = Driver(
            session, Record(db, hub, outgoing), hub, orders, usage=usage, budget=Budget(spec.budget, usage, db, hub)
        )
        await driver.recover()
        intake = Intake(paths.run, db, driver, hub)
        approvals = Approvals(paths.name, db, spec, hub.told)
        hub.approvals = lambda: approvals.waiting
        updates = Updates(paths, shared(), driver.renew, lambda: driver.renewed)
        intake.commands = Commands(driver, orders, approvals, hub).carry_out
        schedules = Schedules(paths, spec, intake, db, hub)
        control = Control(driver, intake, db, hub, approvals, schedules=schedules)
        between = _between(paths, driver, db, hub, intake=intake, control=control)
        supervised = Supervised(manager, hub, intake, db)
        watch = _watch(paths, hub, intake)
        stack.push_async_callback(watch.stop)
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(intake.watch_fifos(), name="fifos"),
                group.create_task(intake.pump(), name="intake"),
                group.create_task(Outflow(paths.run, db, hub).run(), name="outflow"),
                group.create_task(session.watch_keys(), name="keys"),
                group.create_task(_relent(hub, db), name="relent"),
                group.create_task(approvals.run(), name="approvals"),
                group.create_task(schedules.run(), name="schedules"),
                *([group.create_task(updates.run(), name="updates")] if spec.claude.follow_updates else []),
                group.create_task(Notify(paths.name, spec.notify, session, hub, shared()).run(), name="notify"),
                group.create_task(supervised.run(), name="supervised"),
                *(group.create_task(one, name="reports") for one in between),
                group.create_task(
                    Housekeeping(db, paths.inbox, spec.journal.keep_days, paths.claude, outgoing).run(),
                    name="housekeeping",
                ),
            ]
            async with control.serving(paths.control_socket):
                log.info("daemon %d of %s is ready", os.getpid(), paths.name)
                paths.last_word.unlink(missing_ok=True)
                await driver.run()
                supervised.stopping()
            for worker in workers:
                worker.cancel()
    log.info("the daemon ended")
    return hub.again


def _between(
    paths: InstancePaths, driver: Driver, db: Database, hub: Hub, *, intake: Intake, control: Control
) -> list[Coroutine[Any, Any, None]]:
    """What a project and the assistant do for each other."""
    spec = driver.spec
    if spec.role is Role.ASSISTANT:
        pipe.make(paths.run / f"in.{PROJECT_REPORT}")
        control.projects = projects = Projects(paths.data / "projects", db, hub)
        intake.take_reports(projects.take)
        return [projects.run()]
    pipe.make(paths.run / f"in.{BOSS}")
    control.reports = reports = Reports(paths.name, spec.report, driver.usage, db, hub)
    return [reports.run(), *([Wiring(paths, db, hub, intake, reports).run()] if spec.report.wire else [])]


async def _relent(hub: Hub, db: Database) -> None:
    """A daemon that is told to stop does not wait for the disk to be well."""
    await hub.stopping.wait()
    db.relent()


def _watch(paths: InstancePaths, hub: Hub, intake: Intake) -> Watch:
    watch = Watch()
    watch.add(paths.home, hub.change, contents=False)  # somebody may wipe `run/`
    watch.add(paths.run, intake.rescan, contents=False)
    watch.add(paths.hook_spool, hub.change, contents=False)
    watch.add(paths.cost_spool, hub.change, contents=False)
    for name in ("sessions", "projects"):
        if not _directory(paths.claude / name):
            continue
        watch.add(paths.claude / name, hub.change, contents=True, recursive=name == "projects")
    watch.start()
    return watch


def _directory(path: Path) -> bool:
    """Have the directory; where something else stands, this Claude keeps none: what needs it falls back."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        log.warning("%s is not a directory: what Claude tells there is not seen", path)
        return False
    return True


def _make_sockets_directory(paths: InstancePaths) -> None:
    """Where `run/` is too deep for a socket, a short directory is used and recorded; it may be gone after a reboot."""
    sockets = paths.sockets()
    if sockets == paths.run:
        return
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = sockets.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or sockets.is_symlink():
        raise CcmuxError(f"{sockets} is not a private directory of this user", fix=f"look at it: ls -ld {sockets}")
    paths.socket_record.write_text(f"{sockets}\n", encoding="utf-8")


def _first(group: BaseExceptionGroup[BaseException]) -> CcmuxError | None:
    """The first of our own errors in a group, if all of them are ours."""
    ours, others = group.split(CcmuxError)
    if ours is None or others is not None:
        return None
    error: BaseException = ours
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, CcmuxError) else None
