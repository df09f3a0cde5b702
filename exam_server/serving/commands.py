"""The command ``serve``: one process by default, several with ``--workers``."""

import argparse
import asyncio
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from exam_server import audit, db, keys
from exam_server.console import DONE, NEGATIVE, Subparsers, Unlocked, add_command, answer, unlocked
from exam_server.context import utc_now
from exam_server.errors import InputError
from exam_server.items import keeping
from exam_server.serving import logs
from exam_server.serving.bus import check_url
from exam_server.serving.fleet import Fleet
from exam_server.serving.handover import Handover
from exam_server.serving.listening import listen, url_of
from exam_server.serving.logs import LogForm
from exam_server.serving.metrics_listener import FleetCollector, offer, own_values, values_of
from exam_server.serving.process import Process, build
from exam_server.settings import Settings


def register(subparsers: Subparsers) -> None:
    """Adds the command of this module. Its options outweigh settings.json."""
    serve = add_command(subparsers, "serve", _serve, "serve over TLS", passphrase=True)
    serve.add_argument("--port", type=int, help="0 takes a free one")
    serve.add_argument("--bind", metavar="ADDRESS", help="the first host of init")
    serve.add_argument(
        "--workers", type=int, metavar="N", help="processes; more than 1 needs PostgreSQL and NATS"
    )
    serve.add_argument("--nats", metavar="URL", help="carries live events between processes")
    serve.add_argument(
        "--metrics", type=int, metavar="PORT", help="offers metrics at this port of 127.0.0.1"
    )
    serve.add_argument(
        "--logs", choices=[form.value for form in LogForm], help="text at a terminal, else json"
    )


def _serve(parsed: argparse.Namespace) -> int:
    with unlocked(parsed) as opened:
        settings = _settings(parsed, opened.server.settings)
        _check(settings, opened.server.engine.dialect.name)
        address = parsed.bind or settings.hosts[0]
        port = opened.server.settings.port if parsed.port is None else parsed.port
        listeners = listen(address, port, settings.workers)
        with db.transaction(opened.server.engine) as session:
            # Of items that an older program kept there are none yet.
            keeping.index_all(session, sealing=opened.keys.sealing, now=utc_now())
        form = logs.chosen_form(parsed.logs, sys.stderr)
        logs.configure(form)
        if settings.workers == 1:
            _serve_alone(parsed, opened, settings, listeners[0])
            in_order = True
        else:
            in_order = _serve_together(parsed, opened, settings, listeners, form)
        with db.transaction(opened.server.engine) as session:
            audit.seal(session, opened.keys.signing, now=utc_now())
    return DONE if in_order else NEGATIVE


def _settings(parsed: argparse.Namespace, kept: Settings) -> Settings:
    """The settings with what the call says otherwise."""
    given = {"workers": parsed.workers, "nats_url": parsed.nats, "metrics_port": parsed.metrics}
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings.model_validate({**kept.model_dump(), **said})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['loc'][0]}: {first['msg']}") from error


def _check(settings: Settings, dialect: str) -> None:
    for url in (settings.nats_url or "").split(",") if settings.nats_url else ():
        check_url(url.strip())
    if settings.workers == 1:
        return
    if dialect == "sqlite":
        raise InputError(
            "SQLite serves one process; make a server with --database postgresql+psycopg://… "
            "or leave --workers out"
        )
    if settings.nats_url is None:
        raise InputError(
            "several processes need NATS for their live events; give --nats nats://HOST:4222"
        )


def _announce(parsed: argparse.Namespace, listener: socket.socket) -> None:
    url = url_of(listener)
    fingerprint = keys.fingerprint(parsed.directory).hex()
    answer(parsed, {"url": url, "fingerprint": fingerprint}, f"serving {url}")


def _serve_alone(
    parsed: argparse.Namespace, opened: Unlocked, settings: Settings, listener: socket.socket
) -> None:
    app = build(parsed.directory, settings, opened.keys, opened.server.engine)
    process = Process(app, parsed.directory, opened.keys, lambda: _announce(parsed, listener))
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            offer(stack, settings.metrics_port, opened.server.engine, own_values())
        process.run_until_told(listener)


def _serve_together(
    parsed: argparse.Namespace,
    opened: Unlocked,
    settings: Settings,
    listeners: list[socket.socket],
    form: LogForm,
) -> bool:
    """Whether all processes stopped in order."""
    with ExitStack() as stack:
        values = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exam-metrics-")))
        handover = Handover(parsed.directory.resolve(), settings, opened.keys, 0, form)
        fleet = Fleet(handover, listeners, values)
        if settings.metrics_port is not None:
            collectors = (*values_of(values), FleetCollector(fleet))
            offer(stack, settings.metrics_port, opened.server.engine, collectors)
        opened.server.engine.dispose()  # the parent asks nothing while its processes answer
        return asyncio.run(fleet.run(lambda: _announce(parsed, listeners[0])))
