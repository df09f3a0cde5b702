"""A NATS server of one's own on a loopback port, from the system's package `nats-server`."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rig.ports import own_port
from rig.processes import ProcessFailedError

START_SECONDS = 60.0
STOP_SECONDS = 10.0


class NatsServer:
    """Context manager: one server, which keeps its port when it is stopped and started again.

    `options` are added to its command (``--user``, ``--tls`` and the like).
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = own_port(self)

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="nats-"))
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, on the port it had before; returns once it listens."""
        assert self._folder is not None, "used as a context manager"
        program = shutil.which("nats-server")
        if program is None:
            raise ProcessFailedError(
                "NATS is missing: install the package nats-server (make setup)"
            )
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        where = ("-a", "127.0.0.1", "-p", str(self.port), "--ports_file_dir", str(self._folder))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *where, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        """It writes its ports down once it does."""
        assert self._folder is not None and self._process is not None
        file = self._folder / f"nats-server_{self._process.pid}.ports"
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            if file.exists() and file.read_text().endswith("}"):
                return
            time.sleep(0.02)
        log = (self._folder / "log").read_text(errors="replace")
        raise ProcessFailedError(f"nats-server did not start:\n{log[-4000:]}")

    def stop(self) -> None:
        """Ends it; whoever was connected has to connect anew."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def remove(self) -> None:
        """Ends it and removes its folder."""
        self.stop()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
