"""The kiosk's own program with the autopilot in it, as a process of its own.

Says what it sees as JSON lines on standard output; ends at SIGTERM.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from demo.autopilot import Autopilot, teller
from exam_station.app import build_kiosk
from exam_station.flow.states import Language
from exam_station.settings import Settings, model_folder

IN_PROCESS = "in-process reader"
SIZE = (1600, 900)


class InProcessReaders:
    """One reader in this process with one card on it: DEGRADED, where pcscd cannot run."""

    def __init__(self, card: Path) -> None:
        self._card = card

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        for kind in (CardEventKind.READER_ADDED, CardEventKind.INSERTED):
            callback(CardEvent(kind, IN_PROCESS))
        return lambda: None

    def connect(self, reader: str) -> Transport:  # noqa: ARG002 - there is one
        return SimulatedTransport(Chip(CardProfile.load(self._card)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.kiosk")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reader")
    parser.add_argument("--card", type=Path, help="use the in-process reader with this card")
    parser.add_argument("--camera", required=True)
    parser.add_argument("--language", default="vi", choices=[each.value for each in Language])
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--persona", required=True)
    parser.add_argument("--stop-at", type=int)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    return parser.parse_args()


def main() -> int:
    options = _arguments()
    app = QApplication([])
    settings = Settings(
        data=options.data,
        reader=options.reader,
        camera=options.camera,
        windowed=True,
        language=Language(options.language),
        models=model_folder(),
    )
    readers = InProcessReaders(options.card) if options.card else None
    kiosk = build_kiosk(settings, environ=os.environ, readers=readers)
    personas = json.loads(options.answers.read_text("utf-8"))["personas"]
    answers = personas[options.persona]["answers"]
    known = {stem for persona in personas.values() for stem in persona["answers"]}
    autopilot = Autopilot(
        kiosk.window,
        answers,
        left_open=frozenset(known - answers.keys()),
        stop_at=options.stop_at,
        pictures=options.pictures,
        prefix=options.prefix,
        tell=teller(),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: app.quit())
    awake = QTimer()  # lets Python see a signal while Qt waits
    awake.start(100)
    kiosk.start()
    kiosk.window.resize(*SIZE)
    autopilot.start()
    try:
        return app.exec()
    finally:
        kiosk.stop()


if __name__ == "__main__":
    sys.exit(main())
