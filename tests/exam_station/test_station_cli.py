"""`exam-station` as people and scripts call it: real processes, one line for every trouble."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from station_papers import placement
from station_server import ATTEMPT, SECRET, StationServer

from exam_server.contract import api, records
from exam_station.vault import UNLOCK_VARIABLE

ROOT = Path(__file__).parents[2]
PORTRAIT = ROOT / "fixtures" / "portrait" / "portrait.jpg"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    unlock = tmp_path / "unlock"
    unlock.write_bytes(SECRET)
    # No PC/SC service at this address: what is tested here needs none.
    nowhere = str(tmp_path / "no-pcscd")
    return {
        **os.environ,
        UNLOCK_VARIABLE: str(unlock),
        "PCSCLITE_CSOCK_NAME": nowhere,
        "QT_QPA_PLATFORM": "offscreen",
    }


def call(environ: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exam_station.cli", *map(str, arguments)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=280
    )


def start(environ: dict[str, str], data: Path, *, windowed: bool = True) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "exam_station.cli", "run", "--data", str(data)]
    command += ["--camera", str(PORTRAIT), *(["--windowed"] if windowed else [])]
    return subprocess.Popen(
        command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.slow
def test_enrolment_and_its_json(server: StationServer, data: Path, environ: dict[str, str]) -> None:
    token = server.token().to_text()
    done = call(environ, "enroll", token, "--data", data, "--name", "P01-03", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["station"], answer["realm"], answer["server"]) == (
        "station-1",
        "test",
        server.url,
    )
    again = call(environ, "enroll", token, "--data", data, "--name", "P01-03")
    assert again.returncode == 2
    assert "already holds" in again.stderr and "Traceback" not in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("enroll", "tt1.damaged", "--name", "x"), "token is damaged"),
        (("enroll", "no token", "--name", "x"), "not an enrolment token"),
        (("selftest",), "exam-station enroll"),
        (("run",), "exam-station enroll"),
    ],
)
def test_trouble_is_one_line_and_exit_2(
    data: Path, environ: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    done = call(environ, *arguments, "--data", data, "--json")
    assert done.returncode == 2
    assert says in json.loads(done.stdout)["error"]
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_without_secret_or_display_it_says_so(
    vault: object, data: Path, environ: dict[str, str]
) -> None:
    no_display = {
        name: value
        for name, value in environ.items()
        if name not in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    }
    done = call(no_display, "run", "--data", data)
    assert (done.returncode, "no display" in done.stderr) == (2, True)
    del environ[UNLOCK_VARIABLE]
    done = call(environ, "run", "--data", data)
    assert (done.returncode, "no unlock secret" in done.stderr) == (2, True)


@pytest.mark.slow
def test_the_selftest_looks_at_every_part(
    server: StationServer, vault: object, data: Path, environ: dict[str, str]
) -> None:
    done = call(environ, "selftest", "--data", data, "--camera", PORTRAIT, "--json")
    answer = json.loads(done.stdout)
    parts = answer["parts"]
    assert set(parts) == {
        "server",
        "tls_pin",
        "clock",
        "reader",
        "camera",
        "face_model",
        "trust",
        "disk",
        "display",
        "sound",
    }
    assert parts["server"]["good"] and parts["tls_pin"]["good"] and parts["clock"]["good"]
    assert parts["camera"]["good"] and parts["disk"]["good"]
    assert not parts["reader"]["good"] and "pcscd" in parts["reader"]["detail"]
    assert (done.returncode, answer["ready"]) == (1, False)
    server.stop()
    done = call(environ, "selftest", "--data", data, "--camera", "/nowhere", "--json")
    parts = json.loads(done.stdout)["parts"]
    assert done.returncode == 1
    assert not parts["server"]["good"] and not parts["camera"]["good"]


@pytest.mark.slow
def test_killed_in_the_middle_a_new_process_goes_on_with_the_same_journal(
    server: StationServer, vault: object, data: Path, environ: dict[str, str]
) -> None:
    server.placement = placement(
        checkin="c1", attempt=ATTEMPT, attempt_state=api.AttemptState.WRITING
    )
    first = start(environ, data)
    try:
        until(lambda: len(server.records) == 1)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    second = start(environ, data)
    try:
        until(lambda: server.calls.count("attempts/open") == 2)
        until(lambda: server.batches.count(0) >= 2)
        until(lambda: len(server.records) == 2)
    finally:
        second.send_signal(signal.SIGTERM)
        _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors.decode()
    assert "Traceback" not in errors.decode()
    bodies = [record.open(server.attempt_key)[0] for record in server.records]
    assert [type(body) for body in bodies] == [records.Opened, records.Restarted]
    assert server.calls.count("attempts/lease") == 1


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("fastapi", "sqlmodel", "sqlalchemy", "starlette", "uvicorn"):
            raise ImportError(f"{name} is not for stations", name=name)
sys.meta_path.insert(0, Blocker())
import exam_station.app, exam_station.cli, exam_station.selftest
assert not {"sqlalchemy", "fastapi", "exam_server.db", "exam_server.app"} & set(sys.modules)
print("station without server")
"""


@pytest.mark.slow
def test_the_station_needs_nothing_of_the_server_but_the_contract(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
        cwd=ROOT,
        timeout=280,
    )
    assert done.stdout.strip() == "station without server", done.stderr


@pytest.mark.slow
def test_a_full_screen_kiosk_ends_when_it_is_told_to(
    server: StationServer, data: Path, environ: dict[str, str]
) -> None:
    done = call(environ, "enroll", server.token().to_text(), "--data", data, "--name", "P01-03")
    assert done.returncode == 0, done.stderr
    kiosk = start(environ, data, windowed=False)
    try:
        until(lambda: any("heartbeat" in call for call in server.calls), 60)
        assert kiosk.poll() is None
        kiosk.terminate()
        assert kiosk.wait(60) == 0
    finally:
        kiosk.kill()
        kiosk.communicate()


TOLD_TO_END_AT_ONCE = """
import os, signal, sys
from exam_station import app, cli
whole = app.Kiosk.start
def start(kiosk):
    whole(kiosk)
    os.kill(os.getpid(), signal.SIGTERM)
app.Kiosk.start = start
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_kiosk_that_is_told_to_end_before_it_looks_at_anything_ends(
    vault: object, data: Path, environ: dict[str, str]
) -> None:
    command = [sys.executable, "-c", TOLD_TO_END_AT_ONCE, "run", "--data", str(data)]
    done = subprocess.run(
        [*command, "--camera", str(PORTRAIT)], check=False, capture_output=True, text=True,
        env=environ, cwd=ROOT, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
