"""Every kind of bad history is found, and a good one passes."""

from __future__ import annotations

import ast
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture import checker, history
from tests.torture.checker import RESUMED, check
from tests.torture.history import Blow, History, Kept, Line, Reply, Sent, Turn

_CHANNELS = (("a", "local", "s1"), ("a", "other", "s2"), ("b", "local", "s3"))


def _prompt(message_id: str, channel: str, text: str, *, continued: bool = False) -> str:
    before = (
        "Your turn for this message was interrupted before you answered it. …The message was:\n" if continued else ""
    )
    return f"[ccmux channel={channel} from=root id={message_id}] {before}{text} [end-abcdefgh]"


def _good(seed: int, messages: int = 12) -> History:
    """Everything as it should be, in an order drawn by the seed."""
    draw = random.Random(seed)  # noqa: S311 - no secret, chance by seed
    found = History()
    counts = dict.fromkeys(_CHANNELS, 0)
    for number in range(messages):
        instance, channel, sender = where = draw.choice(_CHANNELS)
        counts[where] += 1
        token = f"tok-{draw.getrandbits(40):010x}"
        text, id_, turn = f"{token} number {number}", f"m-{number}x", f"p{number}"
        found.sent.append(Sent(token, text, instance, channel, sender, counts[where], number, key=token, ids=(id_,)))
        found.kept.append(Kept(instance, id_, channel, text, "done", key=token))
        found.turns += [
            Turn(instance, "committed", 1, turn, _prompt(id_, channel, text), number),
            Turn(instance, "answered", 1, turn, f"You wrote: {text}", number),
            Turn(instance, "told", 1, turn, "", number),
        ]
        found.replies.append(Reply(instance, f"r{number}", id_, channel, f"You wrote: {text}"))
        found.lines.append(Line(instance, channel, f"r{number}", id_, f"You wrote: {text}"))
    return found


def _kinds(bad: History) -> set[str]:
    return {fault.kind for fault in check(bad).faults}


def _pick(found: History, seed: int) -> int:
    return random.Random(seed).randrange(len(found.sent))  # noqa: S311 - no secret, chance by seed


def _commit(found: History, number: int) -> int:
    """Where the prompt of that message stands."""
    return next(at for at, turn in enumerate(found.turns) if found.sent[number].token in turn.text)


SEEDS = pytest.mark.parametrize("seed", range(20))


@SEEDS
def test_a_good_history_passes(seed: int) -> None:
    assert check(_good(seed)).faults == []


