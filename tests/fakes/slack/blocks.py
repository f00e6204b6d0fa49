"""What Slack refuses in blocks: the documented limits of those that apps of ours use."""

from __future__ import annotations

import copy
from typing import Any

from tests.fakes.slack.values import Json, Refusal

KINDS = {
    *("section", "actions", "context", "divider", "header", "image", "input", "markdown", "rich_text", "file", "video"),
    *("table", "context_actions", "task_card", "plan", "data_table", "card", "carousel", "alert"),
}
MOST_BLOCKS = 50
MOST_MARKDOWN = 12_000


def _problems_of_text(value: Any, where: str, most: int, kinds: set[str]) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in kinds or not isinstance(value.get("text"), str):
        return [f"must be a text object [json-pointer:{where}]"]
    if not value["text"]:
        return [f"must be more than 0 characters [json-pointer:{where}/text]"]
    return [f"must be less than {most + 1} characters [json-pointer:{where}/text]"] if len(value["text"]) > most else []


def _problems_of_button(element: Json, where: str) -> list[str]:
    found = _problems_of_text(element.get("text"), f"{where}/text", 75, {"plain_text"})
    for name, most in (("value", 2000), ("action_id", 255), ("url", 3000)):
        if len(str(element.get(name, ""))) > most:
            found.append(f"must be less than {most + 1} characters [json-pointer:{where}/{name}]")
    if element.get("style") not in {None, "primary", "danger"}:
        found.append(f"must be primary or danger [json-pointer:{where}/style]")
    return found


def _problems_of_block(block: Any, where: str) -> list[str]:
    if not isinstance(block, dict) or block.get("type") not in KINDS:
        return [f"unsupported type [json-pointer:{where}/type]"]
    found: list[str] = []
    both = {"mrkdwn", "plain_text"}
    match block["type"]:
        case "section" if "text" in block:
            found += _problems_of_text(block["text"], f"{where}/text", 3000, both)
        case "section" if not block.get("fields"):
            found.append(f"missing required field: text or fields [json-pointer:{where}]")
        case "header":
            found += _problems_of_text(block.get("text"), f"{where}/text", 150, {"plain_text"})
        case "markdown" if not isinstance(block.get("text"), str) or not block["text"]:
            found.append(f"missing required field: text [json-pointer:{where}]")
        case "actions" | "context":
            elements = block.get("elements")
            most = 25 if block["type"] == "actions" else 10
            if not isinstance(elements, list) or not 0 < len(elements) <= most:
                found.append(f"must have 1 to {most} items [json-pointer:{where}/elements]")
    inside = buttons([block])
    for place, element in enumerate(inside):
        found += _problems_of_button(element, f"{where}/elements/{place}")
    ids = [element["action_id"] for element in inside if element.get("action_id")]
    if len(ids) != len(set(ids)):
        found.append(f"`action_id` must be unique in its block [json-pointer:{where}/elements]")
    if len(str(block.get("block_id", ""))) > 255:
        found.append(f"must be less than 256 characters [json-pointer:{where}/block_id]")
    return found


def check(blocks: list[Any] | None) -> None:
    """Refuse what Slack would, with its pointers to the places."""
    if not blocks:
        return
    problems = ["no more than 50 items allowed [json-pointer:/blocks]"] if len(blocks) > MOST_BLOCKS else []
    for place, block in enumerate(blocks):
        problems += _problems_of_block(block, f"/blocks/{place}")
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refusal("invalid_blocks", errors=problems, response_metadata={"messages": messages})
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MOST_MARKDOWN:
        raise Refusal("msg_blocks_too_long")


def buttons(blocks: list[Json]) -> list[Json]:
    """The buttons in blocks, of actions and as accessories."""
    found = [e for block in blocks for e in (block.get("elements") or [] if block.get("type") == "actions" else [])]
    found += [block["accessory"] for block in blocks if isinstance(block.get("accessory"), dict)]
    return [element for element in found if isinstance(element, dict) and element.get("type") == "button"]


def named(blocks: list[Json], new_id: Any) -> list[Json]:
    """The blocks as Slack keeps them: each with a block_id, each button with an action_id."""
    kept = [{**block, "block_id": block.get("block_id") or new_id()} for block in copy.deepcopy(blocks)]
    for element in buttons(kept):
        element.setdefault("action_id", new_id())
    return kept
