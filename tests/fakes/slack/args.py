"""The arguments of a call, however they came: query string, form, JSON body; values as text or as JSON."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.fakes.slack.values import Json, Refusal


async def read(request: web.Request) -> Json:
    found: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        found |= body
    elif request.method == "POST":
        found |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return found


class Args:
    def __init__(self, given: Json) -> None:
        self._given = given

    def text(self, name: str, default: str = "") -> str:
        value = self._given.get(name)
        return default if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            raise Refusal(error, response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
        return value

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"1", "true"}

    def number(self, name: str, default: int, most: int) -> int:
        try:
            value = int(self.text(name, str(default)))
        except ValueError:
            raise Refusal("invalid_limit") from None
        if value < 1:
            raise Refusal("invalid_limit")
        return min(value, most)

    def parsed(self, name: str, kind: type, error: str) -> Any:
        """A value that is JSON, as such or in a string; None if it was not given."""
        value = self._given.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                value = json.loads(value)
            except ValueError:
                raise Refusal(error) from None
        if value is not None and not isinstance(value, kind):
            raise Refusal(error)
        return value
