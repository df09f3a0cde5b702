"""A server's bank over the network, as `question-bank import --bank https://…` names it.

``https://thi.example.vn:8443/?username=rade&subject=Toán`` signs in as that item writer, brings the
items through the pages that a browser would, and takes them as drafts: the server holds them to the
writer's role and subjects, and writes its log, as it does for everybody. ``&secret=true`` makes
them secret ones; ``&ca=FILE`` names the server's certificate where no authority signed it.

The password is asked for, or stands in the file that ``&password-file=FILE`` names, which nobody
else may read. It is never part of the call.
"""

import getpass
import html
import os
import re
import ssl
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from exam_server.console import remark
from exam_server.items.importing import PAGE
from question_bank.assembly import BaseForm
from question_bank.duplicates.findings import Findings, within
from question_bank.errors import FileRefusedError
from question_bank.interchange.qti3_writer import write_package
from question_bank.item import Item

EXAMPLE = "https://HOST/?username=NAME&subject=SUBJECT"
SECONDS = 120.0
#: What the server's page takes at once, less what the form itself needs.
MOST_BYTES = 7 * 1024 * 1024
#: In one file.
MOST_ITEMS = 200
MAX_ANSWER = 64 * 1024 * 1024
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
_FAULT = re.compile(r'class="field-error"[^>]*>(.*?)</p>', re.DOTALL)
_ITEM = re.compile(r'name="item" value="\d+"')
_IN_BANK = re.compile(r'data-in-bank="(\d+)"')


@dataclass(frozen=True, slots=True)
class RemoteBank:
    """The bank at `origin`, as `username` writes in it."""

    origin: str
    username: str
    subject: str
    secret: bool
    ca: Path | None
    password_file: Path | None

    def add_items(self, items: Sequence[Item]) -> int:
        """Makes drafts of them, package by package; gives how many. Where one fails, the message
        says how many were taken before."""
        made = 0
        with _Visit(self.origin, _context(self.ca)).signed_in(
            self.username, _password(self.password_file, self.username)
        ) as visit:
            for package, count in packages(items):
                try:
                    self._bring(visit, package, count)
                except FileRefusedError as error:
                    raise FileRefusedError(f"{error} ({made} items were taken before)") from None
                made += count
        return made

    def _bring(self, visit: "_Visit", package: bytes, count: int) -> None:
        fields = {"subject": self.subject, **({"secret": "true"} if self.secret else {})}
        brought = visit.post("/bank/imports", fields, file=("items.zip", package))
        if not brought.startswith("/bank/imports/"):
            raise FileRefusedError(f"--bank: the server answers with {brought[:60]!r}")
        pages = -(-count // PAGE)
        found = "".join(visit.get(f"{brought}?page={number + 1}") for number in range(pages))
        read, alike = len(_ITEM.findall(found)), sum(map(int, _IN_BANK.findall(found)))
        if read != count:
            raise FileRefusedError(
                f"--bank: the server read {read} of {count} items; see {self.origin}{brought}"
            )
        visit.post(brought, {"act": "all"})
        if alike:
            remark(
                f"{alike} of these {count} items are like items of the server's bank; "
                f"what they are like stands in {self.origin}{brought}"
            )

    def duplicates(self, items: Sequence[Item]) -> Findings:
        """What they are like among themselves; `add_items` tells how many the server finds alike
        in its bank."""
        return within(items)

    def add_base_forms(self, forms: Iterable[BaseForm]) -> None:
        """A server's forms are an exam's: they are named, and not taken."""
        for form in forms:
            remark(
                f"base form {form.id} is not taken; exam-server load paper makes an exam's forms"
            )


def packages(items: Sequence[Item]) -> Iterator[tuple[bytes, int]]:
    """(QTI 3 package, how many items), each as the server's page takes it."""
    waiting = [items[at : at + MOST_ITEMS] for at in range(0, len(items), MOST_ITEMS)]
    while waiting:
        some = waiting.pop(0)
        package = write_package(some, [])
        if len(package) <= MOST_BYTES:
            yield package, len(some)
        elif len(some) == 1:
            raise FileRefusedError(f"--bank: item {some[0].id} is too large for the server's page")
        else:
            half = len(some) // 2
            waiting[:0] = [some[:half], some[half:]]


class _NoRedirect(HTTPRedirectHandler):
    """A redirection is an answer of ours, never an address to follow."""

    def redirect_request(self, *_: object) -> None:
        return None


class _Visit:
    """Pages of one server, with the session's cookies. Nothing is sent to any other address."""

    def __init__(self, origin: str, context: ssl.SSLContext) -> None:
        self._origin = origin
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}),
            HTTPSHandler(context=context),
            HTTPCookieProcessor(CookieJar()),
            _NoRedirect(),
        )
        self._page = "/login"

    def signed_in(self, username: str, password: str) -> "_Visit":
        self.post("/language", {"language": "en", "back": "/login"})
        self.post("/login", {"login": username, "password": password, "next": "/bank/imports"})
        self._page = "/bank/imports"
        return self

    def __enter__(self) -> "_Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.post("/logout", {})

    def get(self, path: str) -> str:
        return self._send(Request(self._origin + path))[1]  # noqa: S310 - https alone

    def post(
        self, path: str, fields: Mapping[str, str], *, file: tuple[str, bytes] | None = None
    ) -> str:
        """Sends a form with the token of the visit's page; the path that it leads to."""
        found = _TOKEN.search(self.get(self._page))
        if found is None:
            raise FileRefusedError(
                f"--bank: {self._origin}{self._page} is no page of an exam server"
            )
        kind, body = _form({"csrf": html.unescape(found[1]), **fields}, file)
        request = Request(self._origin + path, body, {"Content-Type": kind})  # noqa: S310 - https
        headers, text = self._send(request)
        if "location" not in headers:
            raise FileRefusedError(f"--bank: {_fault(text)}")
        return urlsplit(headers["location"]).path

    def _send(self, request: Request) -> tuple[Message, str]:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return answer.headers, _text(answer.read(MAX_ANSWER))
        except HTTPError as error:
            with error:
                if error.code in (303, 422):
                    return error.headers, _text(error.read(MAX_ANSWER))
                raise FileRefusedError(f"--bank: {_REFUSALS.get(error.code, error.code)}") from None
        except (URLError, OSError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise FileRefusedError(f"--bank: {self._origin} cannot be reached: {reason}") from None


_REFUSALS = {
    401: "the server does not know this name with this password",
    403: "the server does not let this person import items",
    409: "the server refuses: the subject is not among this writer's, or nothing is to be done",
    413: "the server takes no file of this size",
    429: "too many tries; wait some minutes",
}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _fault(page: str) -> str:
    """What the page says beside a field, in a line."""
    faults = [html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in _FAULT.findall(page)]
    return " ".join(filter(None, faults)) or "the server refuses, and does not say why"


def _form(fields: Mapping[str, str], file: tuple[str, bytes] | None) -> tuple[str, bytes]:
    """(content type, body) of a form."""
    if file is None:
        return "application/x-www-form-urlencoded", urlencode(fields).encode()
    border = os.urandom(16).hex()
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"\r\n'
    kind = "Content-Type: application/zip\r\n\r\n"
    body = b"".join((*parts, (head + kind).encode(), file[1], f"\r\n--{border}--\r\n".encode()))
    return f"multipart/form-data; boundary={border}", body


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError) as error:
        raise FileRefusedError(f"--bank: ca: {ca} is no certificate: {error}") from None


