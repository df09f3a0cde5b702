"""A kiosk without a window at a real server over TLS, and what a key press takes in it.

The runner, its work, desk, journal, uploader and client are the kiosk's own; the server is
``exam-server serve`` in a process of its own. Between two presses the runner lives on as it does
under a candidate's hands: events come in, records go out on the uploader's thread.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from card_reader.errors import CardReason, ReaderError
from card_reader.pcsc import CardEvent, CardEventKind
from card_reader.transport import Transport
from exam_server.contract.program import program_version
from exam_station.enrolment import join
from exam_station.flow import events
from exam_station.flow.screens import Writing
from exam_station.flow.states import State
from exam_station.robot.plan import load_plan
from exam_station.runner import Runner
from exam_station.settings import Settings
from question_bank.package import PresentedChoice, PresentedItem
from question_bank.response import ChoiceResponse
from rig.server import Server

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEventLoop

#: A kiosk does not share its disk with the server, whose commits would be waited for here.
_MEMORY = Path("/dev/shm")  # a folder of this run's own lies in it
PATIENCE_SECONDS = 60.0
#: Faster than any candidate.
BETWEEN_PRESSES = 0.03


class NoReaders:
    """Everyone of a rehearsal is admitted already."""

    def watch(self, callback: Callable[[CardEvent], None]) -> Callable[[], None]:
        callback(CardEvent(CardEventKind.SERVICE_LOST))
        return lambda: None

    def connect(self, reader: str) -> Transport:
        raise ReaderError(f"{reader} is no reader", CardReason.NO_READER)


def key_presses(
    folder: Path, count: int, flush: Callable[[], object]
) -> tuple[list[float], list[float]]:
    """Seconds of each of `count` answers, from the press to the state that may be shown, and of a
    `flush` of as many bytes after each."""
    application = QCoreApplication.instance() or QCoreApplication([])
    with (
        tempfile.TemporaryDirectory(dir=_MEMORY) as elsewhere,
        _served(Path(elsewhere)) as server,
        _writing(folder, server) as runner,
    ):
        presses: list[float] = []
        flushes: list[float] = []
        for number in range(count):
            _live(application, BETWEEN_PRESSES)
            event = _answer(runner.state, number)
            begin = time.perf_counter()
            runner.accept(event)
            end = time.perf_counter()
            flush()
            presses.append(end - begin)
            flushes.append(time.perf_counter() - end)
        _live(application, 1.0)
        if not isinstance(runner.state.screen, Writing):
            raise RuntimeError(f"the kiosk shows {type(runner.state.screen).__name__}")
    return presses, flushes


@contextmanager
def _served(folder: Path) -> Iterator[Server]:
    server = Server(folder / "server")
    server.make()
    server.start()
    try:
        place = str(server.folder)
        made = server.call("rehearsal", place, "--candidates", "1", "--admit", "--url", server.url)
        server.call("shift", "start", place, "--shift", made["shift"], "--reason", "benchmark")
        yield server
    finally:
        server.stop()


@contextmanager
def _writing(folder: Path, server: Server) -> Iterator[Runner]:
    """A runner on whose screen the paper lies open."""
    part = load_plan(server.folder / "rehearsal.json", first=0, count=1).parts[0]
    version = program_version()  # the shift allows no other program
    vault = join(part.token, name="benchmark", version=version)
    data = folder / "station"
    settings = Settings(data=data, camera="/nowhere", models=data)
    runner = Runner(settings, vault, readers=NoReaders(), version=version)
    runner.start()
    try:
        end = time.monotonic() + PATIENCE_SECONDS
        while not isinstance(runner.state.screen, Writing):
            if time.monotonic() > end:
                raise RuntimeError(f"the kiosk stays at {type(runner.state.screen).__name__}")
            _live(QCoreApplication.instance(), 0.05)
        yield runner
    finally:
        runner.stop()


def _live(application: QCoreApplication | None, seconds: float) -> None:
    """The event loop, for so long."""
    assert application is not None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        time.sleep(0.001)


def _answer(state: State, number: int) -> events.UserAnswered:
    """Another option of one of the choices, in turn."""
    assert isinstance(state.screen, Writing)
    choices = [item for item in state.screen.sitting.form.items if _options(item)]
    item = choices[number % len(choices)]
    options = _options(item)
    return events.UserAnswered(
        item.id, ChoiceResponse((options[number // len(choices) % len(options)],))
    )


def _options(item: PresentedItem) -> list[str]:
    match item.interaction:
        case PresentedChoice(options=options):
            return [option.id for option in options]
    return []
