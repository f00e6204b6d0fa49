"""What is to be said and done at the service, until it is."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from ccmux.gateways.words import Act, Draft, Place, Priority, Verb
from ccmux.model.ids import new_message_id

_TAKEN_AWAY = "taken away"
_DELETE_WORTH = 6 * 3600.0
OF_ACT = "act:"
"""Before the id of one of our own acts, in place of the service's id of its target."""


@dataclass(frozen=True, slots=True)
class Row:
    """One act and how it stands with it."""

    seq: int
    act: Act
    """with the target as the service calls it, as soon as that is known"""
    name: str
    """of the message that it is about; empty: none"""
    instance: str
    priority: Priority
    state: str
    """waiting, trying, unsure, sent, dead, dropped; blocked: its target is not there yet; orphan: and never will be"""
    probes: int
    native: str
    not_before: float
    expires_at: float
    created: float
    began: float
    """of its first attempt"""
    reason: str

    @property
    def marks(self) -> bool:
        """It changes no text: it may go beside what is said."""
        return self.act.draft.verb in (Verb.REACT, Verb.UNREACT, Verb.TYPING)


def put(
    db: sqlite3.Connection,
    draft: Draft,
    place: Place,
    now: float,
    *,
    name: str = "",
    instance: str = "",
    priority: Priority = Priority.NOTICE,
    target: str = "",
    expires_at: float = 0.0,
    hops: int = 1,
) -> str:
    """Have it done; its id. `target`: the service's id, or `act:` and the id of one of ours."""
    act = new_message_id()
    db.execute(
        "INSERT INTO acts (id, name, instance, room, thread, direct, team, verb, body, plain, target, priority, expires_at,"
        " created, updated, hops) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            act,
            name,
            instance,
            place.room,
            place.thread,
            place.direct,
            place.team,
            draft.verb,
            msgspec.json.encode(draft.body).decode(),
            msgspec.json.encode(draft.plain).decode(),
            target,
            priority,
            expires_at,
            now,
            now,
            hops,
        ),
    )
    return act


_ROW = """SELECT acts.*, coalesce(target_act.native, '') AS target_native, coalesce(target_act.state, '') AS target_state
    FROM acts LEFT JOIN acts AS target_act ON target_act.id = substr(acts.target, 5)"""


_MARKS = "acts.verb IN ('react', 'unreact', 'typing')"
_NEXT = f"""WITH open AS (
    SELECT acts.seq AS seq, acts.room AS room, acts.priority AS priority, {_MARKS} AS marks, row_number() OVER (
        PARTITION BY acts.room, acts.thread, {_MARKS}, acts.priority ORDER BY acts.seq
    ) AS turn
    FROM acts LEFT JOIN acts AS target_act ON target_act.id = substr(acts.target, 5)
    WHERE acts.state IN ('waiting', 'trying', 'unsure')
        AND NOT coalesce(target_act.native = '' AND target_act.state IN ('waiting', 'trying', 'unsure'), 0)
), first AS (
    SELECT seq, row_number() OVER (PARTITION BY room, marks ORDER BY priority, seq) AS turn FROM open WHERE turn <= 3
)
{_ROW} WHERE acts.seq IN (SELECT seq FROM first WHERE turn <= ?) ORDER BY acts.room, acts.priority, acts.seq"""  # noqa: S608 - constants


def next_ones(db: sqlite3.Connection, limit: int = 200) -> list[Row]:
    """What may be done next, in each room what is most urgent first: the first of every conversation. However much waits, it
    is about as much to read.
    """
    return [_row(row) for row in db.execute(_NEXT, (limit,))]


def open_ones(db: sqlite3.Connection) -> list[Row]:
    """Everything that is to be done yet."""
    rows = db.execute(f"{_ROW} WHERE acts.state IN ('waiting', 'trying', 'unsure') ORDER BY acts.seq")
    return [_row(row) for row in rows]


def unbegun(db: sqlite3.Connection, name: str, now: float) -> bool:
    """Drop the latest reaction to a message, if nobody has seen it yet; whether that could be done."""
    row = db.execute(
        "SELECT seq, state, attempt FROM acts WHERE name = ? AND verb = 'react' ORDER BY seq DESC LIMIT 1", (name,)
    )
    found = row.fetchone()
    if found is None or found["state"] != "waiting" or found["attempt"]:
        return False
    db.execute("UPDATE acts SET state = 'dropped', updated = ? WHERE seq = ?", (now, found["seq"]))
    return True


def get(db: sqlite3.Connection, act: str) -> Row | None:
    row = db.execute(f"{_ROW} WHERE acts.id = ?", (act,)).fetchone()
    return None if row is None else _row(row)


def dead(db: sqlite3.Connection) -> list[Row]:
    """What was given up and waits for a person."""
    return [_row(row) for row in db.execute(f"{_ROW} WHERE acts.state = 'dead' ORDER BY acts.seq")]


def begin(db: sqlite3.Connection, act: str, now: float) -> None:
    """An attempt is about to be made: written down before it is."""
    db.execute(
        "UPDATE acts SET state = 'trying', attempt = attempt + 1, updated = ?,"
        " began = CASE began WHEN 0 THEN ? ELSE began END WHERE id = ?",
        (now, now, act),
    )


def sent(db: sqlite3.Connection, act: str, native: str, now: float) -> None:
    db.execute("UPDATE acts SET state = 'sent', native = ?, updated = ? WHERE id = ?", (native, now, act))


