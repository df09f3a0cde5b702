"""`exam-station`: enroll, run, selftest, move-out, move-in, robot.

Exit 0 good, 1 not good, 2 not usable.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from card_reader.errors import CardError
from exam_server.contract.enrolment import EnrolmentToken
from exam_server.contract.errors import ContractError
from exam_server.contract.program import program_version
from exam_server.contract.receipt import head_code
from exam_station.attempt_folder import AttemptFolder
from exam_station.client import Client, ClientError
from exam_station.clock import ServerClock
from exam_station.enrolment import enrol
from exam_station.flow.codes import Language
from exam_station.journal import JournalError
from exam_station.kept_time import TimeKeeper
from exam_station.kit import Kits
from exam_station.moving import MoveError, move_in, move_out, read_folder
from exam_station.robot import command
from exam_station.robot.plan import PlanError
from exam_station.settings import NoDisplayError, Settings, model_folder
from exam_station.vault import Vault, VaultError, unlock_secret

GOOD, BAD, UNUSABLE = 0, 1, 2

EXPECTED = (
    *(VaultError, ClientError, ContractError, CardError, NoDisplayError, PlanError, OSError),
    *(JournalError, MoveError),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return int(options.command(options))
    except EXPECTED as error:
        return _unusable(options, str(error))
    except ImportError as error:
        return _unusable(
            options, f"{error.name} is not installed; install the station's dependencies."
        )


def _unusable(options: argparse.Namespace, message: str) -> int:
    line = " ".join(message.split())
    if options.json:
        print(json.dumps({"error": line}, ensure_ascii=False))
    print(f"exam-station: {line}", file=sys.stderr)
    return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="exam-station", description="The kiosk of a seat.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", type=Path, required=True, help="the station's data directory")
    shared.add_argument("--json", action="store_true", help="one JSON object on stdout")
    shared.add_argument("--verbose", action="store_true", help="more on stderr")

    enroll = commands.add_parser("enroll", parents=[shared], help="join a server, once")
    enroll.add_argument("token", metavar="TOKEN", help="the one-time token, from tt1. on")
    enroll.add_argument("--name", required=True, help="what people call this machine")
    enroll.set_defaults(command=_enroll)

    devices = argparse.ArgumentParser(add_help=False)
    devices.add_argument("--reader", help="a part of the card reader's name")
    devices.add_argument("--camera", default="0", help="number, device, picture, video or folder")

    run = commands.add_parser("run", parents=[shared, devices], help="run the kiosk")
    run.add_argument("--windowed", action="store_true", help="a window that can be closed")
    run.add_argument("--language", choices=[each.value for each in Language], default="vi")
    run.set_defaults(command=_run)

    selftest = commands.add_parser("selftest", parents=[shared, devices], help="fit for a shift?")
    selftest.set_defaults(command=_selftest, windowed=True, language="vi")

    moved_out = commands.add_parser(
        "move-out", parents=[shared], help="end an attempt here, to be carried to another station"
    )
    moved_out.add_argument("--attempt", help="its id; needed where there are several")
    moved_out.add_argument("--to", type=Path, required=True, help="a new folder, on a stick")
    moved_out.add_argument("--seat", help="the seat that it is sent to, if it is known")
    moved_out.set_defaults(command=_move_out)
    moved_in = commands.add_parser(
        "move-in", parents=[shared], help="take up an attempt that was carried here"
    )
    moved_in.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of move-out")
    moved_in.set_defaults(command=_move_in)

    robot = commands.add_parser("robot", help="candidates without screens, in a test")
    command.add_arguments(robot)
    robot.set_defaults(command=_robot)
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        data=options.data,
        reader=options.reader,
        camera=options.camera,
        windowed=options.windowed,
        language=Language(options.language),
        models=model_folder(),
    )


def _enroll(options: argparse.Namespace) -> int:
    token = EnrolmentToken.from_text(options.token)
    vault = enrol(
        token,
        name=options.name,
        data=options.data,
        secret=unlock_secret(os.environ, options.data),
        version=program_version(),
    )
    _say(
        options,
        {"station": vault.station, "name": vault.name, "realm": vault.realm, "server": vault.url},
        f"enrolled as {vault.name} ({vault.station}) at {vault.url}, realm {vault.realm}",
    )
    return GOOD


def _run(options: argparse.Namespace) -> int:
    from exam_station.app import run

    return run(_settings(options))


def _move_out(options: argparse.Namespace) -> int:
    vault = Vault.load(options.data, unlock_secret(os.environ, options.data))
    clock = ServerClock()
    keeper = TimeKeeper(options.data, clock, key=vault.signing)
    keeper.take_up()
    folder = _one_attempt(options.data, options.attempt)
    token = move_out(
        folder,
        options.to,
        vault=vault,
        seat=options.seat,
        ledger=keeper.ledger(folder.attempt),
        now=clock.now() or datetime.now(UTC),
    )
    code = head_code(token.head)
    said = {"attempt": token.attempt, "epoch": token.epoch, "sequence": token.sequence}
    _say(
        options,
        {**said, "head_code": code, "folder": str(options.to)},
        f"{token.sequence} records of {token.attempt} are in {options.to}; this station writes no"
        f" more of it. For the minutes: {code}",
    )
    return GOOD


def _one_attempt(data: Path, wanted: str | None) -> AttemptFolder:
    if wanted is not None:
        return AttemptFolder(data, wanted)
    under_way = [
        one for one in AttemptFolder.all(data) if one.journal.exists() and one.receipt() is None
    ]
    if len(under_way) != 1:
        names = ", ".join(one.attempt for one in under_way) or "none"
        raise MoveError(f"say which attempt with --attempt (under way here: {names})")
    return under_way[0]


def _move_in(options: argparse.Namespace) -> int:
    vault = Vault.load(options.data, unlock_secret(os.environ, options.data))
    clock = ServerClock()
    TimeKeeper(options.data, clock, key=vault.signing).take_up()
    with closing(Client(vault, clock)) as client:
        kit = Kits(options.data, client, vault).kit()
    if kit is None:
        raise MoveError("this station has no room kit; it must have been staged before")
    carried = read_folder(options.folder)
    now = clock.now() or datetime.now(UTC)
    move_in(options.data, carried, vault=vault, kit=kit, now=now)
    token, place = carried.token, kit.place_of(carried.token.attempt)
    _say(
        options,
        {
            "attempt": token.attempt,
            "epoch": token.epoch + 1,
            "sequence": token.sequence,
            "registration_number": place.registration_number,
        },
        f"{token.sequence} records of candidate {place.registration_number} are taken up; start"
        " the kiosk here, and the paper opens where it was left",
    )
    return GOOD


def _selftest(options: argparse.Namespace) -> int:
    from card_reader.pcsc import list_readers
    from exam_station.selftest import examine

    vault = Vault.load(options.data, unlock_secret(os.environ, options.data))
    found = examine(
        _settings(options),
        vault,
        environ=os.environ,
        list_readers=lambda: tuple(reader.name for reader in list_readers()),
    )
    ready = all(finding.good for finding in found.values())
    parts = {
        part.value: {"good": finding.good, "detail": finding.detail}
        for part, finding in found.items()
    }
    lines = [
        f"{'ok ' if finding.good else 'BAD'} {part.value}: {finding.detail}"
        for part, finding in found.items()
    ]
    _say(options, {"ready": ready, "station": vault.station, "parts": parts}, "\n".join(lines))
    return GOOD if ready else BAD


def _robot(options: argparse.Namespace) -> int:
    report = command.play(options)
    lines = [f"{name}: {value}" for name, value in report.items()]
    _say(options, report, "\n".join(lines))
    complete = report["finished"] == report["candidates"] == report["receipts"]
    return GOOD if complete else BAD


def _say(options: argparse.Namespace, answer: dict[str, Any], text: str) -> None:
    print(json.dumps(answer, ensure_ascii=False) if options.json else text)


if __name__ == "__main__":
    sys.exit(main())
