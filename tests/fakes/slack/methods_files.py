"""files.*, and the hosts that take and give the bytes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.slack import blocks
from tests.fakes.slack.acts import shown
from tests.fakes.slack.calls import Call, method
from tests.fakes.slack.values import Channel, File, Json, Refusal
from tests.fakes.slack.web_api import WebApi, bearer

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


@method("files.getUploadURLExternal", "files:write")
def upload_url(call: Call) -> Json:
    name = call.args.need("filename")
    length = call.args.text("length")
    if not length.isdigit() or int(length) == 0:
        raise Refusal("invalid_arguments")
    world = call.slack.world
    file = File(world.new_id("F"), call.bot.team, call.bot.user.id, name, int(length), uuid.uuid4().hex)
    world.files[file.id] = file
    return {"upload_url": f"{call.slack.url}/upload/v1/{file.ticket}", "file_id": file.id}


def _targets(call: Call) -> list[Channel]:
    names = [n for n in [call.args.text("channel_id"), *call.args.text("channels").split(",")] if n]
    found = []
    for name in names:
        channel = call.slack.world.channels.get(name)
        if channel is None or channel.team is not call.bot.team:
            raise Refusal("channel_not_found")
        if call.bot.user.id not in channel.members:
            raise Refusal("not_in_channel" if channel.kind == "channel" else "channel_not_found")
        found.append(channel)
    return found


@method("files.completeUploadExternal", "files:write")
def complete(call: Call) -> Json:
    given = call.args.parsed("files", list, "invalid_arguments")
    if not given:
        raise Refusal("invalid_arguments")
    files = []
    for one in given:
        file = call.slack.world.files.get(one.get("id", ""))
        if file is None or file.content is None or file.user != call.bot.user.id:
            raise Refusal("file_not_found")
        file.title = one.get("title") or file.name
        files.append(file)
    looks = [shown(file, call.slack.url) for file in files]
    placed = call.args.parsed("blocks", list, "invalid_blocks_format")
    blocks.check(placed)
    for channel in _targets(call):
        thread_ts, text = call.args.text("thread_ts"), call.args.text("initial_comment")
        call.slack.acts.share(channel, call.bot, looks, text, thread_ts=thread_ts, blocks=placed)
    return {"files": looks}


@method("files.info", "files:read")
def info(call: Call) -> Json:
    file = call.slack.world.files.get(call.args.need("file", "file_not_found"))
    if file is None or file.team is not call.bot.team or not may_see(call, file):
        raise Refusal("file_not_found")
    channels = call.slack.world.channels
    shares: Json = {}
    for channel, stamps in file.shares.items():
        kind = "public" if channels[channel].kind == "channel" else "private"
        shares.setdefault(kind, {})[channel] = [{"ts": ts} for ts in stamps]
    return {"file": {**shown(file, call.slack.url), "shares": shares}, "comments": []}


def may_see(call: Call, file: File) -> bool:
    inside = (call.bot.user.id in call.slack.world.channels[channel].members for channel in file.shares)
    return file.user == call.bot.user.id or any(inside)


class FileHost:
    """The hosts that take uploads and give downloads; faults name them "upload" and "download"."""

    def __init__(self, slack: FakeSlack, api: WebApi) -> None:
        self._slack = slack
        self._api = api

    async def upload(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        content = await self._content(request)
        record = self._api.record("upload", "", {"ticket": ticket, "size": len(content)})

        def effect() -> web.Response:
            file = next((f for f in self._slack.world.files.values() if f.ticket == ticket), None)
            if file is None or len(content) != file.size:
                return web.Response(status=404 if file is None else 400, text="upload failed")
            file.content = content
            record.effect = True
            return web.Response(text=f"OK - {len(content)}")

        return await self._api.spoiled(request, record, effect)

    @staticmethod
    async def _content(request: web.Request) -> bytes:
        if request.content_type != "multipart/form-data":
            return await request.read()
        for part in (await request.post()).values():
            return part.file.read() if isinstance(part, web.FileField) else str(part).encode()
        return b""

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes for a token that may read them; the page of the login, with status 200, for all others, as in Slack."""
        _, _, file_id = request.match_info["file"].partition("-")
        record = self._api.record("download", bearer(request), {"file": file_id})

        def effect() -> web.Response:
            file = self._slack.world.files.get(file_id)
            grant = self._slack.world.grants.get(record.token)
            if grant is None or grant.trouble or grant.bot is None or "files:read" not in grant.scopes:
                return web.Response(status=302, headers={"Location": f"{self._slack.url}/?redir=files"})
            if file is None or file.content is None or file.team is not grant.bot.team:
                return web.Response(status=404)
            record.effect = True
            kind = str(shown(file, "")["mimetype"])
            return web.Response(body=file.content, content_type=kind)

        return await self._api.spoiled(request, record, effect)

    @staticmethod
    async def login(_request: web.Request) -> web.Response:
        return web.Response(text="<!DOCTYPE html><html><title>Sign in | Slack</title></html>", content_type="text/html")
