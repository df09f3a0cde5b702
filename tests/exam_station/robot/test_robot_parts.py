"""Robots in their parts: the plan, the person, the tally."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flow_kiosk import FACE, READING
from station_papers import FORM

from exam_server.contract.enrolment import EnrolmentToken
from exam_station.flow import events
from exam_station.flow.codes import NoticeCode
from exam_station.flow.screens import (
    Candidate,
    ConfirmSubmit,
    Notice,
    ProctorConfirms,
    RoomCodeAsked,
    StartCodeAsked,
    Waiting,
    Writing,
)
from exam_station.robot.person import Manner, Person, is_over
from exam_station.robot.plan import Codes, PlanError, load_codes, load_plan, require_loopback
from exam_station.robot.tally import Tally, Witness, percentile
from exam_station.sitting import Sitting

HEAD = b"h" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "https://localhost:1", "https://[::1]:1"])
def test_this_machine_may_be_played_at(url: str) -> None:
    require_loopback(url)


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1", "https://exam.example", "https://", "https://127.0.0.1.example"]
)
def test_no_other_machine_may(url: str) -> None:
    with pytest.raises(PlanError):
        require_loopback(url)


def plan(path: Path, **changes: object) -> Path:
    token = EnrolmentToken("https://127.0.0.1:8443", b"f" * 32, b"s" * 16).to_text()
    part = {
        "room": "P1",
        "seat": "01",
        "name": "Nguyễn Văn An",
        "date_of_birth": "2008-01-02",
        "citizen_number": "001208000001",
        "token": token,
    }
    document = {"realm": "test", "candidates": [part, part, part], **changes}
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_a_plan_gives_the_parts_that_are_asked_for(tmp_path: Path) -> None:
    loaded = load_plan(plan(tmp_path / "plan.json"), first=1, count=2)
    assert [part.number for part in loaded.parts] == [1, 2]
    assert loaded.issuer is None


def test_spare_seats_of_a_plan_have_nobody_and_folders_of_their_own(tmp_path: Path) -> None:
    document = json.loads(plan(tmp_path / "plan.json").read_text())
    seat = {name: document["candidates"][0][name] for name in ("room", "seat", "token")}
    path = plan(tmp_path / "plan.json", spare=[seat, seat])
    loaded = load_plan(path, first=1, count=1, first_spare=1, spare=1)
    assert [(part.person, part.folder) for part in loaded.spare] == [(None, "spare-00001")]
    assert [part.folder for part in loaded.parts] == ["00001"]
    with pytest.raises(PlanError, match="no 2 spare seats"):
        load_plan(path, first=0, count=1, first_spare=1, spare=2)


@pytest.mark.parametrize("changes", [{"realm": "live"}, {"candidates": [{}]}, {"candidates": []}])
def test_what_is_no_test_plan_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(PlanError):
        load_plan(plan(tmp_path / "plan.json", **changes), first=0, count=1)


def writing(sitting: Sitting) -> Writing:
    return Writing(Candidate("p", "1", "A", None, "Toán", 90), "a", sitting, None)  # type: ignore[arg-type]


def test_the_same_seed_is_the_same_person_and_every_answer_fits() -> None:
    def acts(seed: str) -> list[events.UserEvent]:
        person, sitting = Person(Manner(1.0, 60), seed), Sitting.begin(FORM)[0]
        done = []
        for _ in range(60):
            act = person.act(writing(sitting))
            match act:
                case events.UserAnswered(item, response):
                    sitting, _ = sitting.answer(item, response)
                case events.UserWentTo(item):
                    sitting, _ = sitting.go_to(item)
                case events.UserFlagged(item, on):
                    sitting, _ = sitting.flag(item, on)
            done.append(act)
        assert person.act(writing(sitting)) == events.UserAskedSubmit()
        return done

    assert acts("1/4") == acts("1/4")
    assert acts("1/4") != acts("1/5")


def test_the_person_confirms_and_tries_again_but_not_for_ever() -> None:
    person, paper = Person(Manner(1.0, 0), "1"), writing(Sitting.begin(FORM)[0])
    assert person.act(ConfirmSubmit(paper)) == events.UserConfirmedSubmit()
    full = Notice(NoticeCode.DISK_FULL, paper.candidate, "a", retry=True)
    assert person.act(full) == events.UserRetry()
    assert not is_over(full)
    assert is_over(Notice(NoticeCode.TAKEN_OVER, paper.candidate, "a"))


def test_latencies_count_from_the_write_to_the_word_that_covers_it() -> None:
    clock = Clock()
    tally = Tally(clock)
    for sequence in (1, 2, 3):
        tally.wrote("a", sequence, HEAD)
        clock.now += 1.0
    tally.acknowledged("a", 2, HEAD)
    clock.now += 4.0
    report = tally.report()
    assert (report["written"], report["acknowledged"]) == (3, 2)
    assert report["acknowledgement_p50"] == 2.0
    assert report["acknowledgement_p99"] == 3.0
    assert report["unacknowledged_max"] == 5.0  # the third is still waiting


def test_an_acknowledgement_that_is_faster_than_the_count_is_no_wait() -> None:
    tally = Tally(Clock())
    tally.acknowledged("a", 1, HEAD)
    tally.wrote("a", 1, HEAD)
    assert tally.report()["unacknowledged_max"] is None


def test_a_witness_says_each_thing_once_and_whole(tmp_path: Path) -> None:
    tally = Tally(Clock(), Witness(tmp_path / "said"))
    tally.wrote("a", 1, HEAD)
    tally.acknowledged("a", 1, HEAD)
    tally.acknowledged("a", 1, HEAD)
    tally.received("a", 1, HEAD)
    said = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]
    assert [one["event"] for one in said] == ["shown", "acknowledged", "receipt"]
    assert all(one["head"] == HEAD.hex() for one in said)


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0, 2.0], 0.99) == 2.0


def test_with_a_rooms_codes_a_proctor_lets_in_whoever_comes_without_network(tmp_path: Path) -> None:
    (tmp_path / "codes").write_text('{"room": "ROOM", "start": "START"}')
    codes = load_codes(tmp_path / "codes")
    assert codes == Codes("ROOM", "START")
    person = Person(Manner(1.0, 5), "1", codes)
    candidate = Candidate("p", "1", "A", None, "Toán", 90)  # type: ignore[arg-type]
    waiting = Waiting(candidate, None, "a", False)  # type: ignore[arg-type]
    sure = ProctorConfirms(candidate, replace(READING, verdict="authentic"), True, FACE)
    assert person.comes(connected=False) and not person.comes(connected=True)
    acts = [
        (RoomCodeAsked(candidate), events.UserTypedCode("ROOM")),
        (RoomCodeAsked(candidate, checking=True), None),
        (sure, events.UserConfirmedCheckIn()),
        (replace(sure, reading=READING), events.UserTypedCode("ROOM")),
        (waiting, events.UserGoesOffline()),
        (StartCodeAsked(waiting), events.UserTypedCode("START")),
    ]
    assert [(screen, person.act(screen)) for screen, _ in acts] == acts
    assert Person(Manner(1.0, 5), "1").comes(connected=True)
    assert Person(Manner(1.0, 5), "1").act(RoomCodeAsked(candidate)) is None
    with pytest.raises(PlanError, match="has no codes"):
        load_codes(plan(tmp_path / "plan.json"))
