"""The kiosk's own program with the autopilot in it, as a process of its own.

Says what it sees as JSON lines on standard output; ends at SIGTERM.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport
from demo.answers import personas
from demo.autopilot import Autopilot, teller
from exam_station.app import build_kiosk
from exam_station.flow.codes import Language
from exam_station.settings import Settings, model_folder

IN_PROCESS = "in-process reader"
SIZE = (1600, 900)


class InProcessReaders:
    """One reader in this process: DEGRADED, where pcscd cannot run. A card lies on it while the
    file `slot` exists."""

    def __init__(self, slot: Path) -> None:
        self._slot = slot

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        stopping = threading.Event()
        threading.Thread(target=self._look, args=(callback, stopping), daemon=True).start()
        return stopping.set

    def _look(self, callback: Callable[[CardEvent], None], stopping: threading.Event) -> None:
        callback(CardEvent(CardEventKind.READER_ADDED, IN_PROCESS))
        present = False
        while not stopping.wait(0.1):
            if self._slot.exists() is not present:
                present = not present
                kind = CardEventKind.INSERTED if present else CardEventKind.REMOVED
                callback(CardEvent(kind, IN_PROCESS))

    def connect(self, reader: str) -> Transport:  # noqa: ARG002 - there is one
        return SimulatedTransport(Chip(CardProfile.load(self._slot)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.kiosk")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reader")
    parser.add_argument("--slot", type=Path, help="use the in-process reader, see there")
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
    readers = InProcessReaders(options.slot) if options.slot else None
    kiosk = build_kiosk(settings, environ=os.environ, readers=readers)
    candidates = personas(options.answers)
    answers = candidates[options.persona]["answers"]
    known = {stem for persona in candidates.values() for stem in persona["answers"]}
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
        signal.signal(number, lambda *_: QTimer.singleShot(0, app.quit))
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
