"""Real processes: started, watched line by line, ended by their own handle."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class ProcessFailedError(Exception):
    """A program did not do what it was started for; the message says which, and its last line."""


def command(*words: str) -> list[str]:
    """A command of this project, from the virtual environment that runs this."""
    return [str(Path(sys.executable).parent / words[0]), *words[1:]]


def run(*words: str, environment: Mapping[str, str], seconds: float = 120) -> str:
    """Runs a command to its end; its standard output. ProcessFailedError where it fails."""
    done = subprocess.run(
        command(*words),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise ProcessFailedError(f"{' '.join(words[:2])} ended with {done.returncode}: {last}")
    return done.stdout


class Process:
    """A running program whose output goes to a log; its JSON lines can be waited for."""

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str], log: Path):
        self.name = name
        self.events: list[dict[str, Any]] = []
        self._log = log
        self._changed = threading.Condition()
        self._all_read = False
        self._process = subprocess.Popen(
            words,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._log.open("a") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                if line.startswith("{"):
                    self._note(line)
        with self._changed:
            self._all_read = True
            self._changed.notify_all()

    def _note(self, line: str) -> None:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(
        self, what: str, wanted: Callable[[dict[str, Any]], bool], seconds: float = 30
    ) -> dict[str, Any]:
        """The first event that is `wanted`; ProcessFailedError after `seconds` or at its end."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                left = end - time.monotonic()
                if left <= 0:
                    raise ProcessFailedError(
                        f"{self.name}: no {what} within {seconds:.0f} s{self._tail()}"
                    )
                if self._all_read and not self.running:  # its last word may still be on its way
                    raise ProcessFailedError(f"{self.name} ended before {what}{self._tail()}")
                self._changed.wait(min(left, 0.5))

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines() or ["no output"]
        return f" (last said: {lines[-1][:300]}; see {self._log.name})"

    def wait(self, seconds: float) -> None:
        """Waits for its own end; ProcessFailedError where it takes longer or fails."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessFailedError(f"{self.name} did not end within {seconds:.0f} s") from None
        if code != 0:
            raise ProcessFailedError(f"{self.name} ended with {code}{self._tail()}")

    def kill(self) -> None:
        """SIGKILL to it and all that it started, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def terminate(self) -> None:
        """Asks it to end (SIGTERM) and does not wait."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float = 5) -> int:
        """SIGTERM, then SIGKILL after `seconds`; its exit code."""
        self.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode
