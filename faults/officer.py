"""A proctor at the staff pages, who moves candidates while everything else goes wrong."""

import re
import secrets
import time
from pathlib import Path

import httpx

from exam_server.shifts.codes import Code
from rig.server import Server

USERNAME = "proctor"
#: Seconds for an answer, and for a server that was killed to be back.
PATIENCE, AWAY = 10.0, 60.0
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
#: A free seat of the page: its id, whether it can be chosen, its name behind the room's.
_SEAT = re.compile(r'name="seat" value="(\w+)"([^>]*)>.*?· [^<]*?(\d+)</span>')

_ROOM = re.compile(r'href="(/rooms/\w+/\w+)"')
_CODE = re.compile(r'data-code="(\w+)">([^<]+)<')


class Proctor:
    """Context manager: somebody signed in, over TLS, as at any desk."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._password = secrets.token_urlsafe(16)
        self._folder = folder
        self._client = httpx.Client()
        self.trouble = ""  # why the last move was none

    def __enter__(self) -> "Proctor":
        file = self._folder / "proctor-password"
        file.touch(0o600)
        file.write_text(self._password)
        words = ["--username", USERNAME, "--name", "Giám thị", "--role", "proctor"]
        words += ["--password-file", str(file)]
        self._server.call("staff", "add", str(self._server.folder), *words)
        self._client.close()
        self._client = httpx.Client(
            base_url=self._server.url, verify=self._server.tls(), timeout=PATIENCE
        )
        typed = {"login": USERNAME, "password": self._password, "next": "/"}
        answer = self._client.post("/login", data={**typed, "csrf": self._token("/login")})
        assert answer.status_code == 303, "the proctor is not let in"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def codes(self, placement: str) -> dict[str, str]:
        """The codes of the candidate's room, whose shift has started: `room` and `start`."""
        path = _ROOM.findall(self._page(placement))[0] + "/codes"
        codes: dict[str, str] = {}
        for code in Code:
            answer = self._client.post(f"{path}/{code}", data={"csrf": self._token(path)})
            answer.raise_for_status()
            codes |= dict(_CODE.findall(answer.text))
        return codes

    def look(self, placement: str, seat: str) -> dict[str, str] | None:
        """The form that moves a candidate to the free `seat` (its name); None where the seat is
        taken, its station is not ready, or the server is away (`trouble` says which)."""
        try:
            text = self._page(placement)
        except httpx.HTTPError as error:
            self.trouble = repr(error)
            return None
        free = {name: (id_, rest) for id_, rest, name in _SEAT.findall(text)}
        if seat not in free or "disabled" in free[seat][1]:
            self.trouble = f"seat {seat} is {'not ready' if seat in free else 'not free'}"
            return None
        return {"seat": free[seat][0], "reason": "hỏng máy", "csrf": _CSRF.findall(text)[0]}

    def move(self, placement: str, seat: str, form: dict[str, str]) -> bool:
        """Sends the form; whether the candidate sits there now. Where the server goes away with the
        answer, the page tells later whether it has done it."""
        try:
            answer = self._client.post(f"/placements/{placement}/seat", data=form)
        except httpx.HTTPError:
            return self._is_taken(placement, seat)
        self.trouble = f"the page answered {answer.status_code}"
        return answer.status_code == httpx.codes.SEE_OTHER

    def _is_taken(self, placement: str, seat: str) -> bool:
        end = time.monotonic() + AWAY
        while time.monotonic() < end:
            try:
                text = self._page(placement)
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                return all(name != seat for _, _, name in _SEAT.findall(text))
        return False

    def _page(self, placement: str) -> str:
        answer = self._client.get(f"/placements/{placement}/move")
        answer.raise_for_status()
        return answer.text

    def _token(self, page: str) -> str:
        return str(_CSRF.findall(self._client.get(page).text)[0])
