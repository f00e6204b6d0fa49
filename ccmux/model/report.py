"""What an instance reports upwards: facts of its own counting, and few words. Nothing else crosses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ReportType(StrEnum):
    """Why a report is sent."""

    STATUS_UPDATE = "status_update"
    HEARTBEAT = "heartbeat"
    TASK_COMPLETED = "task_completed"
    BLOCKED = "blocked"
    BUDGET = "budget"
    SESSION_STARTED = "session_started"
    SESSION_STOPPED = "session_stopped"

    @property
    def weighty(self) -> bool:
        """It is an event of its own: no later report stands in for it."""
        return self not in (ReportType.STATUS_UPDATE, ReportType.HEARTBEAT)


class ReportStatus(StrEnum):
    """What an instance does, as its assistant may know it."""

    ACTIVE = "active"
    IDLE = "idle"
    BUSY = "busy"
    BLOCKED = "blocked"
    LIMITED = "limited"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class Report:
    """One report. The figures are of the present day in the project's time zone."""

    project: str
    ts: str
    """ISO 8601 with offset"""
    type: ReportType
    status: ReportStatus
    current_task: str = ""
    progress: str = ""
    session_tokens_today: int = 0
    session_cost_today: float = 0.0
    """USD, as Claude Code says"""
    active_minutes_today: int = 0
    last_interaction: str = ""
    """ISO 8601 with offset; empty: there was none"""
    alerts: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    """relative names within the project"""
    cut: int = 0
    """parts that were held back"""


def as_object(report: Report) -> dict[str, Any]:
    """The report as its JSON has it; `cut` only where something was."""
    value = asdict(report) | {"alerts": list(report.alerts), "deliverables": list(report.deliverables)}
    if not report.cut:
        del value["cut"]
    return value
