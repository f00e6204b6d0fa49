"""Until when the API refuses: taken from what Claude says, and believed only where it can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.core.limit import LONGEST, epoch_of, is_menu, left, words_of

NOW = datetime(2026, 11, 21, 16, 46, 9, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("You've hit your 5-hour limit · resets 7:09pm (Europe/Berlin)", "2026-11-21T18:10"),
        ("You've hit your weekly limit · resets Nov 25, 5:06am (Europe/Berlin)", "2026-11-25T04:07"),
        ("You've hit your session limit · resets 7pm (Europe/Berlin)", "2026-11-21T18:01"),
        ("resets 12am (UTC)", "2026-11-22T00:01"),
        ("resets 12:30pm (UTC)", "2026-11-22T12:31"),
        ("resets 4:46pm (UTC)", "2026-11-21T16:47"),
        ("resets 4:45pm (UTC)", "2026-11-22T16:46"),
        ("resets Jan 2, 3am (America/New_York)", "2027-01-02T08:01"),
        ("resets 9:15am (Asia/Kathmandu)", "2026-11-22T03:31"),
    ],
)
def test_words_that_are_understood(words: str, expected: str) -> None:
    assert words_of(words, NOW) == at(expected)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "API Error: Request rejected (429) · This request would exceed your account's rate limit",
        "resets soon",
        "resets 7:09pm",
        "resets 7:09pm (Nowhere/AtAll)",
        "resets 7:09pm (../../etc)",
        "resets 77:99pm (UTC)",
        "resets Foo 25, 5am (UTC)",
        "resets Feb 31, 5am (UTC)",
        "resets 19:09 (UTC)",
    ],
)
def test_words_that_are_not(words: str) -> None:
    assert words_of(words, NOW) == 0


@given(st.text(max_size=60))
def test_no_words_are_an_error(text: str) -> None:
    words_of(text, NOW)
    words_of(f"resets {text} (UTC)", NOW)


@given(st.floats(0, 86_300.0), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Havana"]))
def test_what_claude_would_write_is_read_within_a_minute_and_never_early(ahead: float, zone: str) -> None:
    from zoneinfo import ZoneInfo

    then = datetime.fromtimestamp(NOW + ahead, ZoneInfo(zone))
    words = f"resets {then:%I:%M}{'pm' if then.hour >= 12 else 'am'} ({zone})".replace("resets 0", "resets ")
    assert NOW + ahead <= words_of(words, NOW) <= NOW + ahead + 60


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"status": "rejected", "resetsAt": 1795284569, "rateLimitType": "five_hour"}, 1795284569.0),
        ({"resetsAt": 1795284569.5}, 1795284569.5),
        ({}, 0.0),
        (None, 0.0),
        ([], 0.0),
        ("soon", 0.0),
        ({"resetsAt": "1795284569"}, 0.0),
        ({"resetsAt": None}, 0.0),
        ({"resetsAt": True}, 0.0),
        ({"resetsAt": -1}, 0.0),
        ({"resetsAt": float("inf")}, 0.0),
        ({"resetsAt": float("nan")}, 0.0),
    ],
)
def test_the_row_of_a_refusal(limits: Any, expected: float) -> None:
    assert epoch_of(limits) == expected


@given(st.floats(allow_nan=False), st.floats(0, 4e9))
def test_it_is_never_more_than_eight_days(resets_at: float, now: float) -> None:
    assert 0 <= left(resets_at, now) <= LONGEST


MENU = """\
  ⎿  You've hit your weekly limit · resets Nov 25, 5:06am (Europe/Berlin)

❯ /rate-limit-options

────────────────────────────────────────────────────────
  What do you want to do?

  ❯ 1. Stop and wait for limit to reset
    2. Wait here, then continue automatically at Nov 25, 5:06am
    3. Upgrade your plan

  Enter to confirm · Esc to cancel

──────────────────────────────────────────────── ccmux-a ─
"""


def test_the_menu_of_a_limit_and_nothing_else() -> None:
    assert is_menu(MENU)
    assert not is_menu("")
    assert not is_menu(MENU.replace("❯ 1.", "  1.").replace("  2.", "❯ 2."))  # a person has moved the mark
    assert not is_menu(MENU.replace("What do you want", "Do you want"))
    assert not is_menu("● What do you want to do? 1. Stop and wait for limit to reset\n\n Esc to cancel")