def again(db: sqlite3.Connection, act: str, not_before: float, reason: str, now: float) -> None:
    """It was certainly not done: later."""
    db.execute(
        "UPDATE acts SET state = 'waiting', not_before = ?, reason = ?, updated = ? WHERE id = ?",
        (not_before, reason, now, act),
    )


def unsure(db: sqlite3.Connection, act: str, not_before: float, reason: str, now: float, *, probed: bool) -> None:
    """Nobody knows whether it was done: it is looked for at `not_before`. `probed`: it was looked for and not seen."""
    db.execute(
        "UPDATE acts SET state = 'unsure', probes = probes + ?, not_before = ?, reason = ?, updated = ? WHERE id = ?",
        (int(probed), not_before, reason, now, act),
    )


def absent(db: sqlite3.Connection, act: str, now: float) -> None:
    """It was looked for often enough: it is not there, and is tried again."""
    db.execute("UPDATE acts SET state = 'waiting', probes = 0, not_before = 0, updated = ? WHERE id = ?", (now, act))


def plainly(db: sqlite3.Connection, act: str, now: float) -> None:
    """The service does not take the body: the plain one instead."""
    db.execute(
        "UPDATE acts SET body = plain, plain = '{}', state = 'waiting', not_before = 0, updated = ? WHERE id = ?",
        (now, act),
    )


def end(db: sqlite3.Connection, act: str, state: str, reason: str, now: float) -> None:
    """Give it up (`dead`: a person is told) or drop it (it is not worth that)."""
    db.execute("UPDATE acts SET state = ?, reason = ?, updated = ? WHERE id = ?", (state, reason, now, act))


def retry(db: sqlite3.Connection, act: str, now: float) -> bool:
    """Try a dead one again; whether it was dead."""
    changed = db.execute(
        "UPDATE acts SET state = 'waiting', attempt = 0, probes = 0, not_before = 0, expires_at = 0, updated = ?"
        " WHERE id = ? AND state = 'dead'",
        (now, act),
    )
    return changed.rowcount > 0


def replace_waiting(db: sqlite3.Connection, target: str, draft: Draft, now: float) -> bool:
    """Change what a waiting edit of the same target says; whether there was one."""
    changed = db.execute(
        "UPDATE acts SET body = ?, plain = ?, updated = ? WHERE target = ? AND verb = ? AND state = 'waiting'",
        (msgspec.json.encode(draft.body).decode(), msgspec.json.encode(draft.plain).decode(), now, target, draft.verb),
    )
    return changed.rowcount > 0


def progress_of(db: sqlite3.Connection, instance: str) -> list[Row]:
    """The progress messages of an instance that stand there, or will."""
    rows = db.execute(
        f"{_ROW} WHERE acts.instance = ? AND acts.priority = ? AND acts.verb = 'post'"
        " AND acts.state IN ('waiting', 'trying', 'unsure', 'sent') AND acts.reason != ?",
        (instance, Priority.PROGRESS, _TAKEN_AWAY),
    )
    return [_row(row) for row in rows]


def take_away(db: sqlite3.Connection, row: Row, now: float) -> None:
    """Have it deleted, or not posted at all."""
    db.execute(
        "UPDATE acts SET state = 'dropped', updated = ? WHERE target = ? AND state = 'waiting'",
        (now, OF_ACT + row.act.id),
    )
    if row.state == "waiting" and not row.act.attempt:
        end(db, row.act.id, "dropped", _TAKEN_AWAY, now)
        return
    db.execute("UPDATE acts SET reason = ? WHERE id = ?", (_TAKEN_AWAY, row.act.id))
    put(
        db,
        Draft(Verb.DELETE),
        row.act.place,
        now,
        name=row.name,
        instance=row.instance,
        priority=Priority.NOTICE,
        target=OF_ACT + row.act.id,
        expires_at=now + _DELETE_WORTH,
    )


def interrupted(db: sqlite3.Connection, now: float) -> None:
    """At a start: what a killed process was about to do may have been done."""
    db.execute("UPDATE acts SET state = 'unsure', not_before = 0, updated = ? WHERE state = 'trying'", (now,))


def counts(db: sqlite3.Connection) -> dict[str, int]:
    rows = db.execute("SELECT state, count(*) FROM acts WHERE state NOT IN ('sent', 'dropped') GROUP BY state")
    return {row[0]: row[1] for row in rows}


def _without_target(state: str) -> str:
    return "orphan" if state in ("dead", "dropped", "") else "blocked"


def _row(row: sqlite3.Row) -> Row:
    target = row["target_native"] if row["target"].startswith(OF_ACT) else row["target"]
    return Row(
        row["seq"],
        Act(
            row["id"],
            Place(row["room"], row["thread"], bool(row["direct"]), row["team"]),
            Draft(Verb(row["verb"]), msgspec.json.decode(row["body"]), msgspec.json.decode(row["plain"])),
            target,
            row["attempt"],
            row["began"],
            row["hops"],
        ),
        row["name"],
        row["instance"],
        Priority(row["priority"]),
        row["state"] if target or not row["target"] else _without_target(row["target_state"]),
        row["probes"],
        row["native"],
        row["not_before"],
        row["expires_at"],
        row["created"],
        row["began"],
        row["reason"],
    )
