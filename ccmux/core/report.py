"""The gate between a project and its assistant: a closed schema, short words, and nothing that is the project's own.

A wrong type is refused. Words are cut until nothing is left in them that must not cross; what was cut is counted, never told.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from ccmux.core.directive import moment
from ccmux.model.report import Report, ReportStatus, ReportType, as_object

LINE: Final = 140
"""Characters of a task, a progress, an alert."""
NAME: Final = 120
"""Characters of a deliverable."""
MOST: Final = 20
"""Alerts, and deliverables."""
BYTES: Final = 4095
"""Of a whole report: with its LF a line that is never torn."""
_ROUNDS: Final = 8
"""What is left after a part is cut out may be another one; after so many it is all cut."""
_TOKENS: Final = 10**15
_COST: Final = 1e9
_MINUTES: Final = 1500
"""A day has at most 25 hours."""
_LONGEST: Final = 1000
"""Characters that are looked at: no word behind them would be left in a line."""

_BEGIN: Final = r"(?<![A-Za-z0-9])"
"""Of a word, also behind one of a script that sets no blanks."""
_SECRETS: Final = (
    r"-----BEGIN.*",
    r"bearer\s+\S+",
    _BEGIN + r"(?:sk|pk|rk|xox[a-z]|xapp|glpat|npm|pypi|hf)[-_](?=\S*\d)\S{6,}",
    r"\S*(?:sk-(?:ant|proj|svcacct|live|test)|xapp-|gh[opusr]_|github_pat_|xox[a-z]-)\S*",
    r"\S*(?-i:AKIA|ASIA|AIza|EAA|eyJ)[\w.-]{8,}\S*",
    r"\b\w*(?:password|passwd|secret|token|api_?key)\s*[=:]\s*\S+",
    r"(?=[A-Za-z_+/=-]*[0-9])[A-Za-z0-9_+/=-]{24,}",  # long and with a digit: no word of a language
    r"[A-Za-z0-9_+/=-]{48,}",
)
_OFFENDING: Final = re.compile(
    "|".join(
        (
            r"`[^`]*`+",
            r"<[^<>]*>",
            r"[a-z0-9+.-]*://\S*",
            _BEGIN + r"(?:www\.|(?:mailto|javascript|data|file|ssh|tel):)\S+",
            r"[^\s@]*@[^\s@]+",
            *_SECRETS,
            r"\S*\.\.\S*",
            r"\S*\\\S*",
            r"(?<![A-Za-z0-9_.])~\w*(?:/\S*)?",
            r"(?<![\w.)])\.?/+\S+",
            r"(?<![A-Za-z0-9_.)])/+[A-Za-z0-9_.~-]\S*",
            r"\S*/\.\S*",
            r"(?![\d/.,%]+(?:\s|$))[\w.-]+(?:/[\w.-]+){2,}/?",
            _BEGIN + r"[A-Za-z]:/\S*",
        )
    ),
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"[{}$`]|=>|->|\(\)|&&|\|\||#!|::|;[!-~]|[=()\]\"']\s*;|[A-Za-z0-9_]\s*;$|\w\s*=\s*\S"
    r"|\b(?:def|function|lambda|class)\s+\w+\s*[(:]|^\s*(?:sudo|rm|curl|wget|cat|ssh|scp)\s+-",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(r"[\[\]<>|\\^]")
_ELLIPSIS: Final = re.compile(r"(?<=\w)\s?\.{2,}(?=\s|$)")
_DELIVERABLE: Final = re.compile(r"(?:[\w][\w .,()+-]*/){0,8}[\w][\w .,()+-]*")
_TOKEN_IN_NAME: Final = re.compile(r"(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{24,}|[A-Za-z0-9]{48,}")
_IN_NAME: Final = re.compile("|".join((*_SECRETS[:6], r"\.\.", r"\s-")), re.IGNORECASE)
_KNOWN: Final = frozenset(as_object(Report("", "", ReportType.HEARTBEAT, ReportStatus.IDLE, cut=1)))


@dataclass(frozen=True, slots=True)
class Gated:
    """What may cross, and how much was held back of what."""

    report: Report
    cut: dict[str, int] = field(default_factory=dict)
    """field -> parts; `unknown` for fields that no report has"""


@dataclass(frozen=True, slots=True)
class Unfit:
    """It is no report."""

    why: str


def gate(value: object, *, project: str) -> Gated | Unfit:
    """The report that may cross. `project` is who sends it, as the receiver knows it; what the value says is not believed."""
    if not isinstance(value, dict):
        return Unfit("a report is a JSON object")
    wrong = _wrong(value)
    if wrong:
        return Unfit(wrong)
    cut: dict[str, int] = {}

    def words(key: str) -> str:
        text, parts = line(value.get(key) or "")
        _count(cut, key, parts)
        return text

    said = value.get("project", project)
    _count(cut, "project", int(said != project))
    _count(cut, "unknown", sum(key not in _KNOWN for key in value))
    report = Report(
        project=project,
        ts=value["ts"],
        type=ReportType(value["type"]),
        status=ReportStatus(value["status"]),
        current_task=words("current_task"),
        progress=words("progress"),
        session_tokens_today=value.get("session_tokens_today") or 0,
        session_cost_today=value.get("session_cost_today") or 0.0,
        active_minutes_today=value.get("active_minutes_today") or 0,
        last_interaction=value.get("last_interaction") or "",
        alerts=_alerts(value.get("alerts") or [], cut),
        deliverables=_deliverables(value.get("deliverables") or [], cut),
    )
    before = value.get("cut", 0)
    return _fitted(replace(report, cut=min(999, before + sum(cut.values()))), cut)


def line(text: str) -> tuple[str, int]:
    """The words of one line that may cross, and how many parts were cut."""
    text, cut = _plain(text[:_LONGEST] if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0])
    for _ in range(_ROUNDS):
        text, found = _OFFENDING.subn(" ", text)
        cut += found
        if not found:
            break
    else:
        return "", cut
    text = " ".join(text.split())
    if _CODE.search(text):
        return "", cut + 1
    text, found = _MARKUP.subn(" ", text)
    text = " ".join(text.split())
    if found:
        again, more = line(text)
        return again, cut + found + more
    if len(text) > LINE:
        shorter, more = line(text[: LINE - 1].rstrip())
        return shorter and shorter + "…", cut + 1 + more
    return text, cut


def deliverable(name: str) -> str:
    """The relative name if it may cross, else nothing."""
    plain, cut = _plain(name[: NAME + 1])
    plain = plain.strip()
    whole = bool(_DELIVERABLE.fullmatch(plain)) and len(plain) <= NAME and not cut and name.isprintable()
    if not whole or any(part.strip() != part for part in plain.split("/")):
        return ""
    return "" if _IN_NAME.search(plain) or _TOKEN_IN_NAME.search(plain) else plain


def _plain(text: str) -> tuple[str, int]:
    """The text in one line, without characters that steer, hide or look like others; and whether any was there."""
    lines = " ".join(text.replace("\t", " ").splitlines())
    kept = "".join(char for char in lines if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    folded = "…".join(unicodedata.normalize("NFKC", part) for part in kept.split("…"))
    folded = _ELLIPSIS.sub("…", folded)
    return " ".join(folded.split()), int(len(kept) != len(lines))


def _alerts(given: list[str], cut: dict[str, int]) -> tuple[str, ...]:
    found: list[str] = []
    for one in given:
        text, parts = line(one)
        _count(cut, "alerts", parts)
        if text and text not in found:
            found.append(text)
    _count(cut, "alerts", max(0, len(found) - MOST))
    return tuple(found[:MOST])


def _deliverables(given: list[str], cut: dict[str, int]) -> tuple[str, ...]:
    names = [deliverable(one) for one in given]
    found = list(dict.fromkeys(name for name in names if name))
    _count(cut, "deliverables", names.count("") + max(0, len(found) - MOST))
    return tuple(found[:MOST])


def _fitted(report: Report, cut: dict[str, int]) -> Gated:
    """Of one that is too long, the last deliverables and alerts stay behind."""
    while len(msgspec.json.encode(as_object(report))) > BYTES:
        if report.deliverables:
            _count(cut, "deliverables", 1)
            report = replace(report, deliverables=report.deliverables[:-1], cut=min(999, report.cut + 1))
        else:
            _count(cut, "alerts", 1)
            report = replace(report, alerts=report.alerts[:-1], cut=min(999, report.cut + 1))
    return Gated(report, cut)


def _count(cut: dict[str, int], key: str, parts: int) -> None:
    if parts:
        cut[key] = cut.get(key, 0) + parts


def _wrong(value: dict[str, Any]) -> str:
    """Why these are not the fields of a report; empty when they are."""
    for key, kind in (("type", ReportType), ("status", ReportStatus)):
        if value.get(key) not in [*kind]:
            return f"`{key}` must be one of {', '.join(kind)}"
    if moment(value.get("ts")) is None:
        return "`ts` must be a time with its offset, as 2026-03-01T14:30:00+08:00"
    if value.get("last_interaction") and moment(value["last_interaction"]) is None:
        return "`last_interaction` must be a time with its offset"
    for key in ("current_task", "progress", "project"):
        if not isinstance(value.get(key) or "", str):
            return f"`{key}` must be text"
    for key in ("alerts", "deliverables"):
        some = value.get(key) or []
        if not isinstance(some, list | tuple) or not all(isinstance(one, str) for one in some):
            return f"`{key}` must be a list of texts"
    for key, most in (("session_tokens_today", _TOKENS), ("active_minutes_today", _MINUTES), ("cut", 999)):
        count = value.get(key) or 0
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= most:
            return f"`{key}` must be a whole number from 0 to {most}"
    cost = value.get("session_cost_today") or 0
    if not isinstance(cost, int | float) or isinstance(cost, bool) or not math.isfinite(cost) or not 0 <= cost <= _COST:
        return "`session_cost_today` must be a number of USD"
    return ""
