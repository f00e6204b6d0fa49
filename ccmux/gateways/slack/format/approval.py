"""A question of Claude's with buttons, and the same message once it is decided."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from ccmux.core.asking import visible
from ccmux.core.permission import choices, questions
from ccmux.gateways.slack.format.blocks import SECTION, TEXT, Block, Small, context, cut, label, section
from ccmux.gateways.slack.format.clean import clean, defuse, escape
from ccmux.gateways.slack.format.press import Decision, Press
from ccmux.gateways.slack.format.size import head
from ccmux.model.approval import Kind

_SECTIONS: Final = 3
_OPTIONS: Final = 5
_LINE: Final = 500
_PATHS: Final = ("file_path", "notebook_path")
_BROKEN: Final = "A blank was put into what Slack would take for a mention or for its own marks."


@dataclass(frozen=True, slots=True)
class Request:
    """One approval, as it is shown."""

    id: str
    code: str
    kind: Kind
    instance: str
    tool: str
    input: Mapping[str, Any] = field(default_factory=dict)
    cwd: str = ""
    who: str = ""
    """whose message began the turn"""


def approval(request: Request) -> Small:
    """All of the input that three sections hold; how much is missing, and where it is, is said."""
    shown = _shown(request)
    buttons = _buttons(request)
    how = context(escape(_how(request, pressed=bool(buttons))))
    actions: list[Block] = [{"type": "actions", "elements": buttons}] if buttons else []
    return Small(_words(request), (*shown, how, *actions))


def decided(request: Request, outcome: str, who: str, when: str) -> Small:
    """The same without buttons. `outcome` is a word or two (`Allowed`), `when` a time as a person reads it; both may be empty."""
    end = cut(outcome, 200) + (f" by {cut(_line(who), 200)}" if who else "") + (f", {cut(when, 100)}" if when else "")
    return Small(cut(_head(request), TEXT - 600) + f": {end}", (*_shown(request), context(f"*{end}*")))


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def _head(request: Request) -> str:
    name = _line(request.instance)
    return {
        Kind.TOOL: f"{name} wants to use {_line(request.tool)}",
        Kind.QUESTION: f"{name} asks",
        Kind.PLAN: f"{name} has a plan",
    }[request.kind]


def _words(request: Request) -> str:
    return cut(f"{_head(request)}: {_line(_detail(request)[:1_500])}", 1_200)


def _shown(request: Request) -> list[Block]:
    detail, changed = _harmless(_detail(request))
    return [
        section(f"*{cut(_head(request), _LINE)}*"),
        *_code(detail, request.code),
        *([context(_BROKEN)] if changed else []),
        context(_where(request)),
    ]


def _where(request: Request) -> str:
    place = f"in {_mono(request.cwd)}" if request.cwd else ""
    whom = f"for {cut(_line(request.who), _LINE)}" if request.who else ""
    return "  ".join(word for word in (place, whom, f"code {cut(request.code, 100)}") if word)


def _mono(path: str) -> str:
    shown = cut(_line(path), _LINE)
    return shown if "`" in shown else f"`{shown}`"


def _code(text: str, code: str) -> list[Block]:
    """Preformatted, in sections; what does not fit is counted."""
    blocks: list[Block] = []
    rest = text
    while rest.strip() and len(blocks) < _SECTIONS:
        at = head(rest, SECTION - len("```\n\n```"), escaped=True)
        blocks.append(section(f"```\n{escape(rest[:at])}\n```"))
        rest = rest[at:]
    if rest.strip():
        how = f"`ccmux approvals` shows all of it ({cut(code, 100)})"
        blocks.append(context(f"*… {len(rest)} more characters that are not shown here*: {how}"))
    return blocks


def _harmless(text: str) -> tuple[str, bool]:
    """What does not show itself is spelled out; nothing leaves the preformatted section or notifies anyone."""
    spelled = "\n".join(visible(line) for line in text.split("\n"))
    changed = defuse(clean(spelled)).replace("``", "` `").replace("``", "` `")
    return changed, changed != spelled


def _detail(request: Request) -> str:
    given = request.input
    if request.kind is Kind.QUESTION:
        return "\n\n".join(_asked(part) for part in questions(given)) or "(no question)"
    if request.kind is Kind.PLAN:
        return str(given.get("plan", "")) or "(its text is in the transcript)"
    if request.tool == "Bash":
        return "\n".join([str(given.get("command", "")), *_others(given, "command")])
    path = next((visible(str(given[key])) for key in _PATHS if given.get(key)), "")  # one line, whatever is in it
    if path and "new_string" in given:
        change = _change(str(given.get("old_string", "")), str(given["new_string"]))
        return "\n".join([path, change, *_others(given, *_PATHS, "old_string", "new_string")])
    if path and "content" in given:
        return "\n".join([path, *_others(given, *_PATHS, "content"), str(given["content"])])
    return "\n".join(_others(given))


def _others(given: Mapping[str, Any], *shown: str) -> list[str]:
    return [f"{key}: {value}" for key, value in given.items() if key not in shown]


def _change(old: str, new: str) -> str:
    diff = difflib.unified_diff(old.split("\n"), new.split("\n"), lineterm="", n=2)
    return "\n".join(islice(diff, 2, None))


def _asked(part: Mapping[str, Any]) -> str:
    numbered = [f"  {number}. {name}" for number, name in enumerate(choices(part), 1)]
    return "\n".join(
        [str(part.get("question", "")), *numbered, *(["  (several: 1,3)"] if part.get("multiSelect") else [])]
    )


def _pressable(request: Request) -> list[str]:
    """The options that buttons can answer: those of one question with few."""
    parts = questions(request.input)
    names = choices(parts[0]) if len(parts) == 1 else []
    return names if len(names) <= _OPTIONS else []


def _how(request: Request, *, pressed: bool) -> str:
    code = request.code
    if request.kind is not Kind.QUESTION:
        return f"Or: /approve {code}   or   /deny {code} REASON"
    answer = "; ".join(str(number) for number, _ in enumerate(questions(request.input), 1)) or "1"
    return f"{'Or' if pressed else 'Answer'}: /approve {code} {answer}   or   /deny {code}"


def _buttons(request: Request) -> list[Block]:
    if request.kind is Kind.QUESTION:
        return [
            _button(request, name, "allow", answer=str(number)) for number, name in enumerate(_pressable(request), 1)
        ]
    if request.kind is Kind.PLAN:
        return [_button(request, "Approve", "allow", "primary"), _button(request, "Deny", "deny", "danger")]
    return [
        _button(request, "Allow once", "allow", "primary"),
        _button(request, "Allow for this conversation", "session"),
        _button(request, "Deny", "deny", "danger"),
    ]


def _button(request: Request, name: str, decision: Decision, style: str = "", *, answer: str = "") -> Block:
    action = f"ccmux:{decision}" + (f":{answer}" if answer else "")
    button: Block = {
        "type": "button",
        "text": label(name),
        "action_id": action,
        "value": Press(request.id, decision, answer).value(),
    }
    return {**button, "style": style} if style else button
