"""What a person configures: the content of `ccmux.toml`, as values. docs/CONFIG.md describes each key."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from ccmux.model.ids import NAME_PATTERN

Seconds = Annotated[float, Meta(ge=0, le=86400 * 366)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_NAME = NAME_PATTERN.replace("$", r"\Z")
CLAUDE = "claude"
"""`to` of a schedule whose text is a message, and not a line on the channel of that name."""


class Role(StrEnum):
    """What an instance is for. There is one assistant, called `main`."""

    PROJECT = "project"
    ASSISTANT = "assistant"


class PermissionMode(StrEnum):
    """Claude Code's own `--permission-mode` values, and `ask`."""

    ACCEPT_EDITS = "acceptEdits"
    AUTO = "auto"
    BYPASS = "bypassPermissions"
    MANUAL = "manual"
    DONT_ASK = "dontAsk"
    PLAN = "plan"
    ASK = "ask"
    """not Claude's own: people are asked where a turn came from"""


class Inherit(StrEnum):
    """What an instance takes over from the person's own Claude Code configuration."""

    MCP = "mcp"
    SKILLS = "skills"
    CLAUDE_MD = "claude-md"


class OnExceeded(StrEnum):
    """What happens when a day's budget is used up."""

    PAUSE = "pause"
    WARN = "warn"


class Weekday(StrEnum):
    """A day of the week, as cron calls it."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Misfire(StrEnum):
    """What becomes of the times that were missed: the machine slept, no daemon ran."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Briefing(StrEnum):
    """The two of a day."""

    MORNING = "morning"
    EVENING = "evening"


class Heartbeat(StrEnum):
    """How often a project reports although nothing has happened."""

    HOURLY = "hourly"
    DAILY = "daily"
    OFF = "off"


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: an unknown key is an error, not a guess."""


class ClaudeSpec(_Section, frozen=True):
    """`[claude]`: how Claude Code is started. Changes take effect at the next start of the session."""

    command: str = "claude"
    model: str = ""
    effort: str = ""
    args: tuple[str, ...] = ()
    permission_mode: PermissionMode = PermissionMode.ASK
    accept_bypass: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    inherit: tuple[Inherit, ...] = ()
    pass_env: tuple[str, ...] = ()
    login: Annotated[str, Meta(pattern=r"^(auto|shared|own)$")] = "auto"
    follow_updates: bool = True

    def __post_init__(self) -> None:
        """Nobody comes to `bypassPermissions` by a slip of the hand."""
        if self.permission_mode is PermissionMode.BYPASS and not self.accept_bypass:
            raise ValueError(
                "bypassPermissions asks nobody, whatever a message makes Claude do: only in a container or as a user of its"
                " own; say accept_bypass = true beside it"
            )


class TerminalSpec(_Section, frozen=True):
    """`[terminal]`: the tmux window. Takes effect when the tmux server starts."""

    width: Annotated[int, Meta(ge=40, le=1000)] = 160
    height: Annotated[int, Meta(ge=10, le=500)] = 45
    history: Annotated[int, Meta(ge=0, le=200_000)] = 5000


class DeliverySpec(_Section, frozen=True):
    """`[delivery]`: how messages reach Claude. Takes effect at the next start of the daemon."""

    typing_pause: Seconds = 5.0
    patience: Seconds = 120.0
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 5
    max_waiting: Count = 1000
    max_waiting_bytes: Annotated[int, Meta(ge=1000, le=10_000_000_000)] = 50_000_000
    max_waiting_per_sender: Count = 500
    max_message_bytes: Count = 1_000_000
    max_typed_bytes: Annotated[int, Meta(ge=1000, le=1_000_000)] = 32_000
    max_file_bytes: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 20_000_000


class RestartSpec(_Section, frozen=True):
    """`[restart]`: how Claude is brought back. Takes effect at the next start of the daemon."""

    first: Seconds = 0.5
    longest: Seconds = 60.0
    stable: Seconds = 300.0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 5
    window: Seconds = 600.0
    ready_within: Seconds = 15.0
    recycle_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 3000
    recycle_days: Annotated[float, Meta(ge=0, le=3660)] = 0.0


class ApprovalsSpec(_Section, frozen=True):
    """`[approvals]`: questions of Claude's, with `claude.permission_mode = "ask"`. Takes effect at the next start of both."""

    timeout: Annotated[float, Meta(ge=1, le=86400 * 7)] = 3600.0
    operators: tuple[str, ...] = ()


class NotifySpec(_Section, frozen=True):
    """`[notify]`: a word when a person is needed. Takes effect at the next start of the daemon."""

    bell: bool = True
    command: str = ""


class JournalSpec(_Section, frozen=True):
    """`[journal]`: what is remembered. Takes effect at the next start of the daemon."""

    keep_days: Annotated[float, Meta(ge=0, le=36_600)] = 90.0


