"""A person's draft is set aside for a message and put back, by the table."""

from __future__ import annotations

from dataclasses import replace

from ccmux.core.commands import Paste, Save, Stash
from ccmux.core.delivery import Delivery
from ccmux.core.events import Arrived, Looked, Pasted
from ccmux.model.ids import ChannelName, Generation, MessageId, Nonce
from ccmux.model.message import Message, MessageState
from ccmux.model.turn import PromptAccepted

G1, G2 = Generation("g1"), Generation("g2")
M0 = Message(MessageId("m-0"), ChannelName("local"), "eve", "hello", 0.0)
DRAFT = Looked(G1, idle=True, blocked="draft", box="half a thought")
OLD_DRAFT = replace(DRAFT, waited=True)
ASIDE = Looked(G1, idle=True, blocked="", box="", stashed=True)
EMPTY = replace(ASIDE, stashed=False)


def stashing() -> Delivery:
    machine = Delivery()
    machine.handle(Arrived(M0), 1.0)
    assert machine.handle(DRAFT, 2.0) == []
    assert machine.handle(OLD_DRAFT, 3.0) == [Stash(G1)]
    assert machine.stashed == G1
    return machine


def test_an_old_draft_is_set_aside_and_then_the_message_is_typed() -> None:
    machine = stashing()
    save, paste = machine.handle(ASIDE, 4.0)
    assert isinstance(save, Save)
    assert isinstance(paste, Paste)
    nonce = paste.message.nonce
    machine.handle(Pasted(nonce, "shown"), 4.1)
    machine.handle(PromptAccepted("p", nonce), 4.2)
    assert machine.stashed is None  # Claude puts it back


def test_a_draft_is_not_touched_while_nothing_is_to_be_typed() -> None:
    assert Delivery().handle(OLD_DRAFT, 1.0) == []


def test_what_stands_aside_is_put_back_when_its_message_has_died() -> None:
    machine = Delivery(max_attempts=1)
    machine.handle(Arrived(M0), 1.0)
    machine.handle(OLD_DRAFT, 2.0)
    _, paste = machine.handle(ASIDE, 3.0)
    assert isinstance(paste, Paste)
    *_, answer = machine.handle(Pasted(paste.message.nonce, "unseen"), 4.0)
    assert getattr(answer, "message", M0).state is MessageState.DEAD
    assert machine.handle(ASIDE, 5.0) == [Stash(G1)]
    assert machine.handle(EMPTY, 6.0) == []
    assert machine.stashed is None


def test_it_is_not_put_back_into_a_box_that_is_not_free_or_of_another_claude() -> None:
    machine = Delivery.recovered([], generation=None, now=0.0, stashed=G1)
    assert machine.handle(replace(ASIDE, blocked="typing"), 1.0) == []
    assert machine.stashed == G1
    assert machine.handle(replace(ASIDE, generation=G2), 2.0) == []
    assert machine.stashed is None


def test_a_late_hook_of_an_earlier_attempt_is_believed() -> None:
    old = Nonce("aaaaaaa2")
    machine = Delivery.recovered([M0], generation=None, now=0.0, past={old: M0.id})
    machine.handle(Looked(G1, idle=True, blocked="draft", box="x"), 1.0)
    (save,) = machine.handle(PromptAccepted("p", old), 1.1)
    assert isinstance(save, Save)
    assert (save.message.state, save.message.nonce) == (MessageState.ACCEPTED, old)
    assert not machine.waiting
