"""reply-sent, reply-in-time, reply-state, reply-url, reply-valid, reply-once, nack-honest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import IDS, OTHER_PROJECT, Asked, History, bad, results, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE
STATES = ("MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE")


def asked_in(state: str = "PLANNED_MAINTENANCE", **about: Any) -> tuple[History, Asked]:
    """A session in which the state was asked, the alarm taken and the list fetched."""
    history = History().session()
    return history, history.get(history.deliver(history.ask(state, **about)))


def replied(body: Any, state: str = "PLANNED_MAINTENANCE", **put: Any) -> History:
    """The same, with a reply like this."""
    history, asked = asked_in(state)
    history.put(asked, body=body, **put)
    return history


class TestSent:
    """Every state is answered."""

    @pytest.mark.parametrize("state", STATES)
    def test_sent(self, state: str) -> None:
        """Whatever the answer says."""
        history = History().session()
        history.answered(state)
        assert verdict("reply-sent", history) is PASS

    @pytest.mark.parametrize("state", STATES)
    def test_not_sent(self, state: str) -> None:
        """The whole window went by."""
        history, _ = asked_in(state)
        history.now = 6
        assert verdict("reply-sent", history) is FAIL

    def test_session_failed_for_it(self) -> None:
        """The session's end at the window's end is the same silence."""
        history, _ = asked_in("MAINTENANCE")
        history.now = 5.0
        history.end(failed_by="me")
        assert verdict("reply-sent", history) is FAIL

    def test_recording_ends_early(self) -> None:
        """Nobody knows what would have come."""
        history, _ = asked_in()
        history.now = 4.9
        assert verdict("reply-sent", history) is NOT_JUDGED

    def test_session_failed_for_another_project(self) -> None:
        """The window was cut short."""
        history, _ = asked_in()
        history.now = 2
        history.end(failed_by=OTHER_PROJECT)
        history.now = 9
        assert verdict("reply-sent", history) is NOT_JUDGED

    def test_window_is_not_told(self) -> None:
        """Without a window there is no end to it."""
        history, _ = asked_in(window=0)
        history.now = 99
        assert verdict("reply-sent", history) is NOT_JUDGED

    @pytest.mark.parametrize(
        "delivery",
        [
            {"after": 4.5},
            {"status": None},
            {"effect": {"drop": True}, "status": None},
            {"effect": {"truncate": 10}},
            {"effect": {"malformed": True}, "status": 400},
            {"effect": {"crop": 10}},
            {"effect": {"content_type": "text/html"}},
            {"effect": {"traits": {"state": "OTHER"}}, "state": "OTHER"},
            {"effect": {"traits": {"reply_url": "x"}}},
            {"effect": {"unknown_state": "OTHER"}},
        ],
    )
    def test_was_not_fairly_told(self, delivery: dict[str, Any]) -> None:
        """An alarm that came too late, not at all, or spoiled, asks nothing."""
        history = History().session()
        history.deliver(history.ask("MAINTENANCE"), **delivery)
        history.now = 6
        assert verdict("reply-sent", history) is NOT_JUDGED

    @pytest.mark.parametrize(
        "effect", [{"delay": "1s"}, {"traits": {"risk": "high"}}, {"duplicate": 1}, {"drip": "1s"}]
    )
    def test_fault_left_the_alarm_whole(self, effect: dict[str, Any]) -> None:
        """It can be answered."""
        history = History().session()
        history.deliver(history.ask("MAINTENANCE"), 1.0, effect=effect)
        history.now = 6
        assert verdict("reply-sent", history) is FAIL

    def test_held_session_has_a_longer_window(self) -> None:
        """The wait that began anew counts, not the first."""
        history, asked = asked_in("MAINTENANCE")
        history.now = 4
        history.timer("replies", 5)
        history.put(asked, 7.0)
        history.now = 8
        assert bad(history) == set()


class TestInTime:
    """Before the window's end."""

    @pytest.mark.parametrize(("after", "outcome"), [(0.05, PASS), (4.9, PASS), (5.0, PASS), (5.1, FAIL), (9.0, FAIL)])
    def test_in_time(self, after: float, outcome: Outcome) -> None:
        """What counts is when the first reply began to come."""
        history, asked = asked_in()
        history.put(asked, after)
        assert verdict("reply-in-time", history) is outcome

    def test_repetition_may_come_late(self) -> None:
        """The first reply decides."""
        history, asked = asked_in()
        history.put(asked)
        history.put(asked, 6.0, status=409)
        assert bad(history) == set()

    def test_reply_took_long_to_be_answered(self) -> None:
        """It had come in time."""
        history, asked = asked_in()
        history.put(asked, 4.0, latency=3.0, effect={"delay": "3s"})
        assert verdict("reply-in-time", history) is PASS

    def test_alarm_came_late(self) -> None:
        """There was no second left."""
        history = History().session()
        asked = history.deliver(history.ask("MAINTENANCE"), 4.5)
        history.put(asked, 5.5)
        assert verdict("reply-in-time", history) is NOT_JUDGED

    def test_told_time_lies_in_the_past(self) -> None:
        """A server that tells nonsense, as upstream's does, waits all the same: what it waits for counts."""
        history = History().session()
        asked = history.deliver(history.ask("MAINTENANCE", reply_at=-20))
        history.put(history.get(asked), 2.0)
        assert bad(history) == set()

    def test_margin_is_told(self) -> None:
        """In the timings, and in what the rule says."""
        history, asked = asked_in()
        history.put(asked, 6.0)
        assert "1.0 s after reply_at" in results(history)["reply-in-time"].message


