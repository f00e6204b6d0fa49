"""Have a model make a text shorter: the Messages API, or LM Studio, which speaks it too. Never waited for beyond its time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from ccmux.claude.envfile import API_KEY, AUTH_TOKEN, SECRETS, TAKEN
from ccmux.core.briefing import plain_text
from ccmux.model.instance import BriefingSpec

LM_STUDIO: Final = "LM_STUDIO_BASE_URL"
"""In the instance's `.env`: ask there. It gets no key of ours."""
_BASE: Final = "ANTHROPIC_BASE_URL"
_PASSED: Final = frozenset(TAKEN) - {*SECRETS, _BASE}
_HERE: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "TMPDIR")
_MOST = 20_000
"""Characters of the text that are taken."""


class NotCondensed(Exception):
    """Why there is no shorter text. Never more than a word in the log: the text that was is used."""


async def condense(text: str, spec: BriefingSpec, env: Mapping[str, str]) -> str:
    """The shorter text, cleaned. Raises NotCondensed."""
    asked = _question(text, spec, env)
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "ccmux.briefing.ask"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(env),
            cwd="/",
        )
    except OSError as error:
        raise NotCondensed(f"no process could be started: {error}") from error
    try:
        async with asyncio.timeout(spec.timeout):
            said, _ = await child.communicate(json.dumps(asked).encode())
    except TimeoutError:
        raise NotCondensed(f"no answer within {spec.timeout:g} s (briefing.timeout)") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _answer(said, child.returncode, {asked["key"], asked["token"]} - {""})


def _question(text: str, spec: BriefingSpec, env: Mapping[str, str]) -> dict[str, Any]:
    asked = {"text": text, "model": spec.model, "max_tokens": spec.max_tokens, "timeout": spec.timeout}
    if env.get(LM_STUDIO):
        url = env[LM_STUDIO].rstrip("/").removesuffix("/v1")
        return asked | {"url": url, "key": "lm-studio", "token": ""}
    key, token = env.get(API_KEY, ""), env.get(AUTH_TOKEN, "")
    if not key and not token:
        raise NotCondensed(f"neither {LM_STUDIO} nor {API_KEY} nor {AUTH_TOKEN} stands in .env")
    return asked | {"url": env.get(_BASE, ""), "key": key, "token": "" if key else token}


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """Little of ours, and of the instance's what leads through proxies."""
    ours = {key: os.environ[key] for key in _HERE if key in os.environ}
    return ours | {key: value for key, value in env.items() if key in _PASSED}


def _answer(said: bytes, code: int | None, secrets: set[str]) -> str:
    try:
        value = json.loads(said)
    except ValueError:
        raise NotCondensed(f"the process that asks ended with {code}") from None
    if "failed" in value:
        why = str(value["failed"])
        for secret in secrets:
            why = why.replace(secret, "***")
        raise NotCondensed(plain_text(why, 300).replace("\n", " "))
    text = plain_text(str(value.get("text", "")), _MOST)
    if not text:
        raise NotCondensed("the answer is empty")
    return text
