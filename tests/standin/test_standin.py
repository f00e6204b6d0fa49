"""The stand-in as an object and as a process: its journal, its control paths, its end."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccmux.standin import StandIn, fingerprint

Ask = Callable[..., Any]


def connect(standin: StandIn) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(standin.url.rsplit(":", 1)[1])), timeout=60)


def post(text: str, *, stream: bool = True) -> bytes:
    body = json.dumps({"stream": stream, "tools": [1], "messages": [{"role": "user", "content": text}]}).encode()
    return b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def test_a_request_is_noted_with_all_but_its_secrets(say: Ask, call: Ask, standin: StandIn) -> None:
    before = time.time()
    say("hello")
    call("/v1/messages", {"messages": []}, x_api_key="sk-ant-1")
    call("/v1/messages", {"messages": []}, authorization="Bearer sk-ant-oat-2", x_other="kept")
    call("/v1/models", x_api_key="sk-ant-1", authorization="Bearer sk-ant-oat-2")
    plain, key, bearer, both = standin.requests()
    assert (plain.n, plain.method, plain.path, plain.main) == (1, "POST", "/v1/messages?beta=true", True)
    assert (plain.text, plain.body["model"], plain.source) == ("hello", "m", "echo")
    assert before <= plain.ts
    assert plain.monotonic <= key.monotonic <= time.monotonic()
    assert (plain.credential_kind, plain.credential_sha) == ("none", "")
    assert (key.main, key.credential_kind, key.credential_sha) == (False, "api_key", fingerprint("sk-ant-1"))
    assert (bearer.credential_kind, bearer.credential_sha) == ("bearer", fingerprint("sk-ant-oat-2"))
    assert bearer.headers["x-other"] == "kept"
    assert bearer.headers["authorization"] == f"<sha256 {fingerprint('sk-ant-oat-2')}>"
    assert (both.credential_kind, both.credential_sha) == ("both", fingerprint("sk-ant-1"))
    assert "sk-ant" not in str(standin.requests())


def test_wait_for_wakes_on_the_request(call: Ask, standin: StandIn) -> None:
    found = []
    waiter = threading.Thread(target=lambda: found.append(standin.wait_for(lambda r: r.path == "/b", 60)))
    waiter.start()
    call("/a")
    call("/b")
    waiter.join()
    assert found == standin.requests()[1:]
    assert standin.wait_for(lambda _: True, 0).path == "/a"
    assert standin.wait_for(lambda _: True, 0, since=1).path == "/b"


def test_wait_for_tells_what_came_instead(call: Ask, standin: StandIn) -> None:
    call("/a")
    with pytest.raises(TimeoutError, match="GET /a"):
        standin.wait_for(lambda _: False, 0)
    with pytest.raises(TimeoutError, match="none at all"):
        standin.wait_for(lambda _: True, 0, since=1)


def test_reset_forgets_the_script_and_the_requests_but_counts_on(say: Ask, standin: StandIn) -> None:
    standin.queue({"text": "queue"}, {"text": "queue"})
    standin.default({"text": "default"})
    assert say("x") == "queue"
    standin.reset()
    assert standin.requests() == []
    assert say("x") == "You wrote: x"
    assert [r.n for r in standin.requests()] == [2]


def test_only_the_newest_requests_are_kept_in_memory_and_all_of_them_in_the_log(tmp_path: Path) -> None:
    with StandIn(log=tmp_path / "log", keep=2) as standin, connect(standin) as connection:
        connection.sendall(b"".join(post(word, stream=False) for word in ("a", "b", "c")))
        standin.wait_for(lambda r: r.text == "c")
        assert [r.text for r in standin.requests()] == ["b", "c"]
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["body"]["messages"][0]["content"] for line in lines] == ["a", "b", "c"]
    assert [line["n"] for line in lines] == [1, 2, 3]


def test_another_process_scripts_it_over_http(say: Ask, call: Ask, standin: StandIn) -> None:
    done = (200, {"ok": True})
    assert call("/__standin__/queue", [{"text": "queue"}]) == done
    assert call("/__standin__/rules", [{"match": "r", "steps": [{"text": "rule"}]}]) == done
    assert call("/__standin__/default", {"text": "default"}) == done
    assert [say("r"), say("r"), say("x")] == ["queue", "rule", "default"]
    status, seen = call("/__standin__/requests?since=1")
    assert (status, [r["source"] for r in seen]) == (200, ["rule 0", "default"])
    assert [r["n"] for r in seen] == [r.n for r in standin.requests(since=1)]
    assert call("/__standin__/reset", method="POST") == done
    assert call("/__standin__/requests") == (200, [])
    assert say("r") == "You wrote: r"
    assert call("/__standin__/requests?since=3&wait=60")[1][0]["source"] == "echo"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("queue", [{"nonsense": 1}], 400),
        ("queue", None, 400),
        ("rules", {"match": "x"}, 400),
        ("rules", [{"match": "("}], 400),
        ("default", [1], 400),
        ("nothing", {}, 404),
    ],
)
def test_wrong_control_requests_say_what_is_wrong(call: Ask, path: str, body: object, status: int) -> None:
    got, reply = call(f"/__standin__/{path}", body, method="POST")
    assert (got, list(reply)) == (status, ["error"])


def test_clients_that_vanish_leave_no_trace(standin: StandIn, say: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    for sent in (b"", b"POST /v1/mess", post("x")[:-5], post('<<standin {"text_size": 5000000}>>')):
        connection = connect(standin)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
        connection.sendall(sent)
        if len(sent) > 100 and sent.endswith(b"}"):
            connection.recv(100)
        connection.close()
    assert say("still there") == "You wrote: still there"
    standin.close()
    assert capfd.readouterr() == ("", "")


def test_close_ends_whatever_goes_on_and_releases_everything() -> None:
    """Idle, delayed, hanging, unread and half-sent requests, and another process that waits."""
    before = set(threading.enumerate())
    with StandIn() as standin:
        silent = [connect(standin) for _ in range(6)]
        silent[1].sendall(post('<<standin {"delay": 3600}>>'))
        silent[2].sendall(post('<<standin {"hang": 3600}>>'))
        silent[3].sendall(post('<<standin {"text_size": 50000000}>>'))
        silent[4].sendall(post("x")[:-5])
        silent[5].sendall(b"GET /__standin__/requests?since=99&wait=3600 HTTP/1.1\r\nHost: x\r\n\r\n")
        for number in (1, 2, 3):
            standin.wait_for(lambda r, number=number: r.n == number)  # type: ignore[misc]
    assert set(threading.enumerate()) == before
    for connection in silent:
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        connect(standin)
    standin.close()
    gc.collect()


def test_it_starts_again_on_the_same_port_with_the_same_script() -> None:
    standin = StandIn()
    standin.queue({"text": "later", "hang": 0.001})
    standin.start()
    url = standin.url
    standin.close()
    with standin, connect(standin) as connection:
        assert standin.url == url
        connection.sendall(post("x", stream=False))
        assert b"later" in connection.recv(65536)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_module_runs_until_a_signal(tmp_path: Path, end: signal.Signals) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "ccmux.standin", "--log", str(log)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        port = int(url.removeprefix("http://127.0.0.1:"))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(post("hello", stream=False))
            assert b"You wrote: hello" in connection.recv(65536)
            second = subprocess.run([*command, "--port", str(port)], capture_output=True, env=environment, check=False)
            assert second.returncode == 1
            assert second.stderr.startswith(b"stand-in: ")
            process.send_signal(end)
            assert process.wait(60) == 0
        assert process.stderr.read() == ""
    assert json.loads(log.read_text())["source"] == "echo"
