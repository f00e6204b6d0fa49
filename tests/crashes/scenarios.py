"""What happens to messages, told step by step: after every `yield` the daemon has looked once, or was started again.

A scenario asks the world how things stand and never counts steps, so that it goes its way whoever was killed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.crashes.model import Scenario, Struck, works

_HALF = "half a thought"


def _in_turn(world: Struck) -> bool:
    """Claude works on a message, and its row is written."""
    return world.turn is not None and world.turn.committed and world.turn.owner is not None


def _taken(world: Struck) -> bool:
    """Claude took a message, and its row is not written."""
    return world.turn is not None and not world.turn.committed and world.turn.owner is not None


def plainly(world: Struck) -> Iterator[None]:
    """Three messages, one after the other; the last comes while the first is worked on."""
    world.arrive("one")
    world.arrive("two\nlines")
    yield from works(world, lambda: _in_turn(world))
    world.arrive("three")
    yield from works(world)


def at_once(world: Struck) -> Iterator[None]:
    """A whole turn between two looks of the daemon."""
    world.arrive("one")
    world.arrive("two")
    while not world.quiet:
        yield
        world.advance(2.0)
        if world.turn is not None:
            world.write_row()
            world.finish()


def rows_late(world: Struck) -> Iterator[None]:
    """The Stop hook comes before the rows of its turn are written."""
    world.lagging = True
    world.arrive("one")
    world.arrive("two")
    while not world.quiet:
        yield
        world.flush()
        yield
        world.advance(2.0)
        if world.turn is not None:
            world.write_row()
            world.finish()


def dies_in_turn(world: Struck) -> Iterator[None]:
    """Claude dies in the turn of a message, which the daemon knows to be committed."""
    world.arrive("one")
    yield from works(world, lambda: _in_turn(world))
    yield
    if world.alive:
        world.die()
    yield from works(world)


def dies_before_row(world: Struck) -> Iterator[None]:
    """Claude dies when its hook has named the nonce and no row is written."""
    world.arrive("one")
    yield from works(world, lambda: _taken(world))
    yield
    if world.alive:
        world.die()
    yield from works(world)


def dies_answered(world: Struck) -> Iterator[None]:
    """Claude dies right after it answered, before the daemon looks."""
    world.arrive("one")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.finish()
        world.die()
    yield from works(world)


def refused(world: Struck) -> Iterator[None]:
    """tmux refuses to paste, twice."""
    world.arrive("one")
    for _ in range(2):
        world.paste_fate = "refused"
        yield
        world.goes_on()
    yield from works(world)


def undrawn(world: Struck) -> Iterator[None]:
    """The text is pasted and Claude does not draw it in time."""
    world.arrive("one")
    world.paste_fate = "late"
    yield from works(world)


def undrawn_and_entered(world: Struck) -> Iterator[None]:
    """The same, and when it is drawn at last a person presses Enter on it."""
    world.arrive("one")
    world.paste_fate = "late"
    yield
    world.read_keys()
    if "[end-" in world.box and world.turn is None:
        world.person_enters = True
        world.submit()
        world.person_enters = False
    yield from works(world)


def unseen(world: Struck) -> Iterator[None]:
    """The text stands in the box, and was not seen there in time."""
    world.arrive("one")
    world.paste_fate = "unseen"
    yield from works(world)


def vanished(world: Struck) -> Iterator[None]:
    """The paste goes nowhere."""
    world.arrive("one")
    world.paste_fate = "vanished"
    yield from works(world)


def swallowed(world: Struck) -> Iterator[None]:
    """Enter has no effect, more often than it is pressed for one attempt."""
    world.arrive("one")
    world.swallow = 4
    yield from works(world)


def limited(world: Struck) -> Iterator[None]:
    """The API refuses the turn; later Claude is asked to continue."""
    world.arrive("one")
    world.arrive("two")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.fail("rate_limit")
    yield from works(world)


def hopeless(world: Struck) -> Iterator[None]:
    """The API will never take the prompt: its message is dead, the next one goes on."""
    world.arrive("one")
    world.arrive("two")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.fail("invalid_request")
    yield from works(world)


def draft(world: Struck) -> Iterator[None]:
    """A person leaves a draft: it is set aside for the message, and stands in the box again."""
    world.person_types(_HALF)
    world.arrive("one")
    yield
    world.advance(25.0)
    yield from works(world)


def draft_refused(world: Struck) -> Iterator[None]:
    """A draft is set aside, and the paste is refused: it waits out of the box until the message is in."""
    world.person_types(_HALF)
    world.arrive("one")
    world.paste_fate = "refused"
    yield
    world.advance(25.0)
    yield
    world.advance(2.0)
    yield
    yield from works(world)


def draft_cancelled(world: Struck) -> Iterator[None]:
    """A draft is set aside, and the message is taken back: nothing is submitted, so the daemon puts the draft back."""
    world.person_types(_HALF)
    world.arrive("one")
    yield
    world.advance(25.0)
    yield
    world.cancel(world.order[0])
    yield from works(world)


def typed_behind(world: Struck) -> Iterator[None]:
    """A person types behind our text while Enter is on its way: his words are parted from ours."""
    world.arrive("one")
    world.swallow = 1
    yield
    if world.alive and "[end-" in world.box:
        world.person_types(_HALF)
    yield
    world.advance(25.0)
    yield from _draft_out_of_the_way(world)


def _draft_out_of_the_way(world: Struck) -> Iterator[None]:
    for _ in range(6):
        yield
        world.advance(25.0)
    yield from works(world)


def background(world: Struck) -> Iterator[None]:
    """A background task goes on after the answer; its end begins a turn that gets a second reply."""
    world.arrive("one")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.finish(("task-1",))
    yield from _task(world)


def background_rows_late(world: Struck) -> Iterator[None]:
    """The same, and the Stop hook of the second turn comes before its rows."""
    world.lagging = True
    world.arrive("one")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.finish(("task-1",))
        world.flush()
    yield from _task(world)


def background_queued(world: Struck) -> Iterator[None]:
    """The task's turn begins right before Enter for another message, which waits in it."""
    world.arrive("one")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.finish(("task-1",))
    yield from works(world)
    world.interlude = "task"
    world.arrive("two")
    yield from works(world)


