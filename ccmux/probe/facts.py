"""The facts, each checked on the real binary. docs/CLAUDE-CODE.md tells where each is used."""

from __future__ import annotations

import contextlib
import time
from base64 import b64decode
from typing import Final

from ccmux.core.envelope import nonce_of
from ccmux.core.reading import says_title
from ccmux.core.sources import Registered
from ccmux.core.transcript import task_ids
from ccmux.core.usage import Fact, told_of
from ccmux.hooks import spool
from ccmux.model.message import Attachment, AttachmentKind
from ccmux.model.turn import FinalText, PromptCommitted, TurnInterrupted
from ccmux.model.usage import Active, Spent, Tokens, Told
from ccmux.probe.fact import Wrong, fact
from ccmux.probe.stage import Stage

_PNG: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAACAAEA//8DAAAGAAVXv6vUAAAAAElFTkSuQmCC"
)
_LONG: Final = 100_000


def _need(condition: object, seen: str) -> None:
    if not condition:
        raise Wrong(seen)


@fact("start", "starts without a dialog in a prepared home", "every start waits for a person: `startup-dialog`")
async def _start(stage: Stage) -> str:
    begun = time.monotonic()
    await stage.start()
    return f"ready in {time.monotonic() - begun:.1f} s"


@fact("registry", "keeps sessions/<pid>.json with state and session id", "state by screen, title and hooks; later")
async def _registry(stage: Stage) -> str:
    with contextlib.suppress(Wrong):
        await stage.until(stage.registered, "the registry")  # Claude writes it a moment after it has drawn its box
    registered = await stage.registered()
    _need(registered is not None, "there is no such file")
    assert registered is not None  # noqa: S101
    _need(registered.status == "idle", f"status is {registered.status!r}")
    _need(registered.session_id == stage.session_id, "it names another session")
    return f"version {registered.version}"


@fact("session-hook", "runs our SessionStart hook", "without a registry, a /clear would not be followed")
async def _session_hook(stage: Stage) -> str:
    hooks = await stage.until(lambda: stage.hooks("SessionStart"), "a SessionStart payload")
    _need(hooks[-1]["session_id"] == stage.session_id, "it names another session")
    return str(hooks[-1]["source"])


@fact("submit", "a bracketed paste and Enter is one prompt, exactly", "messages do not arrive: do not use this version")
async def _submit(stage: Stage) -> str:
    nonce = await stage.say("hello (probe) #1; -R `x` $HOME !y /z")
    mine = [prompt for prompt in stage.prompts() if nonce in prompt]
    _need(len(mine) == 1, f"{len(mine)} requests")
    _need("] hello (probe) #1; -R `x` $HOME !y /z [end-" in mine[0], f"it arrived as {mine[0]!r}")
    return "one request, word for word"


@fact("prompt-hook", "UserPromptSubmit carries the prompt and its id", "acceptance is seen by the transcript; later")
async def _prompt_hook(stage: Stage) -> str:
    hooks = [hook for hook in stage.hooks("UserPromptSubmit") if nonce_of(hook.get("prompt", ""))]
    _need(hooks, "no payload with our nonce")
    _need(hooks[-1].get("prompt_id"), "it has no prompt_id")
    return "prompt and prompt_id"


@fact("stop-hook", "Stop carries the whole last message and the same id", "answers come from the transcript; 2 s later")
async def _stop_hook(stage: Stage) -> str:
    await stage.say("long answer", {"text_size": _LONG})
    hooks = await stage.until(lambda: stage.hooks("Stop")[1:], "a Stop payload")
    prompt = stage.hooks("UserPromptSubmit")[-1].get("prompt_id")
    _need(len(hooks[-1].get("last_assistant_message") or "") == _LONG, "last_assistant_message is cut")
    _need(hooks[-1].get("prompt_id") == prompt, "its prompt_id is another one")
    return f"{_LONG} characters, same prompt_id"


