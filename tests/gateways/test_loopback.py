"""A gateway with real instances behind it: what is said in a room is answered there, once, whatever dies."""

from __future__ import annotations

import pytest

from tests.gateways.village import Village
from tests.rig import Rig, until

pytestmark = pytest.mark.real


def test_a_message_is_answered_in_its_thread_and_marked(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.queue({"text": "hello anna"})
    village.bind("town", "a")
    village.start()
    native = village.say("town", "hello")
    until(lambda: village.answers("town", native) == ["hello anna"], "answered in the thread")
    until(lambda: village.marks("town", native) == ["done"], "marked")
    (one,) = rig.history("a")
    assert (one["message"]["channel"], one["message"]["sender"]) == ("loopback", "anna")
    village.stop()


def test_strangers_programs_and_other_rooms_are_not_heard_and_written_down(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    village.bind("town", "a")
    village.start()
    village.say("town", "let me in", who="mallory")
    village.say("town", "beep", who="robot", bot=True)
    village.say("town", "/stop", who="anna")
    good = village.say("town", "hello")
    until(lambda: village.answers("town", good), "who is known is answered")
    assert [one["message"]["text"] for one in rig.history("a")] == ["hello"]
    assert len(village.answers("town")) == 1


def test_what_was_said_while_the_gateway_was_away_is_made_up_for_in_order(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    village.bind("town", "a")
    village.start()
    first = village.say("town", "one")
    until(lambda: village.answers("town", first), "answered")
    village.kill()
    for number in range(5):
        village.say("town", f"while away {number}")
    village.start()
    until(lambda: len(village.answers("town")) == 6, "all are answered")
    assert [one["message"]["text"] for one in rig.history("a")] == ["one", *(f"while away {n}" for n in range(5))]


def test_a_question_is_asked_in_the_room_and_answered_by_a_button_by_who_may(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.queue({"tool": "Bash", "input": {"command": "touch made-by-claude"}}, {"text": "done"})
    village.bind("town", "a")
    village.start()
    native = village.say("town", "make it")
    asked = until(lambda: [line for line in village.ours("town") if "asked" in line], "it is asked")[0]
    assert (asked["text"], asked["thread"]) == ("open", native)
    village.say("town", press=asked["asked"], allow=True, who="anna")
    until(lambda: [line for line in village.ours("town") if line.get("to") == "anna"], "anna is no operator")
    assert rig.status("a")["state"] == "waiting"
    village.say("town", press=asked["asked"], allow=True, who="boss")
    until(lambda: village.answers("town", native) == ["done"], "it went on")
    assert (rig.project("a") / "made-by-claude").exists()
    until(
        lambda: [one["text"] for one in village.ours("town") if "edit" in one] == ["allowed"], "the question is closed"
    )
    village.say("town", press=asked["asked"], allow=False, who="boss")
    late = until(lambda: [line["text"] for line in village.ours("town") if line.get("to") == "boss"], "told")
    assert "Too late" in late[0]
    assert "allowed before by boss" in late[0]
    assert len([line for line in village.ours("town") if "asked" in line and "edit" not in line]) == 1


def test_orders_of_an_operator_are_carried_out_and_those_of_others_are_not(rig: Rig, village: Village) -> None:
    rig.new("a")
    village.bind("town", "a")
    village.start()
    village.say("town", "/pause", who="anna")
    village.say("town", "/pause", who="boss")
    until(lambda: any("paused" in text for text in village.notices("town")), "told")
    assert rig.status("a")["state"] == "paused"
    village.say("town", "/resume", who="boss")
    until(lambda: rig.status("a")["state"] == "idle", "it goes on")
    assert rig.history("a")[0]["message"]["state"] == "done" if rig.history("a") else True


def test_an_edit_replaces_what_waits_and_a_deletion_takes_it_back(rig: Rig, village: Village) -> None:
    rig.new("a")
    rig.standin.default({"text": "ok"})
    village.bind("town", "a")
    village.start()
    village.say("town", "/pause", who="boss")
    until(lambda: rig.status("a")["state"] == "paused", "paused")
    first, second = village.say("town", "frist"), village.say("town", "never mind")
    until(lambda: len(rig.history("a")) == 2, "both are with the instance")
    village.say("town", "first", edit=first)
    village.say("town", delete=second)
    until(lambda: len(rig.history("a")) == 3, "the edit is, too")

    def ended() -> list[str]:
        return sorted(one["message"]["text"] for one in rig.history("a") if one["message"]["state"] == "rejected")

    until(lambda: ended() == ["frist", "never mind"], "what was regretted is not asked any more")
    village.say("town", "/resume", who="boss")
    until(lambda: len(village.answers("town")) == 1, "answered")
    assert rig.prompts()[-1].count("first") == 1
    assert len(rig.prompts()) == 1
    assert not [text for text in village.notices("town") if "cancel" in text]


def test_files_travel_both_ways_under_names_of_our_own(rig: Rig, village: Village) -> None:
    rig.new("a")
    (rig.project("a") / "report.txt").write_text("what was found")
    (rig.project("a") / ".secret").write_text("not for others")
    rig.standin.queue({"text": "here it is\n[[file: report.txt]]\n[[file: .secret]]\n[[file: /etc/passwd]]"})
    village.bind("town", "a")
    village.start()
    sent = rig.home / "my notes;.md"
    sent.write_text("# notes")
    native = village.say("town", "see this", files=[str(sent), str(rig.home / "gone")])
    until(lambda: village.answers("town", native), "answered")
    (message,) = rig.history("a")
    (attachment,) = message["message"]["attachments"]
    assert attachment["name"] == "01-my-notes-.md"
    assert "could not be had" in message["message"]["text"]
    file = until(lambda: [line for line in village.ours("town") if "file" in line], "the file came")[0]
    assert (file["file"], file["text"], file["thread"]) == ("01-report.txt", "what was found", native)
    (answer,) = village.answers("town", native)
    assert "not in the work directory" in answer
    assert "hidden files are not sent" in answer
    assert "not for others" not in (village.rooms / "town.jsonl").read_text()


def test_a_long_turn_shows_what_it_does_in_one_message_that_goes_with_the_answer(rig: Rig, village: Village) -> None:
    rig.new("a")
    (rig.project("a") / "app.py").write_text("print()")
    path = str(rig.project("a") / "app.py")
    rig.standin.queue(
        {"tool": "Read", "input": {"file_path": path}},
        {"tool": "Bash", "input": {"command": "sleep 6", "description": "Waiting a while"}},
        {"text": "done"},
    )
    rig.run("config", "set", "a", "claude.allow", '["Read", "Bash(sleep:*)"]')
    rig.run("restart", "a", "--session")
    village.bind("town", "a")
    village.start()
    native = village.say("town", "look at it")
    until(lambda: village.answers("town", native) == ["done"], "answered")
    until(lambda: [line for line in village.ours("town") if "delete" in line], "the progress is taken away")
    progress = [line for line in village.ours("town") if line.get("progress")]
    assert {line["text"] for line in progress} <= {"reading src-a/app.py", "Waiting a while"}
    posted = [
        number for number, line in enumerate(village.lines("town"), 1) if line.get("progress") and "edit" not in line
    ]
    assert [line["delete"] for line in village.ours("town") if "delete" in line] == [str(posted[0])]
    assert len(posted) == 1


def test_three_gateways_of_three_instances_in_one_room_do_not_talk_to_each_other(rig: Rig) -> None:
    villages = []
    rig.standin.default({"text": "my answer"})
    for name in ("a", "b", "c"):
        rig.new(name)
        village = Village(rig, f"loopback-{name}")
        village.configure(channel="loopback")
        village.bind("town", name)
        villages.append(village)
    shared = rig.home / "town.jsonl"
    shared.touch()
    for village in villages:
        (village.rooms / "town.jsonl").symlink_to(shared)
        village.start()
    try:
        villages[0].say("town", "hello all")
        until(lambda: len(villages[0].answers("town")) == 3, "each answers")
        villages[0].say("town", "and again")
        until(lambda: len(villages[0].answers("town")) == 6, "each answers once more")
    finally:
        for village in villages:
            village.kill()
    assert all(len(rig.history(name)) == 2 for name in ("a", "b", "c"))
