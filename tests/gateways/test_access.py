"""Who is heard: a table of everybody who may not be, on every kind of event."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmux.errors import ConfigError
from ccmux.gateways.access import Accepted, Dropped, judge, may_decide
from ccmux.gateways.config import DIRECT, Access, Binding, GatewaySpec, change, read
from ccmux.gateways.words import Heard, Kind, Place, RemoteFile, Sender

SPEC = GatewaySpec(
    access=Access(teams=("T1",), users=("U1",), operators=("U2",), bots=("B1",), hops=2),
    bind=(Binding("C1", "a"), Binding("C2", "b", mention=True), Binding(DIRECT, "main")),
)


def heard(user: str = "U1", room: str = "C1", text: str = "hello", **more: object) -> Heard:
    place = Place(room, team=str(more.pop("team", "T1")), direct=bool(more.pop("direct", False)))
    sender = Sender(user, bot=bool(more.pop("bot", False)))
    made = Heard("k", place, sender, "1", "1", 0.0, text)
    return msgspec.structs.replace(made, **more)


@pytest.mark.parametrize(
    ("what", "instance"),
    [
        (heard(), "a"),
        (heard("U2"), "a"),
        (heard(room="D9", direct=True), "main"),
        (heard(room="C2", mentioned=True), "b"),
        (heard("B1", bot=True, hops=1), "a"),
        (heard(text="", files=(RemoteFile("F", "f", 1, "u"),)), "a"),
        (heard(text="", kind=Kind.DELETED), "a"),
    ],
)
def test_who_is_heard_and_by_whom(what: Heard, instance: str) -> None:
    verdict = judge(what, SPEC)
    assert isinstance(verdict, Accepted)
    assert verdict.binding.instance == instance


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("what", "why"),
    [
        (heard("U9"), "a stranger"),
        (heard(""), "nobody said it"),
        (heard(team="T9"), "another workspace"),
        (heard(team=""), "another workspace"),
        (heard(room="C9"), "the room is not bound to an instance"),
        (heard(room="C2"), "not addressed to us"),
        (heard("B9", bot=True), "a program"),
        (heard("U1", bot=True), "a program"),
        (heard("B1", bot=True, hops=2), "it went through 2 programs before"),
    ],
)
def test_who_is_not_heard_on_any_kind_of_event(what: Heard, why: str, kind: Kind) -> None:
    verdict = judge(msgspec.structs.replace(what, kind=kind), SPEC)
    assert isinstance(verdict, Dropped)
    assert verdict.reason == why


def test_only_operators_order_and_decide() -> None:
    assert isinstance(judge(heard(text="/stop"), SPEC), Dropped)
    order = judge(heard("U2", text="/stop"), SPEC)
    assert isinstance(order, Accepted)
    assert order.order is not None
    assert [may_decide(Sender(one), SPEC) for one in ("U1", "U2", "U9", "")] == [False, True, False, False]
    assert not may_decide(Sender("U2", bot=True), SPEC)


def test_only_a_stranger_who_writes_to_us_alone_may_be_let_in() -> None:
    strangers = [heard("U9", direct=True, room="D1"), heard("U9"), heard("B9", bot=True, direct=True, room="D1")]
    assert [isinstance(v := judge(one, SPEC), Dropped) and v.stranger for one in strangers] == [True, False, False]


IDS = st.sampled_from(["", "T1", "U1", "U2", "B1", "C1", "C2", "D1", "X"])


@given(team=IDS, user=IDS, room=IDS, bot=st.booleans(), direct=st.booleans(), kind=st.sampled_from(Kind))
def test_an_empty_list_is_nobody(*, team: str, user: str, room: str, bot: bool, direct: bool, kind: Kind) -> None:
    what = msgspec.structs.replace(heard(user, room, team=team, bot=bot, direct=direct), kind=kind)
    for without in ("teams", "both"):
        access = Access() if without == "both" else msgspec.structs.replace(SPEC.access, teams=())
        assert isinstance(judge(what, msgspec.structs.replace(SPEC, access=access)), Dropped)
    assert isinstance(judge(what, msgspec.structs.replace(SPEC, bind=())), Dropped)


def test_a_room_has_one_instance_and_an_instance_one_room(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    for pair in ((("C1", "a"), ("C1", "b")), (("C1", "a"), ("C2", "a"))):
        rooms = "".join(f'[[bind]]\nroom = "{room}"\ninstance = "{name}"\n' for room, name in pair)
        path.write_text(rooms)
        with pytest.raises(ConfigError):
            read(path)
    change(path := tmp_path / "other.toml", SPEC)
    assert read(path) == SPEC
    path.write_text("# mine\n" + path.read_text())
    change(path, msgspec.structs.replace(SPEC, bind=SPEC.bind[:1]))
    assert path.read_text().startswith("# mine\n")
    assert read(path).bind == SPEC.bind[:1]


def test_wrong_configuration_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    for wrong in (
        "[acess]\n",
        "bind = 3\n",
        "version = 2\n",
        "[access]\nusers = [1]\n",
        "x",
        '[[bind]]\nroom = "C 1"\n',
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigError, match=r"gateway\.toml"):
            read(path)
