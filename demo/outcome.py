"""How the demo ends: marks against what was foretold, and what the server's own commands say."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo import cast
from demo.answers import personas
from demo.officers import Officer
from demo.stage import Station
from demo.timeline import ActFailedError, Timeline
from rig.server import Server

#: What the server must hold of each seat in the end, and a reason that must be among its own.
CHECKINS = {
    cast.GENUINE.seat: ("admitted", None),
    cast.EXCHANGED.seat: ("refused", "data_group_mismatch"),
    cast.STRANGER.seat: ("refused", "face_referred"),
    cast.UNREADABLE.seat: ("conditional", None),
    cast.SCIENCE.seat: ("admitted", None),
}
#: Who writes to the end, and whether the result is conditional.
WRITERS = ((cast.GENUINE, False), (cast.UNREADABLE, True), (cast.SCIENCE, False))

#: What the server must have found of the genuine candidate's chip.
PROVEN = {
    "verdict": "authentic",
    "access": "pace",
    "active_authentication": "passed",
    "chip_authentication": "passed",
}


class Outcome:
    """The last acts of a journey."""

    def __init__(self, server: Server, stations: Mapping[str, Station], timeline: Timeline) -> None:
        self._server = server
        self._stations = stations
        self._act = timeline.act

    def show_results(self, office: Officer, proctor: Officer) -> None:
        proctor.open_room(cast.ROOM)
        proctor.picture("room")
        with self._act("shift closed and graded on the server") as said:
            office.shift_step("close")
            office.grade()
            office.picture("results")
            marks = self._marks()
            for part, conditional in WRITERS:
                number = cast.candidate_at(part.seat).registration_number
                mark, awaiting, held = marks[number]
                if (mark, awaiting, held) != (*foretold(part), conditional):
                    raise ActFailedError(f"{number}: {mark}, awaits {awaiting}, conditional {held}")
                said.append(
                    f"{number}: {mark}{' (conditional)' if held else ''}"
                    f"{f' (awaits {awaiting} from markers)' if awaiting else ''}"
                )
        with self._act("result slip"):
            office.open_slip(cast.candidate_at(cast.GENUINE.seat).name)
            office.picture("slip")
        self._provisional_slip(office)

    def _provisional_slip(self, office: Officer) -> None:
        """The marks of each part as a candidate reads them, and that a person has still to mark."""
        name = "result slip of the second paper is provisional: a text waits for a marker"
        with self._act(name) as said:
            office.open("/results")
            office.open_first_results()
            office.open_slip(cast.candidate_at(cast.SCIENCE.seat).name)
            office.picture("slip-awaiting")
            hoa = personas(cast.SCIENCE.answers)[cast.SCIENCE.persona]
            shown = [[mark.replace(",", ".") for mark in row] for row in office.slip_marks()]
            if shown != [*hoa["parts"], [hoa["total"], hoa["maximum"]]]:
                raise ActFailedError(f"the slip says {shown}")
            if not office.sees(f"{hoa['awaiting'].replace('.', ',')} điểm còn chờ người chấm"):
                raise ActFailedError("the slip does not say that marks are awaited")
            said.append(", ".join(f"{mark} of {most}" for mark, most in shown))

    def mark(self, office: Officer, markers: Sequence[Officer]) -> None:
        """Two people mark the text; neither learns whose it is, nor what the other gave."""
        candidate = cast.candidate_at(cast.SCIENCE.seat)
        hoa = personas(cast.SCIENCE.answers)[cast.SCIENCE.persona]
        with self._act("two markers, who see no name, mark the text; the result is whole") as said:
            for officer, points in zip(markers, hoa["marks_of_people"], strict=True):
                shown = officer.mark_first_answer(points.replace(".", ","))
                if candidate.name in shown or candidate.registration_number in shown:
                    raise ActFailedError("a marker saw whose answer it is")
            mark, awaiting, _ = self._marks()[candidate.registration_number]
            if (mark, awaiting) != (Decimal(hoa["total_marked"]), Decimal(0)):
                raise ActFailedError(f"{mark}, and {awaiting} awaited, after both marked")
            office.open("/results")
            office.open_first_results()
            office.open_slip(candidate.name)
            office.picture("slip-marked")
            said.append(f"{' and '.join(hoa['marks_of_people'])} given, {mark} in all")

    def prove(self) -> None:
        """What the server's commands say without its process; they run at the same time."""
        folder = str(self._server.folder)
        receipts = [self._receipt_file(part.seat) for part, _ in WRITERS]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            verified = [
                pool.submit(self._server.call, "receipt", "verify", folder, str(receipt))
                for receipt in receipts
            ]
            audit = pool.submit(self._server.call, "audit", "verify", folder)
            with self._act("check-ins as the server holds them") as said:
                said.extend(self._held_checkins())
            with self._act("receipts verified without the server's process") as said:
                said.extend(str(done.result()["short_code"]) for done in verified)
            with self._act("log and journals verified") as said:
                audit.result()
                said.append("every chain holds")

    def _receipt_file(self, seat: str) -> Path:
        return next(self._stations[seat].data.glob("attempts/*/receipt.json"))

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
        answer: Any = self._server.call("attendance", str(self._server.folder))
        return {line["seat"]: line for line in answer["attendance"] if line["room"] == cast.ROOM}

    def _marks(self) -> dict[str, tuple[Decimal, Decimal, bool]]:
        """By số báo danh: the marks, those that people have still to give, conditional or not."""
        answer: Any = self._server.call("results", str(self._server.folder))
        return {
            line["registration_number"]: (
                Decimal(line["total"]),
                Decimal(line["awaiting"]),
                line["conditional"],
            )
            for line in answer["results"]
            if line["total"] is not None
        }


def foretold(part: cast.Part) -> tuple[Decimal, Decimal]:
    """What the fixtures say that the persona earns (the same on both base forms), and what awaits
    people's marks."""
    persona = personas(part.answers)[part.persona]
    if "expected_total" in persona:
        return Decimal(next(iter(persona["expected_total"].values()))), Decimal(0)
    return Decimal(persona["total"]), Decimal(persona["awaiting"])
