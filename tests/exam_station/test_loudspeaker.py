"""What the station plays, taken down where ALSA hands it to the device, and devices that fail."""

import io
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import miniaudio
import numpy as np
import pytest
import soundfile

from exam_station.loudspeaker import Loudspeaker, Playback, Stage, check_sound, has_output
from question_bank.sounds import facts_of

FOLDER = Path(__file__).parents[2] / "fixtures" / "sound"
NAMES = ("tones.wav", "tones.mp3", "tones.ogg", "tones.opus.ogg")
TONES = (FOLDER / "tones.ogg").read_bytes()
NULL = (miniaudio.Backend.NULL,)
#: ALSA's own configuration, and as its device a pipe; the device behind takes everything at once.
ALSA = """</usr/share/alsa/alsa.conf>
pcm.!default {{ type file slave.pcm "null" file "{pipe}" format "raw" }}
"""
PLAY = """
import sys, time
from pathlib import Path
import miniaudio
from exam_station.loudspeaker import Loudspeaker, Stage
speaker = Loudspeaker((miniaudio.Backend.ALSA,), volume=float(sys.argv[2]))
playing = speaker.play(Path(sys.argv[1]).read_bytes(), at=float(sys.argv[3]))
while playing.stage is Stage.PLAYING:
    time.sleep(0.01)
playing.join()
print(playing.stage.value, playing.position)
"""


def _captured(tmp_path: Path, name: str, volume: str = "1", at: str = "0") -> np.ndarray:
    """The samples that ALSA was given, as a program of its own played the file."""
    pipe, config = tmp_path / "pipe", tmp_path / "asound.conf"
    os.mkfifo(pipe)
    config.write_text(ALSA.format(pipe=pipe))
    taken = bytearray()

    def take() -> None:
        with pipe.open("rb") as stream:
            while chunk := stream.read(16_384):
                if len(taken) < 1_000_000:  # silence follows until the device is closed
                    taken.extend(chunk)

    reader = threading.Thread(target=take)
    reader.start()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PLAY), str(FOLDER / name), volume, at],
        env={**os.environ, "ALSA_CONFIG_PATH": str(config)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    reader.join(timeout=60)
    assert done.stdout.startswith("ended"), done.stdout + done.stderr
    return np.frombuffer(bytes(taken[: len(taken) // 4 * 4]), dtype="<f4")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_played_is_what_the_file_holds(tmp_path: Path, name: str) -> None:
    heard = _captured(tmp_path, name)
    wanted, _ = soundfile.read(FOLDER / name, dtype="float32")
    assert len(heard) > len(wanted)
    np.testing.assert_allclose(heard[: len(wanted)], wanted, atol=1e-6)
    assert not heard[len(wanted) : 2 * len(wanted)].any()


def test_it_begins_where_it_should_and_is_as_loud_as_it_should_be(tmp_path: Path) -> None:
    heard = _captured(tmp_path, "tones.wav", volume="0.25", at="1.0")
    wanted, rate = soundfile.read(FOLDER / "tones.wav", dtype="float32")
    rest = wanted[rate:]
    np.testing.assert_allclose(heard[: len(rest)], 0.25 * rest, atol=1e-6)


def _until(playing: Playback, seconds: float = 30) -> Stage:
    end = time.monotonic() + seconds
    while playing.stage is Stage.PLAYING and time.monotonic() < end:
        time.sleep(0.01)
    return playing.stage


def _silence(seconds: int) -> bytes:
    """A sound that is not over while a busy machine looks elsewhere (WAV)."""
    target = io.BytesIO()
    soundfile.write(target, np.zeros(8_000 * seconds), 8_000, format="WAV", subtype="PCM_16")
    return target.getvalue()


@pytest.mark.slow
def test_a_device_that_keeps_time_is_followed_to_the_end() -> None:
    playing = Loudspeaker(NULL).play(_silence(5))
    seen = []
    while playing.stage is Stage.PLAYING:
        seen.append(playing.position)
        time.sleep(0.02)
    assert playing.stage is Stage.ENDED
    assert seen == sorted(seen) and playing.position == pytest.approx(5, abs=0.01)
    assert any(0.2 < place < 4.8 for place in seen)


def test_what_is_stopped_stays_where_it_is() -> None:
    playing = Loudspeaker(NULL).play(_silence(60), at=0.5)
    while playing.position <= 0.6:
        time.sleep(0.01)
    playing.stop()
    playing.join()
    stopped = playing.position
    assert playing.stage is Stage.STOPPED and 0.6 < stopped < 60


@pytest.mark.parametrize("data", [b"", b"RIFF", TONES[:200], bytes(5_000)])
def test_what_is_no_sound_fails_and_nothing_else(data: bytes) -> None:
    playing = Loudspeaker(NULL).play(data)
    assert _until(playing) is Stage.FAILED


def test_without_a_device_it_fails_and_nothing_else() -> None:
    missing = Loudspeaker((miniaudio.Backend.JACK,)).play(TONES)
    assert _until(missing) is Stage.FAILED
    missing.join()


def test_whether_there_is_a_device(tmp_path: Path) -> None:
    cards = tmp_path / "pcm"
    assert not has_output({}, cards)
    cards.write_text("00-00: USB Audio : USB Audio : capture 1\n")
    assert not has_output({}, cards)
    cards.write_text("00-00: USB Audio : USB Audio : playback 1\n")
    assert has_output({}, cards)
    (tmp_path / "pulse").mkdir()
    (tmp_path / "pulse" / "native").touch()
    assert has_output({"XDG_RUNTIME_DIR": str(tmp_path)}, tmp_path / "none")


def test_the_notes_to_try_a_headset_with_are_a_sound() -> None:
    assert facts_of(check_sound()).seconds == pytest.approx(1.2)
    assert _until(Loudspeaker(NULL).play(check_sound())) is Stage.ENDED
