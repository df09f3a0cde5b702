"""``make demo INTERACTIVE=1``: everything is left running for a person to try."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from demo import cast
from demo.journey import Journey, display
from demo.timeline import Timeline
from rig.processes import Process, command

HELP = "tap SEAT · take SEAT · kiosk SEAT (start again) · quit"


class Bench:
    """The kiosks of the room and the cards that lie beside them."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._on_reader: dict[str, AbstractContextManager[Any]] = {}

    def start_kiosk(self, seat: str) -> str:
        station, service = self._journey.stations[seat], self._journey.pcscd[seat]
        words = command("exam-station", "run", "--windowed", "--data", str(station.data))
        words += ["--camera", str(station.data.parent / f"camera-{seat}")]
        station.stop()
        environment = {**station.environment, **service.environment}
        log = station.data.parent / f"station-{seat}.log"
        station.process = Process(f"kiosk of seat {seat}", words, environment, log)
        return f"kiosk of seat {seat} started"

    def tap(self, seat: str) -> str:
        if seat in self._on_reader:
            return "the card lies there already"
        card = self._journey.card_on_reader(seat)
        card.__enter__()
        self._on_reader[seat] = card
        return f"the card of {cast.candidate_at(seat).name} lies on the reader of seat {seat}"

    def take(self, seat: str) -> str:
        card = self._on_reader.pop(seat, None)
        if card is None:
            return "no card lies there"
        card.__exit__(None, None, None)
        return "the card was taken away"

    def close(self) -> None:
        for seat in list(self._on_reader):
            self.take(seat)


def run(folder: Path) -> int:
    """Until ``quit`` or the end of input."""
    with Journey(folder, Timeline()) as journey:
        journey.set_stage()
        if not journey.pcscd:
            print("demo: virtual card readers cannot run here", file=sys.stderr)
            return 2
        _say_where(journey)
        bench = Bench(journey)
        if display():
            for seat in journey.stations:
                print(bench.start_kiosk(seat))
        try:
            _serve(bench, journey)
        finally:
            bench.close()
    return 0


def _say_where(journey: Journey) -> None:
    print(f"\nPages: {journey.server.url} (the certificate is the demo's own)")
    for person in journey.people.values():
        print(f"  {person.role:12} {person.username:10} {person.password}")
    for part in cast.PARTS:
        who = cast.candidate_at(part.seat)
        print(f"  seat {part.seat}: {who.name}, {who.paper}, {part.defect or 'a sound card'}")
    print("Choose a paper by its seat: the one with every kind of item is at the last.")
    print("Open the shift on its page, tap cards, start the shift.")
    if not display():
        print("There is no display here, so the kiosks have no window to show.")


def _serve(bench: Bench, journey: Journey) -> None:
    acts = {"tap": bench.tap, "take": bench.take, "kiosk": bench.start_kiosk}
    print(HELP, flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        if len(words) == 2 and words[0] in acts and words[1] in journey.stations:
            print(acts[words[0]](words[1]), flush=True)
        else:
            print(HELP, flush=True)
