"""Puts the kiosk together: settings and vault in, a window that lives out."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from exam_server.contract.program import program_version
from exam_station.readers import PcscReaders, Readers
from exam_station.runner import Runner
from exam_station.settings import Settings, require_display
from exam_station.ui.texts import Texts
from exam_station.ui.window import KioskWindow
from exam_station.vault import Vault, unlock_secret

log = logging.getLogger("exam_station")


class Kiosk:
    """`window` is a QWidget; `start` shows it and begins to work, `stop` ends every thread."""

    def __init__(self, settings: Settings, vault: Vault, readers: Readers) -> None:
        self._settings = settings
        self.window = KioskWindow(Texts(settings.language), closable=settings.windowed)
        self.runner = Runner(settings, vault, readers=readers, version=program_version())
        self.runner.state_changed.connect(self.window.render)
        self.window.acted.connect(self.runner.accept)

    def start(self) -> None:
        if self._settings.windowed:
            self.window.resize(1280, 800)
            self.window.show()
        else:
            self.window.showFullScreen()
        self.runner.start()

    def stop(self) -> None:
        self.runner.stop()
        self.window.hide()


def build_kiosk(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    readers: Readers | None = None,
) -> Kiosk:
    """The kiosk of an enrolled station. A QApplication must exist. Raises VaultError, CardError.

    `readers` replaces PC/SC where there is no service to talk to.
    """
    vault = Vault.load(settings.data, unlock_secret(environ, settings.data))
    return Kiosk(settings, vault, readers or PcscReaders())


def run(settings: Settings, environ: Mapping[str, str] = os.environ) -> int:
    """Runs the kiosk until it is ended by a signal or, windowed, by closing its window.

    Raises NoDisplayError, VaultError and CardError before anything is shown.
    """
    require_display(environ)
    log_what_nobody_caught()
    app = QApplication([])
    kiosk = build_kiosk(settings, environ=environ)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not quit(): that asks the window first, and a kiosk's window refuses to be closed. By the
        # event loop, which forgets an exit() from before it runs.
        signal.signal(number, lambda *_: QTimer.singleShot(0, lambda: app.exit(0)))
    awake = QTimer()  # lets Python see a signal while Qt waits
    awake.start(200)
    kiosk.start()
    try:
        return app.exec()
    finally:
        kiosk.stop()


def log_what_nobody_caught() -> None:
    """What fails on the window's or any other thread is told to the log; the kiosk goes on."""

    def caught(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.critical("nobody foresaw this", exc_info=(kind, error or kind(), trace))

    sys.excepthook = caught
    threading.excepthook = lambda args: caught(args.exc_type, args.exc_value, args.exc_traceback)
