"""The schema of the journal and its migrations: one script per version, run in one transaction each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Schema:
    """The scripts of one kind of file, and the oldest version of it whose releases can use the present one."""

    scripts: tuple[str, ...]
    readable_from: int


READABLE_FROM: Final = 5
"""The oldest schema whose releases can use a journal of the present one: whatever came after it was only added. It is
kept in the file (PRAGMA application_id), so that a release can go back after an upgrade."""
MIGRATIONS: Final = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE inbox (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        source_key TEXT UNIQUE,
        channel TEXT NOT NULL,
        sender TEXT NOT NULL,
        text TEXT NOT NULL,
        received_at REAL NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        nonce TEXT NOT NULL DEFAULT '',
        prompt_id TEXT NOT NULL DEFAULT '',
        resumed INTEGER NOT NULL DEFAULT 0,
        reason TEXT NOT NULL DEFAULT '',
        updated_at REAL NOT NULL
    );
    CREATE INDEX inbox_open ON inbox (seq) WHERE state NOT IN ('done', 'rejected', 'dead');
    CREATE INDEX inbox_dead ON inbox (seq) WHERE state = 'dead';
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        reply_to TEXT NOT NULL,
        channel TEXT NOT NULL,
        text TEXT NOT NULL,
        error TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        delivered_at REAL
    );
    CREATE INDEX outbox_open ON outbox (channel, seq) WHERE delivered_at IS NULL;
    CREATE INDEX outbox_reply ON outbox (reply_to, seq);
    CREATE TABLE causes (prompt_id TEXT PRIMARY KEY, message_id TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE tasks (task_id TEXT PRIMARY KEY, message_id TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        message_id TEXT NOT NULL,
        event TEXT NOT NULL,
        detail TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX ledger_message ON ledger (message_id, seq);
    """,
    """
    ALTER TABLE inbox ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
    """,
    """
    ALTER TABLE inbox ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE inbox ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE inbox ADD COLUMN expires_at REAL NOT NULL DEFAULT 0;
    UPDATE inbox SET size = length(CAST(text AS BLOB));
    DROP INDEX inbox_open;
    CREATE INDEX inbox_open ON inbox (seq, sender, size) WHERE state NOT IN ('done', 'rejected', 'dead');
    CREATE INDEX inbox_ended ON inbox (updated_at) WHERE state IN ('done', 'rejected', 'dead');
    CREATE TABLE links (channel TEXT PRIMARY KEY, peer TEXT NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE turns (
        seq INTEGER PRIMARY KEY,
        prompt_id TEXT NOT NULL UNIQUE,
        at REAL NOT NULL,
        cause TEXT NOT NULL,
        message_id TEXT NOT NULL,
        told INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX turns_message ON turns (message_id);
    CREATE TABLE held (sender TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO held SELECT sender, count(*), sum(size) FROM inbox
        WHERE state NOT IN ('done', 'rejected', 'dead') GROUP BY sender;
    CREATE TRIGGER held_more AFTER INSERT ON inbox WHEN new.state NOT IN ('done', 'rejected', 'dead') BEGIN
        INSERT INTO held VALUES (new.sender, 1, new.size)
            ON CONFLICT (sender) DO UPDATE SET rows = rows + 1, bytes = bytes + new.size;
    END;
    CREATE TRIGGER held_again AFTER UPDATE OF state ON inbox
        WHEN old.state IN ('done', 'rejected', 'dead') AND new.state NOT IN ('done', 'rejected', 'dead') BEGIN
        INSERT INTO held VALUES (new.sender, 1, new.size)
            ON CONFLICT (sender) DO UPDATE SET rows = rows + 1, bytes = bytes + new.size;
    END;
    CREATE TRIGGER held_less AFTER UPDATE OF state ON inbox
        WHEN old.state NOT IN ('done', 'rejected', 'dead') AND new.state IN ('done', 'rejected', 'dead') BEGIN
        UPDATE held SET rows = rows - 1, bytes = bytes - new.size WHERE sender = new.sender;
        DELETE FROM held WHERE sender = new.sender AND rows <= 0;
    END;
    """,
    """
    CREATE TABLE approvals (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        code TEXT NOT NULL,
        kind TEXT NOT NULL,
        tool TEXT NOT NULL,
        input TEXT NOT NULL,
        cwd TEXT NOT NULL,
        prompt_id TEXT NOT NULL,
        key TEXT NOT NULL UNIQUE,
        session_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        channel TEXT NOT NULL,
        sender TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        state TEXT NOT NULL,
        decided_by TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT '',
        answers TEXT NOT NULL DEFAULT '[]',
        decided_at REAL
    );
    CREATE INDEX approvals_code ON approvals (code);
    CREATE INDEX approvals_open ON approvals (seq) WHERE state = 'open';
    CREATE TABLE grants (session_id TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (session_id, what)) WITHOUT ROWID;
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        who TEXT NOT NULL,
        what TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is only ever added to'); END;
    CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is only ever added to'); END;
    ALTER TABLE outbox ADD COLUMN about TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE usage_messages (
        id TEXT PRIMARY KEY,
        at REAL NOT NULL,
        model TEXT NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        ours INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX usage_messages_at ON usage_messages (at);
    CREATE TABLE usage_turns (id TEXT PRIMARY KEY, began REAL NOT NULL, ended REAL NOT NULL, ours INTEGER NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX usage_turns_ended ON usage_turns (ended);
    CREATE TABLE usage_cost (seq INTEGER PRIMARY KEY, at REAL NOT NULL, session_id TEXT NOT NULL, usd REAL NOT NULL);
    CREATE INDEX usage_cost_at ON usage_cost (at);
    CREATE TABLE usage_told (session_id TEXT PRIMARY KEY, at REAL NOT NULL, total REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE usage_files (path TEXT PRIMARY KEY, offset INTEGER NOT NULL, since REAL NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE outbox ADD COLUMN files TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE reports_held (seq INTEGER PRIMARY KEY, at REAL NOT NULL, weighty INTEGER NOT NULL, report TEXT NOT NULL);
    CREATE TABLE reports_due (message_id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TRIGGER reports_due_more AFTER UPDATE OF state ON inbox WHEN new.channel = 'boss'
        AND old.state NOT IN ('done', 'rejected', 'dead') AND new.state IN ('done', 'rejected', 'dead') BEGIN
        INSERT OR IGNORE INTO reports_due VALUES (new.id);
    END;
    CREATE TRIGGER reports_due_refused AFTER INSERT ON inbox WHEN new.channel = 'boss' AND new.state = 'rejected' BEGIN
        INSERT OR IGNORE INTO reports_due VALUES (new.id);
    END;
    CREATE TABLE reports (
        seq INTEGER PRIMARY KEY,
        key TEXT UNIQUE,
        project TEXT NOT NULL,
        verified INTEGER NOT NULL,
        received REAL NOT NULL,
        report TEXT NOT NULL
    );
    CREATE INDEX reports_latest ON reports (project, verified, seq);
    """,
)
"""`user_version` n: the first n scripts have run."""
JOURNAL: Final = Schema(MIGRATIONS, READABLE_FROM)
