"""A file for people: three steps, of which only the last shows anything."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from typing import Any, Final

import aiohttp

from ccmux.errors import NotNow, Undeliverable
from ccmux.gateways.slack.api import Api
from ccmux.gateways.slack.files import HOST
from ccmux.gateways.slack.format.names import safe_name
from ccmux.gateways.words import Act

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_MINUTES: Final = 300.0
_OK: Final = 200


def marked(act: Act) -> str:
    """The name under which it is uploaded: it holds our id, by which it is found again. People see the title."""
    stem, dot, ending = title(act).rpartition(".")
    mark = act.id if _ID.fullmatch(act.id) else hashlib.sha256(act.id.encode()).hexdigest()[:32]
    return f"{stem}.{mark}.{ending}" if dot else f"{ending}.{mark}"


def title(act: Act) -> str:
    return safe_name(str(act.draft.body.get("name") or "file"))


async def upload(api: Api, act: Act) -> str:
    """The file's id. Raises Undeliverable, NotNow, Unsure or Rejected."""
    content = await asyncio.to_thread(_content, act.draft.body)
    told = await api.call("files_getUploadURLExternal", harmless=True, filename=marked(act), length=len(content))
    file, url = str(told.get("file_id") or ""), str(told.get("upload_url") or "")
    if not file or not api.own(url, HOST):
        raise NotNow("Slack gave no address for the file")
    try:
        async with asyncio.timeout(_MINUTES), api.session.post(url, data=content, allow_redirects=False) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NotNow(f"the file was not taken: {type(error).__name__}") from None
    if status != _OK:
        raise NotNow(f"the file was not taken: HTTP {status}")
    where: dict[str, Any] = {"channel_id": act.place.room}
    if act.place.thread:
        where["thread_ts"] = act.place.thread
    comment = str(act.draft.body.get("text") or "")
    if comment:
        where["initial_comment"] = comment
    await api.call("files_completeUploadExternal", harmless=False, files=[{"id": file, "title": title(act)}], **where)
    return file


def _content(body: dict[str, Any]) -> bytes:
    if "content" in body:
        return str(body["content"]).encode()
    path = str(body.get("path") or "")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Undeliverable(f"{path!a} is no file")
            content = file.read()
    except OSError as error:
        raise Undeliverable(f"{path!a} cannot be read: {error.strerror}") from None
    if not content:
        raise Undeliverable(f"{path!a} is empty, and Slack takes no empty file")
    return content