class BudgetSpec(_Section, frozen=True):
    """`[budget]`: what may be used in a day of `timezone`; 0: no limit. Takes effect at the next start of the daemon."""

    tokens_per_day: Annotated[int, Meta(ge=0, le=10**15)] = 0
    cost_per_day: Annotated[float, Meta(ge=0, le=1_000_000_000)] = 0.0
    minutes_per_day: Annotated[float, Meta(ge=0, le=2000)] = 0.0
    warn_at: Annotated[float, Meta(gt=0, le=1)] = 0.8
    on_exceeded: OnExceeded = OnExceeded.PAUSE


class ScheduleSpec(_Section, frozen=True):
    """`[schedule.NAME]`: what is said when, to Claude or on a channel. Takes effect at the next start of the daemon."""

    enabled: bool = True
    cron: Annotated[str, Meta(max_length=200)] = ""
    at: Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?\Z")] = ""
    days: tuple[Weekday, ...] = ()
    timezone: str = ""
    text: Annotated[str, Meta(max_length=100_000)] = ""
    briefing: Annotated[str, Meta(pattern=r"^(morning|evening)?\Z")] = ""
    to: Annotated[str, Meta(pattern=_NAME)] = CLAUDE
    misfire: Misfire = Misfire.ONCE
    grace: Annotated[float, Meta(ge=60, le=86400 * 7)] = 300.0
    expires: Seconds = 43_200.0

    def __post_init__(self) -> None:
        """A schedule that says no time, two, or one that never comes, would be silent."""
        if bool(self.cron) == bool(self.at):
            raise ValueError('say when: either cron = "0 8 * * 1-5" or at = "08:00"')
        if self.days and not self.at:
            raise ValueError("days go with at; a cron line names its own")
        if bool(self.text.strip()) == bool(self.briefing):
            raise ValueError('say what: either text = "..." or briefing = "morning"')
        if 0 < self.expires < self.grace:
            raise ValueError("expires must be 0 or at least grace: what is still on time must not have expired")
        if self.cron:
            _check_cron(self.cron)
        _check_zone(self.timezone)

    @property
    def line(self) -> str:
        """When, as a cron line."""
        if self.cron:
            return self.cron
        hour, minute = self.at.split(":")
        return f"{int(minute)} {int(hour)} * * {','.join(self.days) or '*'}"


class BriefingSpec(_Section, frozen=True):
    """`[briefing]`: how the texts of `briefing = ...` are made. Takes effect at the next start of the daemon."""

    stale_after: Seconds = 86_400.0
    condense: bool = False
    model: Annotated[str, Meta(max_length=200)] = "claude-haiku-5-5"
    max_tokens: Annotated[int, Meta(ge=100, le=16_000)] = 1000
    timeout: Annotated[float, Meta(ge=1, le=300)] = 20.0


class ReportSpec(_Section, frozen=True):
    """`[report]`: what a project tells the assistant. Takes effect at the next start of the daemon."""

    wire: bool = True
    heartbeat: Heartbeat = Heartbeat.HOURLY
    tokens_alert: Annotated[int, Meta(ge=0, le=10**15)] = 0
    cost_alert: Annotated[float, Meta(ge=0, le=1_000_000_000)] = 0.0
    coalesce: Annotated[float, Meta(ge=0, le=3600)] = 10.0


class InstanceSpec(_Section, frozen=True):
    """The whole of `ccmux.toml`."""

    version: Annotated[int, Meta(ge=1, le=1)] = 1
    role: Role = Role.PROJECT
    dir: str = ""
    timezone: str = ""
    claude: ClaudeSpec = ClaudeSpec()
    terminal: TerminalSpec = TerminalSpec()
    delivery: DeliverySpec = DeliverySpec()
    restart: RestartSpec = RestartSpec()
    journal: JournalSpec = JournalSpec()
    approvals: ApprovalsSpec = ApprovalsSpec()
    notify: NotifySpec = NotifySpec()
    budget: BudgetSpec = BudgetSpec()
    schedule: dict[Annotated[str, Meta(pattern=_NAME)], ScheduleSpec] = {}
    briefing: BriefingSpec = BriefingSpec()
    report: ReportSpec = ReportSpec()

    def __post_init__(self) -> None:
        """A zone that nobody knows would cut no day."""
        _check_zone(self.timezone)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"this machine knows no time zone {name!a}: say an IANA name as Europe/Berlin, or nothing"
        ) from None


def _check_cron(line: str) -> None:
    """Five fields: nobody has something to say to Claude every second."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - 150 kB in every daemon, and few have a schedule

    if len(line.split()) != 5:  # noqa: PLR2004 - minute, hour, day of the month, month, day of the week
        raise ValueError(f"{line!a} is no cron line: five fields, as in 0 8 * * 1-5")
    try:
        found = next(CronSim(line, datetime(2000, 1, 1)), None)  # noqa: DTZ001 - any day of no zone does
    except (CronSimError, AssertionError, TypeError, ValueError) as error:
        raise ValueError(f"{line!a} is no cron line: {error}") from None
    if found is None:
        raise ValueError(f"{line!a} never comes")
