"""Is this station fit for a shift? Each part is looked at for itself, and none stops the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from card_reader.errors import CardError
from exam_server.contract.api import Heartbeat, StationState
from exam_server.contract.program import program_version
from exam_station.client import Client, ServerRefusedError, ServerUnreachableError
from exam_station.clock import ServerClock, wall_time
from exam_station.devices import (
    LEAST_FREE,
    LOW_FREE,
    camera_problems,
    free_space,
    model_problems,
)
from exam_station.identity import load_trust
from exam_station.loudspeaker import has_output
from exam_station.settings import (
    NoDisplayError,
    Settings,
    require_display,
)
from exam_station.vault import Vault

#: A wall clock further off than this makes files and logs misleading; exams do not use it.
WALL_CLOCK_LIMIT = 60.0


class Part(StrEnum):
    """What is looked at; the names are the keys of `exam-station selftest --json`."""

    SERVER = "server"
    TLS_PIN = "tls_pin"
    CLOCK = "clock"
    READER = "reader"
    CAMERA = "camera"
    FACE_MODEL = "face_model"
    TRUST = "trust"
    DISK = "disk"
    DISPLAY = "display"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` says what is so, and what to do where it is not good."""

    good: bool
    detail: str


def examine(
    settings: Settings,
    vault: Vault,
    *,
    environ: Mapping[str, str],
    list_readers: Callable[[], tuple[str, ...]],
) -> dict[Part, Finding]:
    """Every part's finding. `list_readers` gives the readers' names or raises CardError."""
    server, pin, clock = _server(vault)
    return {
        Part.SERVER: server,
        Part.TLS_PIN: pin,
        Part.CLOCK: clock,
        Part.READER: _reader(settings, list_readers),
        Part.CAMERA: _of(
            camera_problems(settings.camera),
            f"camera {settings.camera}",
            f"there is no camera {settings.camera}; connect it or name another with --camera",
        ),
        Part.FACE_MODEL: _of(
            model_problems(settings.models),
            "the face model is in place",
            f"the face model in {settings.models} is missing; run the set-up again (make setup)",
        ),
        Part.TRUST: _trust(settings, vault),
        Part.DISK: _disk(settings),
        Part.DISPLAY: _display(environ),
        Part.SOUND: _sound(environ),
    }


def _of(problems: tuple[object, ...], good: str, bad: str) -> Finding:
    return Finding(False, bad) if problems else Finding(True, good)


def _disk(settings: Settings) -> Finding:
    free = free_space(settings.data)
    room = f"{free // 1_000_000} MB of the disk are free"
    if free < LEAST_FREE:
        return Finding(False, f"{room}; make room, no candidate is let in before")
    return Finding(True, f"{room}; make room soon" if free < LOW_FREE else room)


def _server(vault: Vault) -> tuple[Finding, Finding, Finding]:
    clock = ServerClock()
    client = Client(vault, clock)
    unknown = Finding(False, "not known without the server")
    try:
        seat = client.heartbeat(
            Heartbeat(
                state=StationState.OUT_OF_ORDER,
                program_version=program_version(),
                reader_ready=False,
                camera_ready=False,
            )
        )
    except ServerUnreachableError as error:
        return Finding(False, str(error)), unknown, unknown
    except ServerRefusedError as refusal:
        pinned = Finding(True, "the server proved the pinned certificate")
        return Finding(False, f"{refusal.code}: {refusal}"), pinned, _clock(clock)
    finally:
        client.close()
    where = f"{seat.room or 'no room'}, seat {seat.seat or 'none'}"
    reached = Finding(seat.seat is not None, f"{vault.url} answers; {where}")
    return reached, Finding(True, "the server proved the pinned certificate"), _clock(clock)


def _clock(clock: ServerClock) -> Finding:
    now, error = clock.now(), clock.error
    if now is None or error is None:
        return Finding(False, "the server told no time")
    offset = (wall_time() - now).total_seconds()
    text = f"the wall clock is {offset:+.3f} s off the server's, known to {error:.3f} s"
    good = abs(offset) <= WALL_CLOCK_LIMIT
    return Finding(good, text if good else f"{text}; set it (exams use the server's time)")


def _reader(settings: Settings, list_readers: Callable[[], tuple[str, ...]]) -> Finding:
    try:
        names = list_readers()
    except CardError as error:
        return Finding(False, str(error))
    wanted = [name for name in names if settings.reader is None or settings.reader in name]
    if not wanted:
        return Finding(False, "there is no such card reader; connect it and check its cable")
    return Finding(True, wanted[0])


def _trust(settings: Settings, vault: Vault) -> Finding:
    try:
        anchors = len(load_trust(settings.trust, vault.realm).anchors)
    except CardError as error:
        return Finding(False, str(error))
    if not anchors:
        return Finding(True, "no anchors on this station; the server decides alone")
    return Finding(True, f"{anchors} anchors")


def _sound(environ: Mapping[str, str]) -> Finding:
    """Most papers have no sounds, so that a station without a loudspeaker is fit."""
    if has_output(environ):
        return Finding(True, "there is a device that plays; try it on the waiting screen")
    return Finding(True, "no device that plays: papers with sounds cannot be written here")


def _display(environ: Mapping[str, str]) -> Finding:
    try:
        return Finding(True, require_display(environ))
    except NoDisplayError as error:
        return Finding(False, str(error))
