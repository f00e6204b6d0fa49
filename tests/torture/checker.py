"""Nothing is lost, nothing happens twice: what a history shows of it. It imports nothing of ccmux and believes nobody.

python -m tests.torture.checker DIRECTORY [NAME=JOURNAL …]
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.history import History, Kept, Line, Reply, Sent, Turn, load

TOKEN = re.compile(r"tok-[0-9a-f]{10}")
DRAFT = re.compile(r"drf-[0-9a-f]{10}")
RESUMED = "[resumed after an interruption]\n\n"
_CONTINUED = "was interrupted before you answered it"
_ORIGINAL = "The message was:\n"
_ENVELOPE = re.compile(
    r"\[ccmux channel=(?P<channel>\S+) from=\S+ id=(?P<id>m-[a-z0-9]+)\](?P<body>.*)\[end-[a-z2-7]{8}\]", re.DOTALL
)
_ENDED = ("done", "rejected", "dead")
_KILLS_CLAUDE = ("claude", "tmux", "all", "wipe")
_UNWRITTEN_WITHIN = 3.0
"""Seconds after Claude asked the model in which what was answered may not be written down yet; 0.1 s on a calm machine."""
_UNREAD_WITHIN = 60.0
"""Seconds in which what was written to a FIFO may still be unread when its daemon dies."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that must not have happened."""

    kind: str
    """lost, duplicated, answered-twice, swapped, leaked, wrong-answer, merged, unresumed, garbled"""
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}: {self.what}"


@dataclass(slots=True)
class Verdict:
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        counted = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
        found = "\n".join(map(str, self.faults)) or "nothing lost, nothing twice"
        return f"{counted}\n{found}"


@dataclass(frozen=True, slots=True)
class Commit:
    """A prompt in the conversation, taken apart."""

    turn: Turn
    id: str
    channel: str
    body: str
    alone: bool
    """nothing stands around the envelope, and there is but one"""
    continued: bool
    tokens: tuple[str, ...]


def commit_of(turn: Turn) -> Commit:
    envelopes = turn.text.count("[ccmux channel=")
    found = _ENVELOPE.search(turn.text)
    tokens = tuple(dict.fromkeys(TOKEN.findall(turn.text)))
    if found is None:
        return Commit(turn, "", "", turn.text, alone=False, continued=False, tokens=tokens)
    body = found["body"][1:-1]
    continued = _CONTINUED in body
    body = body.partition(_ORIGINAL)[2] if continued else body
    alone = found.group() == turn.text.strip() and envelopes == 1
    return Commit(turn, found["id"], found["channel"], body, alone, continued, tokens)


