"""A briefing that a model makes shorter: over the real library, a process of its own, and a server that may do anything."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccmux.standin import StandIn
from ccmux.standin.journal import fingerprint
from tests.double.install import install
from tests.rig import Rig

NAME = "main"
TABLE = {"project": "alpha", "status": "busy", "current_task": "ship it", "alerts": ["disk full"]}


@pytest.fixture
def rig(short_dir: Path, standin: StandIn) -> Iterator[Rig]:
    """The assistant, which nobody starts: a briefing needs no daemon and no Claude to be printed."""
    person = Rig(short_dir, standin, short_dir / "none")
    install(short_dir / "bin" / "claude")
    try:
        person.run("new", NAME, "--no-start")
        with person.paths(NAME).config.open("a") as config:
            config.write("\n[briefing]\ncondense = true\nmodel = 'small'\nmax_tokens = 300\ntimeout = 20\n")
        table(person, TABLE | {"ts": time.time()})
        yield person
    finally:
        person.close()


def table(rig: Rig, *rows: dict[str, Any]) -> None:
    file = rig.paths(NAME).data / "projects" / "dashboard.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def answers(rig: Rig, **step: Any) -> None:
    rig.standin.rules({"match": ".", "main": False, "steps": [step]})


def briefing(rig: Rig) -> dict[str, Any]:
    return dict(rig.json("briefing", NAME, "morning"))


def as_it_is(made: dict[str, Any]) -> None:
    assert not made["condensed"]
    assert "Projects:\n- alpha: busy; ship it" in made["text"]


def env(rig: Rig, text: str) -> None:
    rig.paths(NAME).env.write_text(text)


def test_what_the_model_sees_and_what_comes_of_it(rig: Rig) -> None:
    answers(rig, text="All is \x1b[31mwell.\n\nNothing is stuck.")
    made = briefing(rig)
    assert (made["condensed"], made["why"]) == (True, "")
    head, rest = made["text"].split("\n\nAlerts:\n")
    assert head.startswith("Morning briefing, ")
    assert rest == "- alpha: disk full\n\nAll is well.\n\nNothing is stuck."  # an alert stays word for word
    (asked,) = rig.standin.requests()
    assert (asked.method, asked.path) == ("POST", "/v1/messages")
    assert (asked.body["model"], asked.body["max_tokens"]) == ("small", 300)
    assert asked.credential_sha == fingerprint("sk-ant-test-of-ccmux")
    (message,) = asked.body["messages"]
    assert "- alpha: busy; ship it" in str(message["content"])
    assert str(rig.home) not in json.dumps(asked.body)
    assert rig.run("briefing", NAME, "morning").strip() == made["text"]


def test_lm_studio_gets_no_key_of_ours(rig: Rig) -> None:
    answers(rig, text="Short.")
    env(rig, f"ANTHROPIC_API_KEY=sk-ant-secret\nLM_STUDIO_BASE_URL={rig.standin.url}/v1\n")
    assert briefing(rig)["text"].endswith("\n\nShort.")
    (asked,) = rig.standin.requests()
    assert asked.path == "/v1/messages"
    assert asked.credential_sha == fingerprint("lm-studio")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"status": 401, "message": "no such key sk-ant-test-of-ccmux"}, "401"),
        ({"status": 529, "message": "too many", "headers": {"retry-after": "0"}}, "529"),
        ({"text": "I will not.", "stop": "refusal"}, "refusal"),
        ({"text": "It begins", "stop": "max_tokens"}, "max_tokens"),
        ({"text": " \n "}, "empty"),
        ({"text": "\u202e\u200b"}, "empty"),
        ({"drop": 0}, "onnection"),
    ],
)
def test_whatever_fails_it_goes_out_as_it_is(rig: Rig, step: dict[str, Any], why: str) -> None:
    answers(rig, **step, **({"times": 9} if "status" in step or "drop" in step else {}))
    made = briefing(rig)
    as_it_is(made)
    assert why in made["why"]
    assert "sk-ant" not in made["why"]


def test_who_does_not_answer_is_not_waited_for(rig: Rig) -> None:
    answers(rig, text="late", hang=60)
    rig.run("config", "set", NAME, "briefing.timeout", "1")
    begun = time.monotonic()
    made = briefing(rig)
    as_it_is(made)
    assert "within 1 s" in made["why"]
    assert time.monotonic() - begun < 30


@contextlib.contextmanager
def server_that_says(what: bytes) -> Iterator[str]:
    """Its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client:
                        client.recv(100_000)
                        client.sendall(what)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_nobody_listens_or_speaks_something_else_or_sends_elsewhere(rig: Rig) -> None:
    with server_that_says(b"SSH-2.0-x\r\n" + b"\0" * 1000) as url:
        env(rig, f"LM_STUDIO_BASE_URL={url}\n")
        as_it_is(briefing(rig))
    as_it_is(briefing(rig))  # nobody is there any more
    answers(rig, text="from elsewhere")
    there = f"HTTP/1.1 307 x\r\nlocation: {rig.standin.url}/v1/messages\r\ncontent-length: 0\r\n\r\n"
    with server_that_says(there.encode()) as url:
        env(rig, f"ANTHROPIC_API_KEY=sk-ant-secret\nANTHROPIC_BASE_URL={url}\n")
        as_it_is(briefing(rig))
    assert rig.standin.requests() == []


def test_without_a_key_nobody_is_asked(rig: Rig) -> None:
    env(rig, "")
    made = briefing(rig)
    as_it_is(made)
    assert "stands in .env" in made["why"]
    assert rig.standin.requests() == []


def test_it_is_off_and_a_table_that_is_not_one(rig: Rig) -> None:
    rig.run("config", "set", NAME, "briefing.condense", "false")
    as_it_is(briefing(rig))
    file = rig.paths(NAME).data / "projects" / "dashboard.jsonl"
    file.write_bytes(b"\xff\x00\n[]\n{\n" + b"x" * 5_000_000 + b"\n" + json.dumps(TABLE).encode())
    as_it_is(briefing(rig))
    file.unlink()
    assert "No project has reported anything." in briefing(rig)["text"]
    file.symlink_to("/etc/passwd")
    made = briefing(rig)
    assert "No project" in made["text"]
    assert "cannot be read" in made["why"]
    assert rig.standin.requests() == []
    assert "is not running" in (rig.run("briefing", NAME, "morning", "--send", code=4) or rig.stderr)