class TestState:
    """Exactly ACK_ or NACK_ and the state."""

    @pytest.mark.parametrize("said", ["ACK_MAINTENANCE", "NACK_MAINTENANCE"])
    def test_right(self, said: str) -> None:
        """These two."""
        assert verdict("reply-state", replied({"state": said}, "MAINTENANCE")) is PASS

    @pytest.mark.parametrize(
        "body",
        [
            {"state": "MAINTENANCE"},
            {"state": "ack_maintenance"},
            {"state": "MAINTENANCE_ACK"},
            {"state": "ACK_PLANNED_MAINTENANCE"},
            {"state": "ACK_MAINTENANCE "},
            {"state": ""},
            {"state": None},
            {"state": 1},
            {},
        ],
    )
    def test_wrong(self, body: Any) -> None:
        """Anything else."""
        assert verdict("reply-state", replied(body, "MAINTENANCE", status=422)) is FAIL

    @pytest.mark.parametrize("body", ["", "ACK_MAINTENANCE", "[]", '"ACK_MAINTENANCE"', "{'state': 1}"])
    def test_what_is_no_object_says_nothing(self, body: str) -> None:
        """That is another rule's matter."""
        assert verdict("reply-state", replied(body, "MAINTENANCE", status=400)) is NOT_JUDGED

    def test_corrected_reply(self) -> None:
        """What was wrong was wrong, also where it was put right."""
        history, asked = asked_in("MAINTENANCE")
        history.put(asked, body={"state": "MAINTENANCE"}, status=422)
        history.put(asked, 0.2)
        assert bad(history) == {"reply-state"}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_json_has_no_such_number(value: str) -> None:
    """What many parsers take is no JSON all the same (RFC 8259)."""
    history = History().session()
    asked = history.get(history.deliver(history.ask("MAINTENANCE")))
    history.put(asked, body=f'{{"state": "ACK_MAINTENANCE", "load": {value}}}', status=422)
    assert verdict("reply-valid", history) is FAIL


class TestUrl:
    """The alarm's own."""

    @pytest.mark.parametrize("more", ["", "/", "//", "?trace=1", "/?trace=1"])
    def test_same_place(self, more: str) -> None:
        """Slashes at the end and a query do not matter."""
        history, asked = asked_in()
        history.put(asked, path=asked.path + more)
        assert verdict("reply-url", history) is PASS

    @pytest.mark.parametrize("path", ["/maintenance/a/b", "/", "/v1/maintenance", "/v1/maintenance/s/p/reply"])
    def test_no_place_of_a_project(self, path: str) -> None:
        """The reply is known as the answer by its state, and no more is said of it than that it went astray."""
        history, asked = asked_in("MAINTENANCE")
        history.request(
            asked,
            0.1,
            method="PUT",
            path=path,
            status=404,
            session=None,
            project=None,
            content_type="application/json",
            request_body='{"state": "ACK_MAINTENANCE"}',
        )
        history.now = 6
        assert bad(history) == {"reply-url"}

    def test_prefix_is_part_of_it(self) -> None:
        """Where the API lies under a prefix, the path without it is another place, though it works."""
        history = History().session()
        asked = history.ask("MAINTENANCE")
        history.deliver(asked, reply_url=f"http://127.0.0.1:12347/fenix{asked.path}")
        history.get(asked)
        history.put(asked)
        assert verdict("reply-url", history) is FAIL

    def test_right_after_astray(self) -> None:
        """One that went astray is enough."""
        history, asked = asked_in("MAINTENANCE")
        history.put(asked, path="/elsewhere", status=404)
        history.put(asked, 0.5)
        assert verdict("reply-url", history) is FAIL