class _Case:
    """A history with what all rules look up."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.by_token = {one.token: one for one in history.sent}
        self.commits = [commit_of(turn) for turn in history.turns if turn.what == "committed"]
        self.asked_by = {turn.prompt_id: turn.pid for turn in history.turns if turn.what == "asked" and turn.prompt_id}
        self.commits_of: dict[str, list[Commit]] = defaultdict(list)
        for commit in self.commits:
            for token in commit.tokens:
                self.commits_of[token].append(commit)
        self.kept_of: dict[str, list[Kept]] = defaultdict(list)
        self.kept: dict[str, Kept] = {}
        for kept in history.kept:
            self.kept[kept.id] = kept
            for token in TOKEN.findall(kept.text)[:1]:
                self.kept_of[token].append(kept)
        self.replies_to: dict[str, list[Reply]] = defaultdict(list)
        for reply in history.replies:
            self.replies_to[reply.reply_to].append(reply)
        self.lines_of: dict[str, list[Line]] = defaultdict(list)
        for line in history.lines:
            self.lines_of[line.id].append(line)

    def pid_of(self, turn: Turn) -> int:
        """The Claude that had the turn: a row may be noted by the next one, when its own died just then."""
        return self.asked_by.get(turn.prompt_id, turn.pid)

    def sent_as(self, message_id: str) -> Sent | None:
        kept = self.kept.get(message_id)
        tokens = TOKEN.findall(kept.text)[:1] if kept else []
        return self.by_token.get(tokens[0]) if tokens else None


def check(history: History) -> Verdict:
    """All rules."""
    case = _Case(history)
    return Verdict([fault for rule in _RULES for fault in rule(case)], _counts(case))


def _counts(case: _Case) -> Counter[str]:
    history = case.history
    counts: Counter[str] = Counter(f"ended {kept.state}" for kept in history.kept if kept.state in _ENDED)
    counts["acknowledged"] = sum(one.acknowledged for one in history.sent)
    counts["written to a FIFO"] = sum(one.written for one in history.sent)
    counts["of those, died with their daemon"] = sum(
        one.written and not case.kept_of[one.token] for one in history.sent
    )
    counts["refused"] = sum(one.refused and not one.acknowledged for one in history.sent)
    counts["continued"] = sum(commit.continued for commit in case.commits)
    counts["worked on again, its row was lost"] = sum(_lost_rows(case))
    counts["of those, answered before"] = sum(_lost_rows(case, answered=True))
    counts["replies read"] = len({line.id for line in history.lines})
    counts["of those, more than once"] = sum(len(lines) > 1 for lines in case.lines_of.values())
    counts["blows"] = len(history.blows)
    counts["of those, kill -9"] = sum(blow.what.startswith(("kill", "wipe")) for blow in history.blows)
    return counts


def _lost_rows(case: _Case, *, answered: bool = False) -> Iterator[int]:
    """Turns that began and whose prompt was never written down: Claude died within the tenth of a second that this takes.

    No fault: nothing that is left knows of them, but for a Stop hook that may have run (`answered`).
    """
    written = {commit.turn.prompt_id for commit in case.commits}
    told = {turn.prompt_id for turn in case.history.turns if turn.what == "told"}
    for turn in case.history.turns:
        if turn.what == "asked" and turn.prompt_id not in written and TOKEN.search(turn.text):
            yield int(turn.prompt_id in told) if answered else 1


def _lost(case: _Case) -> Iterator[Fault]:
    """What was acknowledged has ended, and its end was told; what a FIFO took dies only with a daemon."""
    for one in case.history.sent:
        kept = case.kept_of[one.token]
        if one.acknowledged:
            known = [case.kept[id_] for id_ in one.ids if id_ in case.kept]
            if not known:
                yield Fault("lost", one.token, f"acknowledged as {one.ids}, and not in the journal")
            for message in known:
                yield from _ended(case, message)
        elif one.written and not kept:
            deaths = ("daemon", "wipe", "all")
            blows = [blow for blow in case.history.blows if blow.instance == one.instance]
            if not any(
                one.at - 1.0 <= blow.at <= one.at + _UNREAD_WITHIN and any(word in blow.what for word in deaths)
                for blow in blows
            ):
                yield Fault("lost", one.token, f"written to in.{one.channel}, and no daemon died with it")
        elif one.written:
            for message in kept:
                yield from _ended(case, message)


def _row_lost(case: _Case, token: str) -> bool:
    """Whether the model was asked, and Claude was killed before it had written down what it had answered already."""
    return any(
        turn.at <= blow.at <= turn.at + _UNWRITTEN_WITHIN
        for turn in case.history.turns
        if turn.what == "asked" and token in turn.text
        for blow in case.history.blows
        if blow.instance == turn.instance and any(word in blow.what for word in _KILLS_CLAUDE)
    )


def _ended(case: _Case, message: Kept) -> Iterator[Fault]:
    replies = case.replies_to[message.id]
    if message.state not in _ENDED:
        yield Fault("lost", message.id, f"never ended: {message.state} ({message.reason})")
        return
    if not replies:
        yield Fault("lost", message.id, f"ended {message.state} without a word to its sender")
    if message.state == "done":
        tokens = TOKEN.findall(message.text)[:1]
        if tokens and not case.commits_of[tokens[0]] and not _row_lost(case, tokens[0]):
            yield Fault("wrong-answer", message.id, "done, and it never was part of the conversation")
    for reply in replies:
        read = case.lines_of[reply.id]
        if case.history.readers and not read:
            yield Fault("lost", message.id, f"the reply {reply.id} was never read (delivered: {reply.delivered})")


def _duplicated(case: _Case) -> Iterator[Fault]:
    """One row in the journal, one fresh prompt; a continuation only after the Claude that had it died without a word."""
    for one in case.history.sent:
        if len(one.ids) > 1:
            yield Fault("duplicated", one.token, f"one key was acknowledged as {one.ids}")
        kept = case.kept_of[one.token]
        if len(kept) > 1:
            yield Fault("duplicated", one.token, f"{len(kept)} rows in the journal: {[row.id for row in kept]}")
        commits = case.commits_of[one.token]
        fresh = [commit for commit in commits if not commit.continued]
        if len(fresh) > 1:
            pids = [(commit.turn.pid, commit.turn.at) for commit in fresh]
            yield Fault("duplicated", one.token, f"{len(fresh)} fresh prompts (pid, at): {pids}")
        for number, commit in enumerate(commits):
            if commit.continued:
                yield from _continued(case, one.token, commit, commits[:number])


def _continued(case: _Case, token: str, commit: Commit, before: list[Commit]) -> Iterator[Fault]:
    if not before:
        yield Fault("duplicated", token, "continued, and it never was begun")
        return
    last = before[-1].turn
    had = case.pid_of(last)
    if had and had == case.pid_of(commit.turn):
        yield Fault("duplicated", token, f"the Claude {had} that had it was alive, and was asked to continue it")
    told = [turn for turn in case.history.turns if turn.what == "told" and turn.prompt_id == last.prompt_id]
    if told and last.prompt_id:
        yield Fault("duplicated", token, "continued, and its Stop hook had told the answer")


def _answered_twice(case: _Case) -> Iterator[Fault]:
    """One reply for each message; read again it is the same reply."""
    seen: dict[str, set[str]] = defaultdict(set)
    for line in case.history.lines:
        if line.reply_to:
            seen[line.reply_to].add(line.id)
    for message_id in {*seen, *case.replies_to} - {""}:
        ids = seen[message_id] | {reply.id for reply in case.replies_to[message_id]}
        if len(ids) > 1:
            yield Fault("answered-twice", message_id, f"replies {sorted(ids)}")
    for reply_id, lines in case.lines_of.items():
        if len({(line.text, line.error, line.reply_to) for line in lines}) > 1:
            yield Fault("answered-twice", reply_id, "the same reply came with different texts")


def _swapped(case: _Case) -> Iterator[Fault]:
    """Of one sender, prompts and replies come in the order in which it sent."""
    yield from _in_order(
        "prompts", ((one, commit.turn.at) for commit in case.commits for one in _senders(case, commit))
    )
    answers = ((case.sent_as(reply.reply_to), 0.0) for reply in case.history.replies)
    yield from _in_order("replies", ((one, at) for one, at in answers if one is not None))
    lines = ((case.sent_as(line.reply_to), 0.0) for line in case.history.lines)
    yield from _in_order("lines", ((one, at) for one, at in lines if one is not None))
    kept = ((case.sent_as(message.id), 0.0) for message in case.history.kept)
    yield from _in_order("journal", ((one, at) for one, at in kept if one is not None))


def _senders(case: _Case, commit: Commit) -> list[Sent]:
    return [case.by_token[token] for token in commit.tokens if token in case.by_token]


def _in_order(where: str, found: Iterator[tuple[Sent, float]]) -> Iterator[Fault]:
    latest: dict[tuple[str, str], Sent] = {}
    seen: set[str] = set()
    for one, _ in found:
        if one.token in seen:
            continue
        seen.add(one.token)
        before = latest.get((one.instance, one.sender))
        if before is not None and before.n > one.n:
            yield Fault("swapped", one.token, f"{where}: {one.sender}'s number {one.n} came after its {before.n}")
        else:
            latest[one.instance, one.sender] = one


def _leaked(case: _Case) -> Iterator[Fault]:
    """What was said on a channel of an instance stays there."""
    for commit in case.commits:
        for one in _senders(case, commit):
            if one.instance != commit.turn.instance:
                yield Fault(
                    "leaked", one.token, f"sent to {one.instance}, in the conversation of {commit.turn.instance}"
                )
            elif commit.channel and commit.channel != one.channel:
                yield Fault("leaked", one.token, f"sent on {one.channel}, told to Claude as {commit.channel}")
    for line in case.history.lines:
        for token in TOKEN.findall(line.text):
            known = case.by_token.get(token)
            if known and (known.instance, known.channel) != (line.instance, line.channel):
                to = f"{line.instance}/{line.channel}"
                yield Fault("leaked", token, f"of {known.instance}/{known.channel}, read on {to}")
        asked = case.sent_as(line.reply_to)
        if asked and (asked.instance, asked.channel) != (line.instance, line.channel):
            yield Fault("leaked", asked.token, f"its reply was read on {line.instance}/{line.channel}")


def _wrong_answer(case: _Case) -> Iterator[Fault]:
    """Every answer is the answer to its own message, whole."""
    for reply in case.history.replies:
        one = case.sent_as(reply.reply_to)
        if one is None or reply.error:
            continue
        said = reply.text.removeprefix(RESUMED).removeprefix("You wrote: ")
        said = said.rpartition(_ORIGINAL)[2].strip()
        if said != one.text.strip():
            yield Fault("wrong-answer", one.token, f"sent {one.text[:80]!r}, answered {said[:80]!r}")
        commits = case.commits_of[one.token]
        if commits and commits[-1].continued and not reply.text.startswith(RESUMED):
            yield Fault("unresumed", one.token, "continued after an interruption, and its reply does not say so")


def _merged(case: _Case) -> Iterator[Fault]:
    """Every prompt that holds a message holds that message alone, whole; no draft of a person is ever submitted."""
    for commit in case.commits:
        where = f"prompt of {commit.turn.pid} at {commit.turn.at:.3f}"
        if DRAFT.search(commit.turn.text):
            yield Fault("merged", where, f"a person's draft was submitted: {commit.turn.text[:120]!r}")
        elif not commit.tokens:
            continue
        elif len(commit.tokens) > 1 or not commit.alone:
            yield Fault("merged", where, f"{commit.tokens} in one prompt: {commit.turn.text[:200]!r}")
        else:
            one = case.by_token.get(commit.tokens[0])
            if one is not None and commit.body.strip() != one.text.strip():
                yield Fault("merged", one.token, f"sent {one.text[:80]!r}, entered as {commit.body[:80]!r}")


def _garbled(case: _Case) -> Iterator[Fault]:
    for line in case.history.garbled:
        yield Fault("garbled", "out", line)


_RULES: tuple[Callable[[_Case], Iterator[Fault]], ...] = (
    _lost,
    _duplicated,
    _answered_twice,
    _swapped,
    _leaked,
    _wrong_answer,
    _merged,
    _garbled,
)


def main() -> int:
    directory = Path(sys.argv[1])
    journals = dict(word.split("=", 1) for word in sys.argv[2:])
    found = {name: Path(path) for name, path in journals.items()}
    verdict = check(load(directory, found))
    sys.stdout.write(f"{verdict}\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
