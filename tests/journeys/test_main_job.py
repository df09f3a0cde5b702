"""The whole main job, as ``make demo`` runs it: several processes, real PC/SC, real browser."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What the run must show, by words of its timeline.
WANTED = (
    "stations enrolled with one-time tokens",
    "tap, chip proven, consent asked",
    "card with exchanged DG2 is refused",
    "another person's face is referred",
    "the proctor refuses on the web page",
    "the chip cannot be read",
    "two officers check in, conditionally",
    "checked in for the second paper",
    "start signal: keys released, packages open",
    "kill -9 at item",
    "a new process resumes at the same answer",
    "every kind of item answered and handed in",
    "shift closed and graded on the server",
    "result slip",
    "result slip of the second paper is provisional: a text waits for a marker",
    "two markers, who see no name, mark the text; the result is whole",
    "log and journals verified",
)


@pytest.mark.journey
@pytest.mark.timeout(900)
def test_from_card_tap_to_graded_result() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = demo.communicate(timeout=780)
    except subprocess.TimeoutExpired:
        demo.send_signal(signal.SIGINT)  # it ends the kiosks, readers and server that it started
        said, _ = demo.communicate(timeout=60)
        pytest.fail(f"the demo takes longer than 13 minutes:\n{said}")
    assert demo.returncode == 0, said
    timeline = json.loads((ROOT / "build" / "demo" / "timeline.json").read_text("utf-8"))
    assert timeline["degraded"] == []
    names = [act["name"] for act in timeline["acts"] if act["verdict"] == "ok"]
    missing = [wanted for wanted in WANTED if not any(wanted in name for name in names)]
    assert missing == []