class TestValid:
    """JSON, an object, of the contract's form."""

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;"]
    )
    def test_content_type(self, content_type: str) -> None:
        """Parameters and capital letters are no matter."""
        history, asked = asked_in()
        history.put(asked, content_type=content_type)
        assert verdict("reply-valid", history) is PASS

    @pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json"])
    def test_other_content_type(self, content_type: str) -> None:
        """Nothing else is JSON."""
        history, asked = asked_in()
        history.put(asked, content_type=content_type, status=415)
        assert verdict("reply-valid", history) is FAIL

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("", "no JSON"),
            ("{'state': 'ACK_PLANNED_MAINTENANCE'}", "no JSON"),
            ("state=ACK_PLANNED_MAINTENANCE", "no JSON"),
            ("[]", "an array"),
            ("null", "no JSON|null"),
            ("3", "a number"),
            ("true", "a boolean"),
            (json.dumps('{"state": 1}'), "a string"),
            ({"state": 3}, "a number"),
            ({"state": None}, "null"),
            ({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": []}, "an array"),
            ({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"instance-1": 1}}, "instance-1"),
            ({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"instance-1": None}}, "instance-1"),
        ],
    )
    def test_other_form(self, body: Any, said: str) -> None:
        """It is told what is wrong."""
        found = results(replied(body, status=400))["reply-valid"]
        assert found.outcome is FAIL
        assert any(one in found.message for one in said.split("|"))

    @pytest.mark.parametrize(
        "body",
        [
            {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, "MIGRATE"), "session_id": "s"},
            {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, "EVACUATE")},
            {"state": "ACK_PLANNED_MAINTENANCE"},
            {"state": "NACK_PLANNED_MAINTENANCE", "instance_actions": {}},
            {"state": "PLANNED_MAINTENANCE"},
            {},
        ],
    )
    def test_what_is_other_rules_matter(self, body: Any) -> None:
        """Members that are not known are tolerated; words and actions are judged elsewhere."""
        assert verdict("reply-valid", replied(body)) is PASS

    def test_body_that_the_journal_cut_is_not_blamed(self) -> None:
        """Nobody knows its end."""
        whole = json.dumps({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, "MIGRATE")})
        assert bad(replied(whole[:60] + "… (cut, 70000 characters)")) == set()

    def test_not_judged(self) -> None:
        """Nothing was sent."""
        assert verdict("reply-valid", asked_in()[0]) is NOT_JUDGED


class TestOnce:
    """No second, different reply."""

    def test_same_reply_again(self) -> None:
        """Order of members, and members that say nothing, do not make it another."""
        history, asked = asked_in("MAINTENANCE")
        history.put(asked, body={"state": "ACK_MAINTENANCE"})
        history.put(asked, 0.2, body={"instance_actions": {}, "state": "ACK_MAINTENANCE"})
        assert verdict("reply-once", history) is PASS

    @pytest.mark.parametrize("action", ["OWN_ACTION", None])
    def test_other_reply_after_one_that_was_accepted(self, action: str | None) -> None:
        """Another word or another action."""
        history, asked = asked_in()
        history.put(asked)
        history.put(asked, 0.2, body=asked.reply("ACK_", action) if action else asked.reply("NACK_"), status=409)
        assert verdict("reply-once", history) is FAIL

    @pytest.mark.parametrize(
        "first", [{"status": 422}, {"status": 503}, {"status": None}, {"status": 200, "effect": {"close": True}}]
    )
    def test_other_reply_after_one_that_did_not_count(self, first: dict[str, Any]) -> None:
        """What was refused, or got no answer that could be read, may be put otherwise."""
        history, asked = asked_in()
        history.put(asked, **first)
        history.put(asked, 0.2, body=asked.reply("NACK_"))
        assert verdict("reply-once", history) is PASS

    def test_not_judged(self) -> None:
        """No reply had a right state."""
        assert verdict("reply-once", replied({"state": "DONE"})) is NOT_JUDGED


