"""A PC/SC service of one's own, with virtual readers, beside whatever the machine runs.

pcscd refuses to start twice, so this one gets a mount namespace in which a private folder lies over
/run/pcscd. Clients find it by PCSCLITE_CSOCK_NAME, which libpcsclite reads at its first use: set
`environment` before `smartcard` is imported, or for a child process.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from card_reader.errors import CardReason, ReaderError

SLOTS = 2  # vpcd has two, on two ports in a row
PORT_RANGE = range(
    20_000, 32_000
)  # below the ephemeral ports, which connections would collide with
START_SECONDS = 60.0
STOP_SECONDS = 5.0
DRIVER = "usr/lib/pcsc/drivers/serial/libifdvpcd.so"
_RUN = "/run/pcscd"
# As root of a new user namespace where we are not root. /run/pcscd may not exist on a bare machine
# and cannot be made without root, hence an empty /run of our own.
_START = (
    "mount -t tmpfs tmpfs /run && mkdir -p /run/pcscd && "
    'mount --bind "$1" /run/pcscd && exec "$0" --foreground --error --config "$2"'
)


class PrivatePcscd:
    """Context manager: pcscd with two virtual slots. Ends only the process it started.

    `socket` is the path for PCSCLITE_CSOCK_NAME, `environment` the variables to add to a client's,
    `ports` the vpcd port of each slot (loopback). Raises `ReaderError` where it cannot run.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self.ports: tuple[int, ...] = ()

    @property
    def socket(self) -> Path:
        return self._need_folder() / "run" / "pcscd.comm"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PCSCLITE_CSOCK_NAME": str(self.socket)}

    @property
    def log(self) -> str:
        """What pcscd wrote so far, at most the last 4,000 characters."""
        return (self._need_folder() / "pcscd.log").read_text("utf-8", "replace")[-4000:]

    def start(self) -> None:
        pcscd = _program("pcscd", "install the package pcscd")
        unshare = _program("unshare", "install the package util-linux")
        if not (Path("/") / DRIVER).exists():
            raise _unavailable("the virtual reader is missing: install the package vsmartcard-vpcd")
        self._folder = Path(tempfile.mkdtemp(prefix="pcscd-"))
        (self._folder / "run").mkdir()
        self.ports = _free_ports()
        configuration = self._folder / "reader.conf"
        configuration.write_text(_reader_configuration(self.ports[0]), "utf-8")
        run = str(self._folder / "run")
        command = ["--mount", "sh", "-c", _START, pcscd, run, str(configuration)]
        try:
            if os.geteuid() != 0 or not self._started([unshare, *command]):
                # A user namespace makes us root in it; also where root has few rights (containers).
                self._launch([unshare, "--map-root-user", *command])
                self._wait_ready()
        except ReaderError:
            self.stop()
            raise

    def stop(self) -> None:
        """End pcscd and remove its folder; does nothing where it is ended already."""
        self._end_process()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _started(self, command: Sequence[str]) -> bool:
        self._launch(command)
        try:
            self._wait_ready()
        except ReaderError:
            self._end_process()
            return False
        return True

    def _launch(self, command: Sequence[str]) -> None:
        with (self._need_folder() / "pcscd.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own words only)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def _wait_ready(self) -> None:
        """Ready is: its socket answers and both vpcd ports listen."""
        process = self._process
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process is None or process.poll() is not None:
                reason = " ".join(self.log.split())[-200:] or "it ended at once"
                raise _unavailable(f"pcscd cannot run here: {reason}")
            if self.socket.exists() and set(self.ports) <= _listening_ports():
                return
            time.sleep(0.02)
        raise _unavailable(f"pcscd was not ready within {START_SECONDS:.0f} s")

    def _need_folder(self) -> Path:
        if self._folder is None:
            raise _unavailable("the private pcscd is not running")
        return self._folder


def _unavailable(detail: str) -> ReaderError:
    return ReaderError(detail, CardReason.NO_SERVICE)


def _program(name: str, remedy: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        raise _unavailable(f"{name} is missing: {remedy}")
    return path


def _reader_configuration(port: int) -> str:
    return (
        'FRIENDLYNAME "Virtual PCD"\n'
        f"DEVICENAME /dev/null:0x{port:X}\n"
        f"LIBPATH /{DRIVER}\n"
        f"CHANNELID 0x{port:X}\n"
    )


def _free_ports() -> tuple[int, ...]:
    """Neighbouring ports that nobody has; the start differs between processes."""
    span = len(PORT_RANGE) // SLOTS
    first = (os.getpid() * 7919 + time.monotonic_ns()) % span
    for step in range(200):
        port = PORT_RANGE[(first + step) % span * SLOTS]
        ports = tuple(range(port, port + SLOTS))
        if all(_is_free(candidate) for candidate in ports):
            return ports
    raise _unavailable("no free ports for the virtual readers")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))  # vpcd binds every interface, too
        except OSError:
            return False
    return True


def _listening_ports() -> set[int]:
    """From the kernel's table, since a trial connection would put a card in."""
    ports: set[int] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == "0A":  # LISTEN
                ports.add(int(columns[1].rpartition(":")[2], 16))
    return ports