@fact(
    "transcript", "the transcript has prompt and answer, with ids", "no proof: what a dead Claude took is asked again"
)
async def _transcript(stage: Stage) -> str:
    nonce = await stage.say("for the transcript")

    def committed() -> list[PromptCommitted]:
        return [row for row in stage.rows() if isinstance(row, PromptCommitted) and row.nonce == nonce]

    rows = await stage.until(committed, "the prompt's row")
    _need(rows[0].prompt_id, "the row has no promptId")
    await stage.until(lambda: isinstance(stage.rows()[-1], FinalText), "the answer's row")
    return "both rows"


@fact("usage", "the transcript tells the tokens and the length of a turn", "tokens and active minutes are not counted")
async def _usage(stage: Stage) -> str:
    used = {"input_tokens": 3, "output_tokens": 1234, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7}
    await stage.say("to be counted", {"text": "counted", "usage": used})

    def counted() -> list[Fact]:
        facts = stage.used()
        mine = [fact for fact in facts if isinstance(fact, Spent) and fact.tokens == Tokens(3, 1234, 5, 7)]
        turns = [fact for fact in facts if isinstance(fact, Active)]
        return [mine[-1], turns[-1]] if mine and turns and turns[-1].ended >= mine[-1].at else []

    spent, _ = await stage.until(counted, "the tokens of a message, and then the length of its turn")
    _need(spent.model, "no model is named")
    return f"of {spent.model}"


@fact("cost", "the status line is told the cost after a turn, and shows nothing", "cost is not counted")
async def _cost(stage: Stage) -> str:
    def told() -> list[Told]:
        files = spool.pending(stage.paths.cost_spool)
        return [found for file, payload in files if (found := told_of(payload, spool.written_at(file)))]

    await stage.say("to be paid")
    await stage.until(lambda: told() and told()[-1].total > 0, "a cost above 0")
    _need(told()[0].total == 0, "nothing was told before the first turn")
    _need(told()[-1].session_id == stage.session_id, "it names another session")
    box = await stage.box()
    _need(box.empty, f"the box holds {box.text!r}")
    return f"{told()[-1].total:.4f} USD"


@fact(
    "busy",
    "registry and title tell busy and idle",
    "messages may be queued inside Claude; their turns are told apart later",
)
async def _busy(stage: Stage) -> str:
    await stage.say("slowly", {"text": "done", "delay": 1.5}, answered=False)
    registered = await stage.registered()
    title = says_title((await stage.pane()).title)
    await stage.until(stage.idle, "the turn ends")
    if registered is not None:
        _need(registered.status == "busy", f"the registry says {registered.status}")
    _need(title == "busy", "the title does not say busy")
    return "registry and title" if registered is not None else "title alone"


@fact(
    "long-paste",
    "20 KB of many lines arrive as typed text",
    "messages of several lines do not arrive whole: do not use this version",
)
async def _long_paste(stage: Stage) -> str:
    text = "\n".join(f"{number}: " + "word " * 25 for number in range(150)).rstrip()
    nonce = await stage.say(text)
    (prompt,) = [prompt for prompt in stage.prompts() if nonce in prompt]
    _need("pasted_content" not in prompt, "it was wrapped as pasted content")
    _need(text in prompt, "it was changed")
    return f"{len(text)} characters, word for word"


@fact("text-stays-text", "commands, shell lines and files inside an envelope are text", "do not use this version")
async def _text(stage: Stage) -> str:
    secret, made = stage.work / "secret.txt", stage.work / "made"
    secret.write_text("canary-of-the-probe", encoding="utf-8")
    await stage.say(f"!touch {made}\n/clear\n/exit\n@{secret}\nexit\n\x1b[201~\r!touch {made}\r\\")
    _need(not made.exists(), "a shell line was run")
    _need("canary-of-the-probe" not in str([r.body for r in stage.standin.requests()]), "a file was read")
    registered = await stage.registered()
    _need(registered is None or registered.session_id == stage.session_id, "the conversation was left")
    return "nothing ran"


