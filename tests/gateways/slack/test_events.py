"""Each type and subtype of Slack's events, and what each is to us."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccmux.gateways.slack.events import SUBTYPES, Own, edit, heard, people
from ccmux.gateways.slack.presses import command, press
from ccmux.gateways.words import Kind

OWN = Own("T1", "U0", "B0")


def message(**more: Any) -> dict[str, Any]:
    return {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1700000000.000100", **more}


def changed(before: str, after: str, **more: Any) -> dict[str, Any]:
    common = {"type": "message", "user": "U1", "ts": "1700000000.000100"}
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "ts": "1700000009.000100",
        "message": {**common, "text": after, "edited": {"user": "U1", "ts": "1700000009.000000"}, **more},
        "previous_message": {**common, "text": before},
    }


@pytest.mark.parametrize(
    "subtype",
    [
        "assistant_app_thread",
        "bot_add",
        "channel_archive",
        "channel_join",
        "channel_leave",
        "channel_name",
        "channel_purpose",
        "channel_topic",
        "ekm_access_denied",
        "group_join",
        "message_replied",
        "pinned_item",
        "reminder_add",
        "something_new",
        "tombstone",
    ],
)
def test_what_nobody_said_is_nothing(subtype: str) -> None:
    assert heard(message(subtype=subtype), OWN, {}) is None


@pytest.mark.parametrize("kind", ["app_mention", "reaction_added", "message_metadata_posted", "", "team_join"])
def test_other_types_are_nothing(kind: str) -> None:
    assert heard(message() | {"type": kind}, OWN, {}) is None


@pytest.mark.parametrize("subtype", [key for key, kind in SUBTYPES.items() if kind is Kind.SAID])
def test_what_was_said(subtype: str) -> None:
    said = heard(message(subtype=subtype, thread_ts="1600000000.000100"), OWN, {"U1": "ann"})
    assert said is not None
    assert (said.key, said.native) == ("slack:T1:C1:1700000000.000100", "1700000000.000100")
    assert said.order == "001700000000.000100"
    assert (said.place.room, said.place.thread, said.place.direct) == ("C1", "1600000000.000100", False)
    assert (said.sender.id, said.sender.name) == ("U1", "ann")
    assert said.at == pytest.approx(1700000000.0001)


def test_the_beginning_of_a_thread_is_in_no_thread() -> None:
    said = heard(message(thread_ts="1700000000.000100"), OWN, {})
    assert said is not None
    assert said.place.thread == ""


@pytest.mark.parametrize(
    "odd", [{"channel": "C1\nx"}, {"user": "U1 x"}, {"ts": "1\n.000001"}, {"ts": "x"}, {"channel": "C" * 99}]
)
def test_what_is_no_id_is_nothing(odd: dict[str, str]) -> None:
    assert heard(message(**odd), OWN, {}) is None


def test_a_direct_conversation_is_with_one_a_group_is_a_room() -> None:
    for room, direct in (("D1", True), ("G1", False), ("C1", False)):
        said = heard(message(channel=room), OWN, {})
        assert said is not None
        assert said.place.direct is direct


def test_an_edit_of_words_is_an_edit() -> None:
    said = heard(changed("one", "two"), OWN, {})
    assert said is not None
    assert (said.kind, said.text, said.native) == (Kind.EDITED, "two", "1700000000.000100")
    assert said.key == "slack:T1:C1:1700000000.000100:1700000009.000000"
    assert said.order == "001700000000.000100"
    assert said.at == pytest.approx(1700000009)


def test_an_unfurl_is_no_edit() -> None:
    assert heard(changed("one", "one", attachments=[{}]), OWN, {}) is None


def test_an_edit_by_history_is_the_same_event() -> None:
    live = heard(changed("one", "two"), OWN, {})
    read = edit(message(text="two", edited={"user": "U1", "ts": "1700000009.000000"}), OWN, {})
    assert live == read


def test_a_deletion() -> None:
    event = message(subtype="message_deleted", ts="1700000009.000100", deleted_ts="1700000000.000100")
    said = heard({**event, "previous_message": message(text="one")}, OWN, {})
    assert said is not None
    assert (said.kind, said.text, said.native) == (Kind.DELETED, "", "1700000000.000100")
    assert said.key == "slack:T1:C1:1700000000.000100:deleted"


@pytest.mark.parametrize("whose", [{"user": "U0"}, {"user": "", "bot_id": "B0"}, {"user": "U0", "bot_id": "B0"}])
def test_what_we_said_ourselves_is_nothing(whose: dict[str, str]) -> None:
    assert heard(message(**whose), OWN, {}) is None
    assert heard(changed("one", "two", **whose), OWN, {}) is None


def test_who_is_nobody_says_nothing() -> None:
    assert heard(message(user=""), OWN, {}) is None
    assert heard(message(user=None), OWN, {}) is None


def test_a_bot_is_a_bot() -> None:
    by_user = heard(message(bot_id="B9", user="U9", bot_profile={"name": "mate"}), OWN, {})
    by_bot = heard(message(bot_id="B9", user="", subtype="bot_message", username="hook"), OWN, {})
    assert by_user is not None
    assert by_bot is not None
    assert (by_user.sender.id, by_user.sender.bot, by_user.sender.name) == ("U9", True, "mate")
    assert (by_bot.sender.id, by_bot.sender.bot, by_bot.sender.name) == ("B9", True, "hook")


def test_hops_are_those_of_a_ccmux() -> None:
    metadata = {"event_type": "ccmux_delivery", "event_payload": {"id": "m", "hops": 2}}
    for event, hops in (
        (message(bot_id="B9", metadata=metadata), 2),
        (message(metadata=metadata), 0),
        (message(bot_id="B9", metadata={"event_type": "ccmux_delivery"}), 1),
        (message(bot_id="B9", metadata=metadata | {"event_type": "other"}), 0),
        (message(bot_id="B9", metadata={"event_type": "ccmux_delivery", "event_payload": {"hops": 10**9}}), 8),
    ):
        said = heard(event, OWN, {})
        assert said is not None
        assert said.hops == hops


def test_a_mention_is_seen_in_the_text_and_taken_off_it() -> None:
    said = heard(message(text="<@U0> ask <@U2> &amp; me"), OWN, {"U2": "bob"})
    assert said is not None
    assert (said.text, said.mentioned) == ("ask @bob & me", True)
    typed = heard(message(text="&lt;@U0&gt; hello"), OWN, {})
    assert typed is not None
    assert not typed.mentioned
    assert set(people(message(text="<@U0> ask <@U2>"))) == {"U1", "U0", "U2"}


def test_the_team_is_that_of_who_says_it() -> None:
    said = heard(message(user_team="T9", team="T1"), OWN, {})
    assert said is not None
    assert said.place.team == "T9"
    assert said.key.startswith("slack:T1:")


def test_files_are_named_by_us() -> None:
    listed = [
        {"id": "F1", "name": "../../a\u202eb.sh", "size": 3, "url_private_download": "https://files.slack.com/x"},
        {"id": "F2", "mode": "external", "name": "doc", "size": 0, "url_private": "https://drive.example.com/x"},
        {"id": "F3", "mode": "tombstone"},
        "nonsense",
    ]
    said = heard(message(subtype="file_share", files=listed), OWN, {})
    assert said is not None
    one, two = said.files
    assert (one.id, one.name, one.url) == ("F1", "ab.sh", "https://files.slack.com/x")
    assert two.url == ""


def test_a_button_of_somebody_elses_is_nothing() -> None:
    action = {"value": '{"id":"a","decision":"allow"}', "block_id": "x"}
    payload = {"type": "block_actions", "user": {"id": "U1"}, "channel": {"id": "C1"}}
    strange: Any
    for strange in ([], [{"value": "{}"}], [{"value": "x"}], [{}], ["x"], None):
        assert press({**payload, "actions": strange}) is None
    found = press({**payload, "actions": [action]})
    assert found is not None
    assert (found.approval, found.allow, found.place.room) == ("a", True, "C1")


_KEYS = st.sampled_from(
    [
        *("type", "subtype", "channel", "user", "text", "ts", "thread_ts", "message", "previous_message", "edited"),
        *("files", "metadata", "bot_id", "bot_profile", "deleted_ts", "team", "actions", "container", "user_id"),
    ]
)
_WORDS = st.text("<@U0>|&; 1.:\u202e\ud800", max_size=8)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(_KEYS, _ANY, max_size=12), st.sampled_from([None, *SUBTYPES, "x"]))
def test_no_shape_of_an_event_is_too_strange(strange: dict[str, Any], subtype: str | None) -> None:
    for event in (
        strange,
        {**message(), **strange},
        {**strange, **message(subtype=subtype)},
        changed("a", "b", **strange),
    ):
        heard(event, OWN, {})
        edit(event, OWN, {})
        list(people(event))
    press(strange | {"type": "block_actions"})
    command(strange)
