"""Two instances with default settings share nothing, and each answers its own messages, once, in order."""

from __future__ import annotations

import json
import threading

import pytest

from tests.rig import Rig

pytestmark = pytest.mark.real

MESSAGES = 50


def _paths(one: dict[str, object]) -> set[str]:
    return {word for word in json.dumps(one).split('"') if word.startswith("/")}


def test_fifty_messages_to_each_of_two_are_answered_by_the_right_one_once(rig: Rig) -> None:
    names = ["project-a", "project-b"]
    for name in names:
        rig.new(name)
    first, second = (rig.status(name) for name in names)
    assert _paths(first) & _paths(second) == set()
    assert first["session_id"] != second["session_id"]

    ids: dict[str, list[str]] = {name: [] for name in names}

    def talk(name: str) -> None:
        for number in range(MESSAGES):
            ids[name].append(rig.json("send", name, f"{name} number {number}")["id"])
        rig.run("send", name, f"{name} last", "--wait", "--timeout", "240")

    threads = [threading.Thread(target=talk, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for name in names:
        history = rig.history(name)[:MESSAGES]
        assert [one["message"]["id"] for one in history] == ids[name]
        texts = [[reply["text"] for reply in one["replies"]] for one in history]
        assert texts == [[f"You wrote: {name} number {number}"] for number in range(MESSAGES)]
        assert {one["message"]["attempt"] for one in history} == {1}
        lines = [text for text in rig.prompts() if f" id={ids[name][0]}]" in text]
        assert len(set(lines)) == 1
    by_session: dict[str, set[str]] = {}
    for request in rig.standin.requests():
        if request.main:
            session = json.loads(request.body["metadata"]["user_id"])["session_id"]
            by_session.setdefault(session, set()).add(request.text)
    for name, one in zip(names, (first, second), strict=True):
        assert all(name in text for text in by_session[one["session_id"]])
