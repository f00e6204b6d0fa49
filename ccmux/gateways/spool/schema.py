"""The tables of `spool.db`."""

from __future__ import annotations

from typing import Final

from ccmux.journal.schema import Schema

SPOOL: Final = Schema(
    (
        """
        CREATE TABLE heard (
            seq INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL UNIQUE,
            instance TEXT NOT NULL,
            native TEXT NOT NULL,
            room TEXT NOT NULL,
            thread TEXT NOT NULL,
            direct INTEGER NOT NULL,
            team TEXT NOT NULL,
            ord TEXT NOT NULL,
            at REAL NOT NULL,
            received REAL NOT NULL,
            sender TEXT NOT NULL,
            sender_name TEXT NOT NULL,
            text TEXT NOT NULL,
            files TEXT NOT NULL DEFAULT '[]',
            fetched INTEGER NOT NULL DEFAULT 1,
            offered INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL,
            message_id TEXT NOT NULL DEFAULT '',
            mark TEXT NOT NULL DEFAULT '',
            reason TEXT NOT NULL DEFAULT '',
            hops INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX heard_open ON heard (instance, room, ord) WHERE state = 'kept';
        CREATE INDEX heard_running ON heard (instance) WHERE state = 'taken';
        CREATE INDEX heard_native ON heard (room, native);
        CREATE INDEX heard_received ON heard (received);
        CREATE TABLE acts (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            instance TEXT NOT NULL,
            room TEXT NOT NULL,
            thread TEXT NOT NULL,
            direct INTEGER NOT NULL,
            team TEXT NOT NULL,
            verb TEXT NOT NULL,
            body TEXT NOT NULL,
            plain TEXT NOT NULL,
            target TEXT NOT NULL,
            priority INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting',
            attempt INTEGER NOT NULL DEFAULT 0,
            probes INTEGER NOT NULL DEFAULT 0,
            native TEXT NOT NULL DEFAULT '',
            not_before REAL NOT NULL DEFAULT 0,
            expires_at REAL NOT NULL DEFAULT 0,
            created REAL NOT NULL,
            began REAL NOT NULL DEFAULT 0,
            updated REAL NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            hops INTEGER NOT NULL DEFAULT 1
        );
        CREATE INDEX acts_open ON acts (room, priority, seq) WHERE state IN ('waiting', 'trying', 'unsure');
        CREATE INDEX acts_dead ON acts (seq) WHERE state = 'dead';
        CREATE INDEX acts_name ON acts (name);
        CREATE INDEX acts_progress ON acts (instance) WHERE priority = 3 AND verb = 'post';
        CREATE INDEX acts_updated ON acts (updated);
        CREATE TABLE said (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE asked (approval TEXT PRIMARY KEY, act TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL)
            WITHOUT ROWID;
        CREATE TABLE cursors (room TEXT PRIMARY KEY, ord TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE drops (
            seq INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            room TEXT NOT NULL,
            sender TEXT NOT NULL,
            sender_name TEXT NOT NULL,
            reason TEXT NOT NULL
        );
        CREATE TABLE pairings (
            code TEXT PRIMARY KEY,
            sender TEXT NOT NULL,
            sender_name TEXT NOT NULL,
            team TEXT NOT NULL,
            at REAL NOT NULL,
            told INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        """,
    ),
    1,
)