@fact("image", "a paste that is only an image's path attaches it", "images are named by path, and Claude reads them")
async def _image(stage: Stage) -> str:
    file = stage.work / "one.png"
    file.write_bytes(_PNG)
    await stage.say("look", attachments=(Attachment(str(file), "one.png", AttachmentKind.IMAGE, len(_PNG)),))
    body = str([request.body for request in stage.standin.requests() if request.main][-1])
    _need("'type': 'image'" in body, "no image in the request")
    return "an image block"


async def _hidden(stage: Stage, by: str) -> None:
    """Wait until the prompt box is not on the screen any more."""

    async def hidden() -> bool:
        return not (await stage.box()).present

    await stage.until(hidden, by)


async def _waiting(stage: Stage) -> Registered | None:
    """The registry once it says `waiting`: it follows the screen by some 0.1 s. As it is when it does not say so."""

    async def says() -> bool:
        registered = await stage.registered()
        return registered is None or registered.status == "waiting"

    with contextlib.suppress(Wrong):
        await stage.until(says, "the registry says waiting")
    return await stage.registered()


@fact(
    "permission",
    "a permission dialog is `waiting`, hides the box, and Esc refuses",
    "only the box holds off an approval by accident",
)
async def _permission(stage: Stage) -> str:
    made = stage.work / "approved"
    before = stage.paths.gate.stat().st_mtime
    step = {"tool": "Bash", "input": {"command": f"touch {made}", "description": "probe"}}
    await stage.say("use a tool", step, answered=False)

    await _hidden(stage, "the dialog")
    registered = await _waiting(stage)
    fallback = await stage.fallback()
    gated = stage.paths.gate.stat().st_mtime > before
    await stage.key("Escape")
    await stage.until(stage.idle, "idle after Esc")
    _need(not made.exists(), "the tool ran")
    _need(
        registered is None or (registered.status, registered.waiting_for) == ("waiting", "permission prompt"),
        f"{registered}",
    )
    _need(fallback is not None and fallback.status == "waiting", f"the screen alone says {fallback}")
    _need(gated, "no PreToolUse hook came before it")
    return "waiting, gated, refused by Esc"


@fact("question", "a question is `waiting` for input", "a question is told as a dialog")
async def _question(stage: Stage) -> str:
    options = [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]
    question = {"question": "Which?", "header": "W", "options": options, "multiSelect": False}
    await stage.say("ask me", {"tool": "AskUserQuestion", "input": {"questions": [question]}}, answered=False)

    await _hidden(stage, "the question")
    registered = await _waiting(stage)
    await stage.key("Escape")
    await stage.until(stage.idle, "idle after Esc")
    _need(registered is None or registered.waiting_for == "input needed", f"{registered}")
    return "waiting for input"


@fact("overlay", "/config and its like hide the box", "a message could be typed into an overlay, and wait there")
async def _overlay(stage: Stage) -> str:
    await stage.type("/config")
    await stage.key("Enter")

    await _hidden(stage, "the overlay")
    registered = await stage.registered()
    await stage.calm()
    return registered.waiting_for or registered.status if registered is not None else "no box"


@fact("search", "the search of the history takes the cursor out of the box", "a message could be typed into the search")
async def _search(stage: Stage) -> str:
    await stage.key("C-r")

    async def elsewhere() -> bool:
        return not (await stage.box()).focused or not (await stage.box()).present

    await stage.until(elsewhere, "the cursor is elsewhere")
    await stage.calm()
    return "the cursor is elsewhere"