@SEEDS
def test_a_continuation_after_a_kill_that_the_reply_tells_is_good(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    one, at = found.sent[number], _commit(found, number)
    old = found.turns[at]
    again = replace(
        old, pid=2, prompt_id="again", text=_prompt(one.ids[0], one.channel, one.text, continued=True), at=old.at + 0.5
    )
    found.turns[at + 1 : at + 3] = [again, replace(again, what="answered"), replace(again, what="told", text="")]
    found.replies[number] = replace(found.replies[number], text=RESUMED + found.replies[number].text)
    found.lines[number] = replace(found.lines[number], text=RESUMED + found.lines[number].text)
    assert check(found).faults == []
    found.replies[number] = replace(found.replies[number], text=found.replies[number].text.removeprefix(RESUMED))
    assert "unresumed" in _kinds(found)


@SEEDS
def test_a_reply_that_is_written_again_is_good(seed: int) -> None:
    found = _good(seed)
    found.lines.append(found.lines[_pick(found, seed)])
    assert check(found).faults == []


@SEEDS
def test_a_dropped_message_is_found(seed: int) -> None:
    found = _good(seed)
    del found.kept[_pick(found, seed)]
    assert "lost" in _kinds(found)


@SEEDS
def test_a_message_that_never_ends_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.kept[number] = replace(found.kept[number], state="committed")
    assert "lost" in _kinds(found)


@SEEDS
def test_a_reply_that_nobody_got_is_found(seed: int) -> None:
    found = _good(seed)
    del found.lines[_pick(found, seed)]
    assert "lost" in _kinds(found)


@SEEDS
def test_a_rejection_that_nobody_was_told_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.kept[number] = replace(found.kept[number], state="rejected")
    del found.replies[number]
    assert "lost" in _kinds(found)


def test_a_line_in_a_fifo_is_lost_only_with_a_daemon() -> None:
    found = _good(1)
    found.sent[3] = replace(found.sent[3], ids=(), written=True)
    del found.kept[3], found.replies[3], found.lines[3]
    found.turns = [turn for turn in found.turns if turn.prompt_id != "p3"]
    assert _kinds(found) == {"lost"}
    found.blows.append(Blow(5.0, "kill daemon", found.sent[3].instance))
    assert check(found).faults == []


@SEEDS
def test_a_prompt_that_comes_twice_is_found(seed: int) -> None:
    found = _good(seed)
    at = _commit(found, _pick(found, seed))
    found.turns.insert(at + 1, replace(found.turns[at], pid=2, prompt_id="again"))
    assert _kinds(found) == {"duplicated"}


@SEEDS
def test_a_row_that_comes_twice_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.kept.insert(number + 1, replace(found.kept[number], id="m-twice"))
    assert "duplicated" in _kinds(found)


@SEEDS
def test_a_key_with_two_ids_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.sent[number] = replace(found.sent[number], ids=(*found.sent[number].ids, "m-other"))
    assert "duplicated" in _kinds(found)


@SEEDS
def test_a_continuation_in_a_living_claude_or_of_an_answered_turn_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    one, at = found.sent[number], _commit(found, number)
    text = _prompt(one.ids[0], one.channel, one.text, continued=True)
    found.turns.insert(at + 3, replace(found.turns[at], prompt_id="again", text=text))
    found.replies[number] = replace(found.replies[number], text=RESUMED + found.replies[number].text)
    found.lines[number] = replace(found.lines[number], text=RESUMED + found.lines[number].text)
    said = [fault.what for fault in check(found).faults]
    assert any("was alive" in what for what in said)
    assert any("had told the answer" in what for what in said)


@SEEDS
def test_two_answers_are_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.lines.insert(number + 1, replace(found.lines[number], id="r-other"))
    assert _kinds(found) == {"answered-twice"}


@SEEDS
def test_a_swap_is_found(seed: int) -> None:
    found = _good(seed)
    of = [number for number, one in enumerate(found.sent) if one.sender == found.sent[_pick(found, seed)].sender]
    if len(of) < 2:
        pytest.skip("this seed has one message of that sender")
    first, second = _commit(found, of[0]), _commit(found, of[1])
    found.turns[first], found.turns[second] = found.turns[second], found.turns[first]
    assert _kinds(found) == {"swapped"}


@SEEDS
def test_a_leak_to_another_channel_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.lines[number] = replace(found.lines[number], channel="elsewhere")
    assert _kinds(found) == {"leaked"}


@SEEDS
def test_a_leak_to_another_instance_is_found(seed: int) -> None:
    found = _good(seed)
    at = _commit(found, _pick(found, seed))
    found.turns[at] = replace(found.turns[at], instance="elsewhere")
    assert _kinds(found) == {"leaked"}


@SEEDS
def test_two_messages_in_one_prompt_are_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    at, other = _commit(found, number), _commit(found, number - 1)
    found.turns[at] = replace(found.turns[at], text=found.turns[other].text + found.turns[at].text)
    assert "merged" in _kinds(found)


@SEEDS
def test_a_cut_or_mixed_message_is_found(seed: int) -> None:
    found = _good(seed)
    at = _commit(found, _pick(found, seed))
    mixed = found.turns[at].text.replace(" number ", " nu drf-0123456789 mber ")
    found.turns[at] = replace(found.turns[at], text=mixed)
    assert _kinds(found) == {"merged"}
    found.turns[at] = replace(found.turns[at], text=mixed.replace(" drf-0123456789 mber", "mb"))
    assert _kinds(found) == {"merged"}


@SEEDS
def test_an_answer_to_another_message_is_found(seed: int) -> None:
    found = _good(seed)
    number = _pick(found, seed)
    found.replies[number] = replace(found.replies[number], text=found.replies[number - 1].text)
    assert "wrong-answer" in _kinds(found)


def test_parts_are_joined_and_torn_lines_are_found() -> None:
    part = '{"v":1,"id":"r1","reply_to":"m-1","part":%d,"parts":2,"text":"%s"}'
    about = {"instance": "a", "channel": "local"}
    raw = [{**about, "line": line} for line in (part % (1, "a"), part % (1, "a"), part % (2, "b"), '{"v":1')]
    lines, garbled = history.read(raw)
    assert [line.text for line in lines] == ["ab"]
    assert len(garbled) == 1


def test_the_checker_knows_nothing_of_ccmux() -> None:
    for module in (checker, history):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("ccmux")]


def test_an_answer_whose_row_died_with_claude_is_no_wrong_answer() -> None:
    found = _good(7)
    at = _commit(found, 3)
    prompt = found.turns[at]
    found.turns[at] = replace(prompt, what="asked")
    assert _kinds(found) == {"wrong-answer"}
    found.blows.append(Blow(prompt.at + 60, "kill claude", prompt.instance))
    assert _kinds(found) == {"wrong-answer"}
    found.blows.append(Blow(prompt.at + 0.1, "kill all", prompt.instance))
    assert _kinds(found) == set()
