"""The acts of the demo, in order. Each is timed; one that ends otherwise than it must fails all."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from card_reader.errors import ReaderError
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.pcscd import PrivatePcscd
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.vpcd import VpcdLink
from demo import cast
from demo.officers import Login, Officer, browser, signed_in
from demo.processes import Process
from demo.stage import Server, Station, enrol_all
from demo.timeline import ActFailedError, Timeline
from exam_station.ui.screens.all_screens import VIEWS

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

#: What the server must hold of each seat in the end, and a reason that must be among its own.
CHECKINS = {
    cast.GENUINE.seat: ("admitted", None),
    cast.EXCHANGED.seat: ("refused", "data_group_mismatch"),
    cast.STRANGER.seat: ("refused", "face_referred"),
    cast.UNREADABLE.seat: ("conditional", None),
}

#: What the server must have found of the genuine candidate's chip.
PROVEN = {
    "verdict": "authentic",
    "access": "pace",
    "active_authentication": "passed",
    "chip_authentication": "passed",
}


class Journey:
    """One run. `folder` is emptied first; `pictures` below it holds what the screens showed."""

    def __init__(self, folder: Path, timeline: Timeline) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.pictures = folder / "screens"
        self.pictures.mkdir(parents=True)
        self.gallery = folder / "gallery"
        self.timeline = timeline
        self.server = Server(folder / "server")
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
        with act("test issuer and four cards") as said:
            self._issue_cards()
            said.append("CSCA, document signer, CRL; realm test")
        with act("server made, exam loaded, staff added") as said:
            self.server.make(self.folder / "issuer", self.people)
            said.append("12 candidates, 2 rooms, Toán with codes 0101 to 0104")
        with act("server answers over TLS") as said:
            self.server.serve(self.folder / "server.log")
            said.append(self.server.url)
        with act("stations enrolled with one-time tokens") as said:
            enrol_all(list(self.stations.values()), self.server)
            said.append(f"{len(self.stations)} stations of {cast.ROOM}")
        with act("card readers") as said:
            self._start_readers()
            said.append(f"{len(self.pcscd)} × pcscd with a virtual reader, through pyscard")

    def start_kiosks(self) -> None:
        """All four, as in a room; they come up while the officers sign in."""
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
        self._exchanged_portrait()
        self._strangers_face(proctor)
        self._unreadable_chip(proctor)
        self._start_signal(proctor)
        self._killed_and_resumed()
        self._second_hands_in()
        self._results(office, proctor)
        self._proofs()

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
                kiosk.wait_for("waiting room", screen("Waiting"), 45)
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
                kiosk.wait_for("referral", pictured("Referred"), 45)
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

    def _start_signal(self, proctor: Officer) -> None:
        with self.timeline.act("start signal: keys released, packages open") as said:
            proctor.shift_step("start")
            begun = time.monotonic()
            for seat in (cast.GENUINE.seat, cast.UNREADABLE.seat):
                self._kiosk(seat).wait_for("paper", screen("Writing"))
            said.append(f"both papers on screen {time.monotonic() - begun:.1f} s after the signal")

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

    def _results(self, office: Officer, proctor: Officer) -> None:
        proctor.open_room(cast.ROOM)
        proctor.picture("room")
        with self.timeline.act("shift closed and graded on the server") as said:
            office.shift_step("close")
            office.grade()
            office.picture("results")
            marks = self._marks()
            expected = expected_marks()
            for part, conditional in ((cast.GENUINE, False), (cast.UNREADABLE, True)):
                number = cast.candidate_at(part.seat).registration_number
                mark, held = marks[number]
                if (mark, held) != (expected[part.persona], conditional):
                    raise ActFailedError(f"{number}: {mark}, conditional {held}")
                said.append(f"{number}: {mark}{' (conditional)' if held else ''}")
        with self.timeline.act("result slip"):
            office.open_slip(cast.candidate_at(cast.GENUINE.seat).name)
            office.picture("slip")

    def _proofs(self) -> None:
        """What the server's commands say without its process; they run at the same time."""
        folder = str(self.server.folder)
        receipts = [self._receipt_file(seat) for seat in (cast.GENUINE.seat, cast.UNREADABLE.seat)]
        with ThreadPoolExecutor() as pool:
            verified = [
                pool.submit(self.server.call, "receipt", "verify", folder, str(receipt))
                for receipt in receipts
            ]
            audit = pool.submit(self.server.call, "audit", "verify", folder)
            with self.timeline.act("check-ins as the server holds them") as said:
                said.extend(self._held_checkins())
            with self.timeline.act("receipts verified without the server's process") as said:
                said.extend(str(done.result()["short_code"]) for done in verified)
            with self.timeline.act("log and journals verified") as said:
                audit.result()
                said.append("every chain holds")
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
        return str(self._kiosk(seat).wait_for("receipt", event("receipt"), 60)["code"])

    def _receipt_file(self, seat: str) -> Path:
        return next(self.stations[seat].data.glob("attempts/*/receipt.json"))

    def _held_checkins(self) -> Iterator[str]:
        held = self._attendance()
        for seat, (state, reason) in CHECKINS.items():
            line = held[seat]
            if line["state"] != state or (reason and reason not in line["reasons"]):
                raise ActFailedError(f"seat {seat}: {line['state']}, {line['reasons']}")
            yield f"{seat} {' '.join([state, *line['reasons']])}"
        proven = held[cast.GENUINE.seat]["chip"]
        if proven != PROVEN:
            raise ActFailedError(f"seat {cast.GENUINE.seat}: {proven}, expected {PROVEN}")
        yield "seat 01 by PACE, active and chip authentication"

    def _attendance(self) -> dict[str, dict[str, Any]]:
        """The server's own word on the check-ins of the demo's room, by seat."""
        answer: Any = self.server.call("attendance", str(self.server.folder))
        return {line["seat"]: line for line in answer["attendance"] if line["room"] == cast.ROOM}

    def _marks(self) -> dict[str, tuple[Decimal, bool]]:
        answer: Any = self.server.call("results", str(self.server.folder))
        return {
            line["registration_number"]: (Decimal(line["total"]), line["conditional"])
            for line in answer["results"]
            if line["total"] is not None
        }

    def _missing_in_gallery(self) -> list[str]:
        """Screens of the kiosk that the gallery lacks, by the names of their classes."""
        self._painter.wait(60)
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
        pages = ("overview", "room-pending", "decision", "manual", "room", "results", "slip")
        return genuine + resumed + others + [f"page-{name}.png" for name in pages]


def screen(name: str) -> Any:
    return lambda said: said.get("event") == "screen" and said.get("screen") == name


def pictured(name: str) -> Any:
    """The screen stood long enough for the autopilot to take its picture."""
    return lambda said: said.get("event") == "picture" and said.get("screen") == name


def event(kind: str) -> Any:
    return lambda said: said.get("event") == kind


def expected_marks() -> dict[str, Decimal]:
    """What each persona's answers are worth, the same on both base forms."""
    personas = json.loads(cast.ANSWERS.read_text("utf-8"))["personas"]
    return {
        name: Decimal(next(iter(persona["expected_total"].values())))
        for name, persona in personas.items()
    }


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
