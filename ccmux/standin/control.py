"""The script and the journal for another process: JSON over HTTP, below `/__standin__/`. Nothing here is journaled.

GET  requests?since=N&wait=S  the kept requests after number N; with `wait`, up to S seconds until there is one
POST queue    [STEP, ...]     put behind those in the queue
POST rules    [RULE, ...]     instead of those in force; see `ccmux.standin.script.parse_rule`
POST default  STEP or null
POST reset
"""

import json
from dataclasses import asdict
from urllib.parse import parse_qs, urlsplit

from ccmux.standin.desk import Desk
from ccmux.standin.step import StepError, parse_steps

PREFIX = "/__standin__/"


def answer(desk: Desk, method: str, target: str, raw: bytes) -> tuple[object, int]:
    """Do what is asked; the answer as JSON, and its HTTP status."""
    url = urlsplit(target)
    verb = f"{method} {url.path.removeprefix(PREFIX)}"
    try:
        if verb == "GET requests":
            return _requests(desk, parse_qs(url.query)), 200
        return _script(desk, verb, json.loads(raw or b"null"))
    except (ValueError, RecursionError) as error:
        return {"error": str(error)}, 400


def _requests(desk: Desk, query: dict[str, list[str]]) -> list[dict[str, object]]:
    since = int(query.get("since", ["0"])[0])
    if "wait" in query:
        desk.journal.wait_for(lambda _: True, min(float(query["wait"][0]), 600.0), since)
    return [asdict(request) for request in desk.journal.since(since)]


def _script(desk: Desk, verb: str, value: object) -> tuple[object, int]:
    if verb == "POST reset":
        desk.reset()
        return {"ok": True}, 200
    with desk.lock:
        if verb == "POST queue":
            desk.script.queue.extend(parse_steps(value))
        elif verb == "POST rules":
            if not isinstance(value, list):
                raise StepError("rules are a list")
            desk.script.set_rules(value)
        elif verb == "POST default":
            desk.script.set_default(value)
        else:
            return {"error": f"no control {verb}"}, 404
    return {"ok": True}, 200