def _task(world: Struck) -> Iterator[None]:
    yield from works(world)
    world.happen("task")
    if world.turn is not None:
        yield
        if world.turn is not None:
            world.write_row()
            world.finish()
        yield
        world.flush()
    yield
    yield from works(world)


def stop_lost(world: Struck) -> Iterator[None]:
    """The Stop hook is lost: the transcript's final text answers."""
    world.arrive("one")
    world.arrive("two")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.lose_hooks = 1
        world.finish()
    yield from works(world)


def accepted_lost(world: Struck) -> Iterator[None]:
    """The hook of the prompt is lost: the row tells."""
    world.arrive("one")
    world.lose_hooks = 1
    yield from works(world)


def queued(world: Struck) -> Iterator[None]:
    """Another turn begins right before Enter: the prompt waits in it, and its hook carries that turn's id."""
    world.arrive("one")
    world.interlude = "wake"
    yield from works(world)


def taken_back(world: Struck) -> Iterator[None]:
    """The prompt is queued in another turn, and a person takes it out of Claude's queue."""
    world.arrive("one")
    world.interlude = "wake"
    yield from works(world, lambda: bool(world.queued))
    yield
    for turn in world.queued:
        world.touched |= {turn.owner} if turn.owner else set()
    world.queued.clear()
    yield from works(world)


def dialog(world: Struck) -> Iterator[None]:
    """A dialog opens right before the text is pasted, and a person closes it later."""
    world.arrive("one")
    world.interlude = "dialog"
    while not world.quiet:
        yield from works(world, lambda: world.dialog)
        yield
        world.dialog = False


def escaped(world: Struck) -> Iterator[None]:
    """A person presses Esc in the turn: the message ends without an answer, the next one goes on."""
    world.arrive("one")
    world.arrive("two")
    yield from works(world, lambda: _in_turn(world))
    if _in_turn(world):
        world.escape()
    yield from works(world)


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        plainly,
        at_once,
        rows_late,
        dies_in_turn,
        dies_before_row,
        dies_answered,
        refused,
        undrawn,
        undrawn_and_entered,
        unseen,
        vanished,
        swallowed,
        limited,
        hopeless,
        draft,
        draft_refused,
        draft_cancelled,
        typed_behind,
        background,
        background_rows_late,
        background_queued,
        stop_lost,
        accepted_lost,
        queued,
        taken_back,
        dialog,
        escaped,
    )
}
