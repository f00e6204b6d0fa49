"""Markdown cut into pieces of a size, each of them readable alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccmux.gateways.slack.format.scan import Atom, Shape, atoms, indent, lines_of
from ccmux.gateways.slack.format.size import head, units


@dataclass(frozen=True, slots=True)
class Piece:
    """`body` is of the text; `opened` and `closed` are repeated lines around it."""

    opened: str
    body: str
    closed: str


def split(text: str, most: int) -> list[Piece]:
    """The bodies joined are the text, but for pieces of blank lines alone, which are left out."""
    packer = _Packer(most)
    for atom in atoms(text):
        packer.add(atom)
    packer.end()
    return packer.done


@dataclass(slots=True)
class _Packer:
    most: int
    done: list[Piece] = field(default_factory=list)
    opened: str = ""
    held: list[Atom] = field(default_factory=list)
    size: int = 0

    def add(self, atom: Atom) -> None:
        if self.size + atom.size > self.most:
            if atom.size > self.most:
                self._cut(atom)
                return
            taken = self._taken_along(atom)
            self._flush()
            for one in taken:
                self._hold(one)
        self._hold(atom)

    def end(self) -> None:
        self._flush(self.held[-1].close if self.held and not self.held[-1].ended else "")

    def _hold(self, atom: Atom) -> None:
        self.held.append(atom)
        self.size += atom.size

    def _taken_along(self, atom: Atom) -> list[Atom]:
        """The last pieces, when they belong to the one that begins the next message, and do not leave this one empty."""
        taken: list[Atom] = []
        size, first = atom.size, atom
        for at in range(len(self.held) - 1, 0, -1):
            last = self.held[at]
            size += last.size
            if not (last.leads or first.hangs) or size > self.most // 2 + atom.size or size > self.most:
                break
            taken.insert(0, last)
            first = last
        while taken and taken[0].blank:
            del taken[0]
        del self.held[len(self.held) - len(taken) :]
        return taken

    def _flush(self, close: str = "") -> None:
        body = "".join(atom.text for atom in self.held)
        if body.strip() or (self.opened and body):
            closed = close if not close or body.endswith("\n") else f"\n{close}"
            self.done.append(Piece(self.opened, body, closed))
        self.opened, self.held, self.size = "", [], 0

    def _cut(self, atom: Atom) -> None:
        if self.size > self.most * 3 // 4:
            self._flush()
        around = units(atom.reopen) + units(atom.close) + 1
        if atom.shape is Shape.TEXT or around > self.most // 2:
            self._cut_text(atom.text)
        else:
            self._cut_lines(atom, self.most - around)

    def _cut_text(self, rest: str) -> None:
        while self.size + units(rest) > self.most:
            at = _line(rest, self.most - self.size)
            self._hold(Atom(Shape.TEXT, (rest[:at],)))
            self._flush()
            rest = rest[at:]
        if rest:
            self._hold(Atom(Shape.TEXT, (rest,)))

    def _cut_lines(self, atom: Atom, room: int) -> None:
        """Between lines, or within one that no message holds; what is repeated is written around."""
        bits = list[str]()
        for line in atom.lines:
            while units(line) > room:
                at = head(line, room)
                bits.append(line[:at])
                line = line[at:]  # noqa: PLW2901
            bits.append(line)
        whole = 3 if atom.shape is Shape.TABLE else 2  # what begins it is not left alone
        if units("".join(bits[:whole])) <= room:
            bits[:whole] = ["".join(bits[:whole])]
        for number, bit in enumerate(bits):
            last = number == len(bits) - 1 and atom.ended
            reserved = 0 if last or not atom.close else units(atom.close) + 1
            if self.size + units(bit) + reserved > self.most:
                self._flush(atom.close if number else "")
                if number:
                    self.opened, self.size = atom.reopen, units(atom.reopen)
            self._hold(Atom(Shape.TEXT, (bit,), close=atom.close))
        if not atom.ended:
            self.held[-1] = Atom(Shape.TEXT, self.held[-1].lines, close=atom.close, ended=False)


def _line(text: str, room: int) -> int:
    """Where to cut: before the line with the least indent among those of the second half, else within a line."""
    at, used, best, least = 0, 0, 0, -1
    for line in lines_of(text):
        deep = indent(line)
        if used > room // 2 and (least < 0 or deep <= least):
            best, least = at, deep
        used += units(line)
        if used > room:
            break
        at += len(line)
    return best or head(text, room)