def _password(file: Path | None, username: str) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise FileRefusedError(
                "--bank: no terminal to ask for the password: name password-file"
            )
        return getpass.getpass(f"Password of {username}: ")
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise FileRefusedError(f"--bank: {file}: others may read it; chmod 600 it")
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise FileRefusedError(f"--bank: {file} cannot be read") from None


def open_bank(url: str) -> RemoteBank:
    """The bank that `url` names; raises FileRefusedError."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # ValueError where it is none
        query = parse_qs(parts.query, strict_parsing=True, keep_blank_values=True)
        (username,), (subject,) = query.pop("username"), query.pop("subject")
        (hidden,) = query.pop("secret", ["false"])
        (ca,), (password,) = query.pop("ca", [""]), query.pop("password-file", [""])
    except (ValueError, KeyError):
        raise FileRefusedError(f"--bank: {_bare(url)} is incomplete; write {EXAMPLE}") from None
    if parts.password is not None or parts.username is not None:
        raise FileRefusedError(f"--bank: no name and no password before the host; write {EXAMPLE}")
    plain = parts.scheme == "https" and parts.hostname and parts.path in ("", "/")
    if not plain or query or hidden not in ("true", "false"):
        raise FileRefusedError(f"--bank: {_bare(url)} names no server; write {EXAMPLE}")
    return RemoteBank(
        origin=f"https://{parts.netloc}",
        username=username,
        subject=subject,
        secret=hidden == "true",
        ca=Path(ca) if ca else None,
        password_file=Path(password) if password else None,
    )


def _bare(url: str) -> str:
    """The address as a message may show it: nothing that could be a password."""
    return repr(re.sub(r"//[^/?]*@", "//", url)[:100])
