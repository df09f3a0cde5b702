"""The acts of the demo, in order. Each is timed; one that ends otherwise than it must fails all."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, get_args

from playwright.sync_api import Browser

from card_reader.errors import ReaderError
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.vpcd import VpcdLink
from demo import cast
from demo.answers import personas
from demo.officers import Login, Officer, browser, signed_in
from demo.outcome import WRITERS, Outcome
from demo.stage import DemoServer, Station, enrol_all
from demo.timeline import ActFailedError, Timeline
from exam_station.ui.screens.all_screens import VIEWS
from question_bank.interactions import Kind
from rig.processes import Process

KILLED_AT = 8
CLOCK_TOLERANCE_S = 2.0


SCREENS = (
    "Welcome",
    "Reading",
    "Consent",
    "Face",
    "Waiting",
    "Writing",
    "ConfirmSubmit",
    "Receipt",
)


class Journey:
    """One run. `folder` is emptied first; `pictures` below it holds what the screens showed."""

    def __init__(self, folder: Path, timeline: Timeline) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.pictures = folder / "screens"
        self.pictures.mkdir(parents=True)
        self.gallery = folder / "gallery"
        self.timeline = timeline
        self.server = DemoServer(folder / "server")
        self.stations = {part.seat: Station(part, folder, self.pictures) for part in cast.PARTS}
        self.people = cast.staff()
        self.cards: dict[str, Path] = {}
        self.pcscd: dict[str, PrivatePcscd] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Journey":
        return self

    def __exit__(self, *_: object) -> None:
        for station in self.stations.values():
            station.stop()
        self.server.stop()
        self._stack.close()

    # Before the candidates come

    def set_stage(self) -> None:
        act = self.timeline.act
        self._draw_gallery()
        with act("test issuer and five cards") as said:
            self._issue_cards()
            said.append("CSCA, document signer, CRL; realm test")
        with act("server made, exam loaded, staff added") as said:
            self.server.set_up(self.folder / "issuer", self.people)
            said.append(
                "12 candidates, 2 rooms, Toán with codes 0101 to 0104, "
                "Khoa học tự nhiên with 0201 and 0202"
            )
        with act("server answers over TLS") as said:
            self.server.start()
            said.append(self.server.url)
        with act("stations enrolled with one-time tokens") as said:
            enrol_all(list(self.stations.values()), self.server)
            said.append(f"{len(self.stations)} stations of {cast.ROOM}")
        with act("card readers") as said:
            self._start_readers()
            said.append(f"{len(self.pcscd)} × pcscd with a virtual reader, through pyscard")

    def start_kiosks(self) -> None:
        """All, as in a room; they come up while the officers sign in."""
        for seat in self.stations:
            self.start_kiosk(seat, stop_at=KILLED_AT if seat == cast.GENUINE.seat else None)

    def _draw_gallery(self) -> None:
        """Every kiosk screen in both languages, also those that no act of this run meets."""
        words = [sys.executable, str(cast.ROOT / "scripts" / "kiosk_gallery.py")]
        words += ["--out", str(self.gallery)]
        self._painter = Process("gallery", words, {}, self.folder / "gallery.log")

    def _issue_cards(self) -> None:
        issuer = Issuer.create(self.folder / "issuer")
        for part in cast.PARTS:
            path = self.folder / f"card-{part.seat}.json"
            cast.issue_card(issuer, part).save(path)
            self.cards[part.seat] = path

    def _start_readers(self) -> None:
        """One PC/SC service for each station, as on four machines."""
        for seat in self.stations:
            service = PrivatePcscd()
            try:
                self.pcscd[seat] = self._stack.enter_context(service)
            except ReaderError as error:
                self.timeline.mark_degraded(f"pcscd cannot run here: {error}")
                self.pcscd.clear()
                return

    def start_kiosk(self, seat: str, *, stop_at: int | None = None, prefix: str = "") -> Process:
        service = self.pcscd.get(seat)
        return self.stations[seat].start(
            dict(service.environment) if service else {},
            slot=None if service else self._slot(seat),
            stop_at=stop_at,
            prefix=prefix or None,
        )

    def _slot(self, seat: str) -> Path:
        """Where a card lies for a kiosk that reads in its own process (DEGRADED)."""
        return self.folder / f"slot-{seat}"

    @contextmanager
    def card_on_reader(self, seat: str) -> Iterator[VpcdLink | None]:
        """Puts the candidate's card on the seat's reader."""
        if seat not in self.pcscd:
            whole = shutil.copy(self.cards[seat], self.folder / f"laid-{seat}")
            Path(whole).rename(self._slot(seat))
            yield None
            self._slot(seat).unlink()
            return
        chip = Chip(CardProfile.load(self.cards[seat]))
        dead = self.stations[seat].part.goes_dead_after
        port = self.pcscd[seat].ports[0]
        with VpcdLink(chip, "127.0.0.1", port, tear_after=dead) as link:
            yield link

    # The acts

    def play(self, chromium: Browser) -> None:
        self.start_kiosks()
        office = self._officer(chromium, "office")
        proctor = self._officer(chromium, "proctor-1")
        self._open_shift(office)
        proctor.open_room(cast.ROOM)
        self._genuine_candidate()
        with self.card_on_reader(cast.SCIENCE.seat):
            self._exchanged_portrait()
            self._strangers_face(proctor)
            self._unreadable_chip(proctor)
            self._neighbour_with_another_paper()
        self._start_signal(proctor)
        self._killed_and_resumed()
        self._second_hands_in()
        self._every_kind_handed_in()
        outcome = Outcome(self.server, self.stations, self.timeline)
        outcome.show_results(office, proctor)
        outcome.mark(office, [self._officer(chromium, f"marker-{n}") for n in (1, 2)])
        for station in self.stations.values():  # what is proven now needs none of them
            station.stop()
        outcome.prove()
        self._pictures_of_all()

    def _officer(self, chromium: Browser, username: str) -> Officer:
        login: Login = self.people[username]
        return signed_in(chromium, self.server.url, login, self.pictures)

    def _open_shift(self, office: Officer) -> None:
        with self.timeline.act("exam office opens the shift on its page"):
            office.picture("overview")
            office.shift_step("open")

    def _genuine_candidate(self) -> None:
        seat = cast.GENUINE.seat
        kiosk = self._kiosk(seat)
        with self.timeline.act("kiosks show whom they expect"):
            for station in self.stations.values():
                self._kiosk(station.part.seat).wait_for("welcome", pictured("Welcome"))
        with self.timeline.act(f"seat {seat}: tap, chip proven, consent asked") as said:
            with self.card_on_reader(seat):
                begun = time.monotonic()
                kiosk.wait_for("consent", screen("Consent"))
                said.append(f"{time.monotonic() - begun:.1f} s from tap to portrait")
                kiosk.wait_for("waiting room", screen("Waiting"))
            said.append("face accepted, checked in, liveness not done")

    def _exchanged_portrait(self) -> None:
        seat = cast.EXCHANGED.seat
        kiosk = self._kiosk(seat)
        name = f"seat {seat}: card with exchanged DG2 is refused"
        with self.timeline.act(name), self.card_on_reader(seat):
            kiosk.wait_for("refusal", pictured("CardRefused"))
        self.stations[seat].stop()

    def _strangers_face(self, proctor: Officer) -> None:
        seat = cast.STRANGER.seat
        name = cast.candidate_at(seat).name
        kiosk = self._kiosk(seat)
        with self.timeline.act(f"seat {seat}: another person's face is referred") as said:
            with self.card_on_reader(seat):
                kiosk.wait_for("referral", pictured("Referred"))
            proctor.wait_for_decision(name)
            proctor.picture("room-pending")
            said.append("the room page shows it by itself")
        with self.timeline.act(f"seat {seat}: the proctor refuses on the web page"):
            proctor.refuse_identity(name, "Người ngồi tại chỗ không phải người trong ảnh chip.")
            kiosk.wait_for("refusal", pictured("CardRefused"))
        self.stations[seat].stop()

    def _unreadable_chip(self, proctor: Officer) -> None:
        seat = cast.UNREADABLE.seat
        name = cast.candidate_at(seat).name
        kiosk = self._kiosk(seat)
        with self.timeline.act(f"seat {seat}: the chip cannot be read") as said:
            if self.pcscd:
                with self.card_on_reader(seat):
                    kiosk.wait_for("card problem", pictured("CardProblem"))
                said.append("the kiosk says what to do")
        with self.timeline.act(f"seat {seat}: two officers check in, conditionally"):
            proctor.open_room(cast.ROOM)
            second = self.people["proctor-2"]
            proctor.check_in_by_hand(name, second, "Chip hỏng, đối chiếu thẻ và danh sách ảnh.")
            kiosk.wait_for("waiting room", screen("Waiting"))

    def _neighbour_with_another_paper(self) -> None:
        """Tapped long ago; the room went on meanwhile."""
        seat = cast.SCIENCE.seat
        with self.timeline.act(f"seat {seat}: checked in for the second paper") as said:
            self._kiosk(seat).wait_for("waiting room", screen("Waiting"))
            said.append(cast.candidate_at(seat).paper)

    def _start_signal(self, proctor: Officer) -> None:
        with self.timeline.act("start signal: keys released, packages open") as said:
            proctor.shift_step("start")
            begun = time.monotonic()
            for part, _ in WRITERS:
                self._kiosk(part.seat).wait_for("paper", screen("Writing"))
            said.append(f"three papers on screen {time.monotonic() - begun:.1f} s after the signal")

    def _killed_and_resumed(self) -> None:
        seat = cast.GENUINE.seat
        with self.timeline.act(f"seat {seat}: kill -9 at item {KILLED_AT}") as said:
            stopped = self._kiosk(seat).wait_for("item", event("stopped"))
            self._kiosk(seat).kill()
            said.append(f"process {self._kiosk(seat).pid} killed")
        with self.timeline.act(f"seat {seat}: a new process resumes at the same answer") as said:
            kiosk = self.start_kiosk(seat, prefix=f"seat{seat}-resumed")
            resumed = kiosk.wait_for("item", event("item"))
            where = (resumed["number"], resumed["shown"])
            if where != (stopped["number"], stopped["shown"]):
                raise ActFailedError(f"stopped at {stopped}, resumed at {resumed}")
            said.append(f"item {resumed['number']} with its answer as it was")
            outage = resumed["at"] - stopped["at"]
            gone = stopped["remaining"] - resumed["remaining"]
            if abs(gone - outage) > CLOCK_TOLERANCE_S:
                raise ActFailedError(f"{outage:.1f} s passed, {gone} s went from the time left")
            said.append(f"the outage of {outage:.1f} s was not refunded")
        with self.timeline.act(f"seat {seat}: answered and handed in") as said:
            said.append(f"receipt {self._receipt(seat)}")

    def _second_hands_in(self) -> None:
        seat = cast.UNREADABLE.seat
        with self.timeline.act(f"seat {seat}: answered and handed in") as said:
            said.append(f"receipt {self._receipt(seat)}")

    def _every_kind_handed_in(self) -> None:
        """Each kind that the fixture answers was answered on the screen, by mouse and keys."""
        seat = cast.SCIENCE.seat
        with self.timeline.act(f"seat {seat}: every kind of item answered and handed in") as said:
            said.append(f"receipt {self._receipt(seat)}")
            given = set[str]()
            for told in self._kiosk(seat).events:
                given |= set(told["kinds"] if told["event"] == "answered" else ())
            if given != set(get_args(Kind)):
                raise ActFailedError(f"answered {sorted(given)}")
            said.append(f"{len(given)} kinds of interaction: {', '.join(sorted(given))}")

    def _pictures_of_all(self) -> None:
        with self.timeline.act("pictures of every screen") as said:
            missing = [
                name for name in self._wanted_pictures() if not (self.pictures / name).exists()
            ]
            missing += self._missing_in_gallery()
            if missing:
                raise ActFailedError(f"missing: {', '.join(missing)}")
            said.append(f"{self.pictures} and {self.gallery}")

    # What is looked at

    def _kiosk(self, seat: str) -> Process:
        process = self.stations[seat].process
        assert process is not None
        return process

    def _receipt(self, seat: str) -> str:
        return str(self._kiosk(seat).wait_for("receipt", event("receipt"))["code"])

    def _missing_in_gallery(self) -> list[str]:
        """Screens of the kiosk that the gallery lacks, by the names of their classes."""
        self._painter.wait(120)
        drawn = " ".join(path.name for path in self.gallery.glob("*.png"))
        names = [view.__name__.removesuffix("View") for view in VIEWS.values()]
        dashed = [re.sub(r"(?<=.)(?=[A-Z])", "-", name).lower() for name in names]
        return [name for name in dashed if f"kiosk-{name}" not in drawn]

    def _wanted_pictures(self) -> list[str]:
        genuine = [f"seat{cast.GENUINE.seat}-{name}.png" for name in SCREENS[:-2]]
        resumed = [f"seat{cast.GENUINE.seat}-resumed-{name}.png" for name in SCREENS[-2:]]
        others = [
            f"seat{cast.EXCHANGED.seat}-CardRefused.png",
            f"seat{cast.STRANGER.seat}-Referred.png",
        ]
        if self.pcscd:
            others.append(f"seat{cast.UNREADABLE.seat}-CardProblem.png")
        pages = ("overview", "room-pending", "decision", "manual", "room", "results", "slip",
                 "slip-awaiting", "marking", "slip-marked")  # fmt: skip
        answered = personas(cast.SCIENCE.answers)[cast.SCIENCE.persona]["answers"].values()
        others += [f"seat{cast.SCIENCE.seat}-Writing-{one['kind']}.png" for one in answered]
        return genuine + resumed + others + [f"page-{name}.png" for name in pages]


def screen(name: str) -> Any:
    return lambda said: said.get("event") == "screen" and said.get("screen") == name


def pictured(name: str) -> Any:
    """The screen stood long enough for the autopilot to take its picture."""
    return lambda said: said.get("event") == "picture" and said.get("screen") == name


def event(kind: str) -> Any:
    return lambda said: said.get("event") == kind


def play(folder: Path, timeline: Timeline) -> Journey:
    """The whole run; ActFailedError where an act went wrong. The caller ends the journey."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen" if not display() else "")
    journey = Journey(folder, timeline)
    with journey:
        journey.set_stage()
        with browser() as chromium:
            journey.play(chromium)
    return journey


def display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
