"""A person is told once for each need."""

from __future__ import annotations

import pytest

from ccmux.core.alarm import Alarm, shared
from ccmux.core.commanded import Commanded, commanded
from ccmux.model.state import InstanceState, Reading

IDLE, BUSY = Reading(InstanceState.IDLE), Reading(InstanceState.BUSY)
ASKING = Reading(InstanceState.WAITING, "approval")
DIALOG = Reading(InstanceState.WAITING, "permission")
LIMITED = Reading(InstanceState.LIMITED, "rate_limit")

Look = tuple[Reading, tuple[str, ...]]


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([(IDLE, ()), (BUSY, ())], []),
        ([(BUSY, ("k3f9",)), (ASKING, ("k3f9",)), (ASKING, ()), (BUSY, ())], ["approval k3f9"]),
        ([(ASKING, ("a",)), (ASKING, ("a", "b")), (ASKING, ("b",))], ["approval a", "approval b"]),
        ([(DIALOG, ()), (DIALOG, ()), (IDLE, ()), (DIALOG, ())], ["waiting: permission"] * 2),
        ([(DIALOG, ("a",))], ["approval a", "waiting: permission"]),
        ([(LIMITED, ()), (BUSY, ()), (LIMITED, ())], ["limited: rate_limit"] * 2),
        ([(Reading(InstanceState.FAULTED), ())], ["faulted"]),
    ],
)
def test_each_need_is_told_once(looks: list[Look], told: list[str]) -> None:
    alarm = Alarm()
    assert [need for reading, asked in looks for need in alarm.seen(reading, asked)] == told


def test_what_comes_from_one_login_is_shared() -> None:
    assert shared("limited: rate_limit")
    assert shared("logged_out: not-logged-in")
    assert not shared("approval k3f9")
    assert not shared("waiting: permission")


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("/status", Commanded("status")),
        ("  /stop  ", Commanded("stop")),
        ("/new", Commanded("new")),
        ("/approve k3f9", Commanded("approve", "k3f9")),
        ("/approve k3f9 2; dark green", Commanded("approve", "k3f9", "2; dark green")),
        ("/deny k3f9 not so", Commanded("deny", "k3f9", "not so")),
        ("/deny", None),
        ("/clear now", None),
        ("/Status", None),
        ("status", None),
        ("//status", None),
        ("/help", None),
        ("/status\n/clear", None),
        ("x /status", None),
        ("", None),
        ("/", None),
    ],
)
def test_the_closed_list_of_orders(line: str, order: Commanded | None) -> None:
    assert commanded(line) == order
