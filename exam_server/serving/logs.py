"""Structured logs on stderr: JSON lines for a collector, or lines for a person at a terminal.

A line tells what happened, where in the program, and ids that mean nothing outside. It never
holds anybody's name or number, an answer, a body or a secret. So an exception is told by its kind
and its place in the code alone: its message may hold whatever was being worked on.
"""

import logging
import os
import sys
import threading
import traceback
from contextvars import ContextVar
from enum import StrEnum
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MOST_FRAMES = 20
#: The id of the request that is being answered.
current_request: ContextVar[str | None] = ContextVar("current_request", default=None)


class LogForm(StrEnum):
    """How lines are written. A closed list."""

    JSON = "json"
    TEXT = "text"


def chosen_form(given: str | None, stream: TextIO) -> LogForm:
    """What was asked for; without it, text at a terminal and JSON elsewhere."""
    if given is not None:
        return LogForm(given)
    return LogForm.TEXT if stream.isatty() else LogForm.JSON


def configure(form: LogForm, stream: TextIO | None = None) -> None:
    """Sends every log line of this process to `stream` (stderr), in `form`."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                with_request,
                told_without_its_message,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(form, target),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("exam_server").setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _renderer(form: LogForm, target: TextIO) -> Processor:
    if form is LogForm.JSON:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=target.isatty())


def with_request(_logger: WrappedLogger, _name: str, fields: EventDict) -> EventDict:
    """Adds the request at which this happened, where it happened at one."""
    request = current_request.get()
    if request is not None:
        fields.setdefault("request", request)
    fields["process"] = os.getpid()
    return fields


def told_without_its_message(_logger: WrappedLogger, _name: str, fields: EventDict) -> EventDict:
    """Puts an exception's kinds and places in the stead of the exception itself."""
    info = fields.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        fields["error"] = kinds_of(error)
        fields["at"] = places_of(error.__traceback__)
    fields.pop("exc_text", None)
    fields.pop("stack_info", None)
    return fields


def kinds_of(error: BaseException) -> list[str]:
    """The names of the exception's class and of those it came from, the latest first."""
    kinds, seen = list[str](), set[int]()
    step: BaseException | None = error
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        state = getattr(step, "sqlstate", None)
        name = f"{type(step).__module__}.{type(step).__qualname__}"
        kinds.append(f"{name} {state}" if isinstance(state, str) else name)
        step = step.__cause__ or step.__context__
    return kinds


def places_of(trace: TracebackType | None) -> list[str]:
    """``file:line function`` of the last frames, outermost first; no code, no values."""
    frames = traceback.extract_tb(trace)[-MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(__name__).critical("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: Any) -> None:
    error = args.exc_value
    if error is not None:
        logging.getLogger(__name__).critical(
            "uncaught in a thread", exc_info=(args.exc_type, error, args.exc_traceback)
        )