class TestNack:
    """A refusal is better than silence."""

    def test_refused(self) -> None:
        """It breaks no rule, and it is told."""
        history, asked = asked_in("SCALE_IN")
        history.put(asked, body=asked.reply("NACK_"))
        assert bad(history) == set()
        assert verdict("nack-honest", history) is PASS

    def test_not_judged(self) -> None:
        """Nothing was refused."""
        assert verdict("nack-honest", asked_in()[0]) is NOT_JUDGED


class TestWhichQuestion:
    """Which question a reply answers."""

    def test_lost_answer_is_repeated_when_the_next_question_is_open(self) -> None:
        """The reply counted, its answer was lost, the session went on: the repetition belongs to the older question."""
        history, asked = asked_in("MAINTENANCE")
        history.put(asked, 0.1, status=None, effect={"close": True})
        history.now = 0.2
        following = history.deliver(history.ask("PLANNED_MAINTENANCE"))
        history.put(asked, 0.5, status=409)
        history.put(history.get(following, 0.4), 0.5)
        history.now = 9
        assert bad(history) == set()

    def test_lost_answer_is_repeated_in_the_next_round_of_the_same_state(self) -> None:
        """The words are the same: it is the instances that tell."""
        history, first = asked_in("PLANNED_MAINTENANCE", ids=["instance-1"])
        history.put(first, 0.1, status=None, effect={"close": True})
        history.now = 0.2
        second = history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["instance-2"]))
        history.put(first, 0.5, status=422)
        history.put(history.get(second, 0.4), 0.5)
        history.now = 9
        assert bad(history) == set()

    def test_lost_answer_is_repeated_two_rounds_later(self) -> None:
        """The same words were said in between, but not the same."""
        history, first = asked_in("PLANNED_MAINTENANCE", ids=["instance-1"])
        history.put(first, 0.1, status=None, effect={"close": True})
        history.now = 0.2
        history.answered("PLANNED_MAINTENANCE", ids=["instance-2"], then=0.2)
        third = history.deliver(history.ask("MAINTENANCE_COMPLETE"))
        history.put(first, 0.45, status=409)
        history.put(history.get(third), 0.2)
        history.now = 9
        assert bad(history) == set()

    def test_lost_answer_is_repeated_twice_into_a_silence(self) -> None:
        """It says nothing about the question that is open."""
        history, asked = asked_in("MAINTENANCE")
        history.put(asked, 0.1, status=None, effect={"close": True})
        history.now = 0.2
        history.get(history.deliver(history.ask("PLANNED_MAINTENANCE")), 0.4)
        history.put(asked, 0.5, status=409)
        history.put(asked, 0.55, status=409)
        history.now = 9
        assert bad(history) == {"reply-sent"}

    def test_old_reply_alone_is_the_answer_to_the_open_question(self) -> None:
        """Where nothing else comes, it is what was said to it."""
        history = History().session()
        history.answered("MAINTENANCE")
        asked = history.get(history.deliver(history.ask("PLANNED_MAINTENANCE")))
        history.put(asked, body={"state": "ACK_MAINTENANCE"}, status=409)
        history.now = 9
        assert "reply-state" in bad(history)

    @pytest.mark.parametrize("surface", ["admin", "alarms", "control", "metrics"])
    def test_requests_to_other_surfaces_are_no_replies(self, surface: str) -> None:
        """A VNFM that subscribes or scales in sends requests too."""
        history, asked = asked_in("MAINTENANCE")
        history.request(
            asked, 0.01, method="PUT", path="/x", surface=surface, request_body="{}", session=None, project=None
        )
        history.put(asked, 0.5)
        assert bad(history) == set()