@fact(
    "stash", "Ctrl+S sets a draft aside; the next prompt puts it back", "a draft that was left keeps messages waiting"
)
async def _stash(stage: Stage) -> str:
    await stage.type("half a thought")
    await stage.key("C-s")

    async def aside() -> bool:
        box = await stage.box()
        return box.empty and box.stashed

    await stage.until(aside, "the draft is set aside")
    nonce = await stage.say("meanwhile")

    async def back() -> bool:
        return (await stage.box()).text == "half a thought"

    await stage.until(back, "the draft is back")
    _need(not any(nonce in prompt and "half a thought" in prompt for prompt in stage.prompts()), "it was sent along")
    await stage.key("C-e", "C-u")
    return "aside and back"


@fact("escape", "Esc ends a turn: idle, and a row tells", "a message that a person interrupts ends after 10 s of idle")
async def _escape(stage: Stage) -> str:
    await stage.say("be long", {"text_size": 2000, "chunk": 20, "chunk_delay": 0.2}, answered=False)

    async def streaming() -> bool:
        return "line" in (await stage.session.screen() or "")

    await stage.until(streaming, "output")
    await stage.key("Escape")
    await stage.until(stage.idle, "idle")
    await stage.until(lambda: isinstance(stage.rows()[-1], TurnInterrupted), "the row of the interruption")
    return "idle, and the row"


@fact(
    "failure",
    "StopFailure tells why the API refused a turn",
    "a refused turn ends after 10 s of idle, without a reason",
)
async def _failure(stage: Stage) -> str:
    step = {"status": 400, "error": "invalid_request_error", "message": "probe", "times": 9}
    await stage.say("fail", step)
    stage.standin.reset()
    hooks = await stage.until(lambda: stage.hooks("StopFailure"), "a StopFailure payload")
    return str(hooks[-1].get("error"))


@fact(
    "background", "a background task has an id, and its end names it", "what a background task adds is answered nowhere"
)
async def _background(stage: Stage) -> str:
    step = {"tool": "Bash", "input": {"command": "sleep 1.2", "description": "probe", "run_in_background": True}}
    stops = len(stage.hooks("Stop"))
    await stage.say("in the background", step, {"text": "started"}, answered=False)
    hooks = await stage.until(lambda: stage.hooks("Stop")[stops:], "the first Stop")
    tasks = [task.get("id") for task in hooks[0].get("background_tasks") or []]
    _need(tasks, "Stop names no background task")
    registered = await stage.registered()

    def woken() -> bool:
        return any(set(tasks) & set(task_ids(hook.get("prompt", ""))) for hook in stage.hooks("UserPromptSubmit"))

    await stage.until(woken, "the turn that its end begins")
    await stage.until(stage.idle, "that turn ends")
    return f"registry: {registered.status}" if registered is not None else "no registry"


@fact("resume", "--resume after kill -9 has the same conversation", "a conversation begins anew after a crash")
async def _resume(stage: Stage) -> str:
    await stage.kill()
    await stage.start(resume=True)
    registered = await stage.registered()
    _need(registered is None or registered.session_id == stage.session_id, "it is another session")
    await stage.say("after the crash")
    body = str([request.body for request in stage.standin.requests() if request.main][-1]["messages"])
    _need("for the transcript" in body, "earlier turns are not in the request")
    return "same id, earlier turns in the request"


@fact("clear", "/clear tells the new session id", "after /clear answers are not found until the daemon is restarted")
async def _clear(stage: Stage) -> str:
    await stage.type("/clear")
    await stage.key("Enter")

    async def another() -> str:
        registered = await stage.registered()
        if registered is not None:
            return "" if registered.session_id == stage.session_id else registered.session_id
        hooks = [hook for hook in stage.hooks("SessionStart") if hook.get("source") == "clear"]
        return str(hooks[-1]["session_id"]) if hooks else ""

    stage.session_id = await stage.until(another, "another session id")
    await stage.until(lambda: stage.hooks("SessionStart")[-1]["session_id"] == stage.session_id, "its hook")
    await stage.say("in the new conversation")
    return "registry and hook"
