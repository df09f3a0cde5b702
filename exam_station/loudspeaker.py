"""The station's way to its loudspeaker or headset, found anew at every play. No Qt here.

libsndfile decodes (`question_bank.sounds`), a little at a time; miniaudio hands the samples to
PulseAudio, PipeWire or ALSA. Whatever goes wrong there is a playback that failed, never a crash.
"""

import io
import logging
import math
import os
import struct
import threading
import time
import wave
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import miniaudio
import soundfile

from question_bank.errors import FileRefusedError
from question_bank.sounds import Source, opened

log = logging.getLogger("exam_station")

BACKENDS = (miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA)
BUFFER_MILLISECONDS = 100
#: What a device may still hold when it has asked for the last samples; silence takes their place.
TAIL_SECONDS = 0.3
#: A device that asks for nothing for so long is gone, or hangs.
STALLED_SECONDS = 4.0
CARDS = Path("/proc/asound/pcm")
CHECK_TONES = (523.25, 659.26, 783.99)


class Stage(StrEnum):
    """How far a playback is."""

    PLAYING = "playing"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Loudspeaker:
    """`volume` (0 to 1) counts at once, also for what is playing."""

    backends: tuple[miniaudio.Backend, ...] = BACKENDS
    volume: float = 0.8

    def play(self, data: bytes, *, at: float = 0.0) -> "Playback":
        """Begins to play the sound (MP3, Ogg, WAV) `at` seconds from its beginning."""
        return Playback(data, at, lambda: self.volume, self.backends)


class Playback:
    """A sound that is playing, on a thread of its own."""

    def __init__(
        self,
        data: bytes,
        at: float,
        volume: Callable[[], float],
        backends: tuple[miniaudio.Backend, ...],
    ) -> None:
        self._data, self._at, self._volume, self._backends = data, at, volume, backends
        self._handed = 0.0
        self._moved = time.monotonic()
        self._stage = Stage.PLAYING
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)
        self._thread.start()

    @property
    def stage(self) -> Stage:
        quiet = time.monotonic() - self._moved > STALLED_SECONDS
        return Stage.FAILED if self._stage is Stage.PLAYING and quiet else self._stage

    @property
    def position(self) -> float:
        """Seconds of the sound that were heard; what the device still holds is not counted."""
        held = 0.0 if self._stage is Stage.ENDED else BUFFER_MILLISECONDS / 1000
        return self._at + max(0.0, self._handed - held)

    def stop(self) -> None:
        """Ends it, and lets go of the device."""
        if self._stage is Stage.PLAYING:
            self._stage = Stage.STOPPED
        self._over.set()

    def join(self) -> None:
        """Waits until the device is let go of."""
        self._thread.join()

    def _run(self) -> None:
        try:
            with opened(self._data, "sound") as source:
                source.seek(min(round(self._at * source.samplerate), source.frames))
                self._hand_over(source)
        except (miniaudio.MiniaudioError, FileRefusedError) as error:
            log.warning("a sound was not played: %s", " ".join(str(error).split()))
            self._stage = Stage.FAILED

    def _hand_over(self, source: Source) -> None:
        device = miniaudio.PlaybackDevice(
            output_format=miniaudio.SampleFormat.FLOAT32,
            nchannels=source.channels,
            sample_rate=source.samplerate,
            buffersize_msec=BUFFER_MILLISECONDS,
            backends=list(self._backends),
        )
        try:
            samples = self._samples(source)
            next(samples)
            device.start(samples)
            while not self._over.wait(0.5):
                if self.stage is Stage.FAILED:
                    log.warning("the sound device has stopped")
                    self._stage = Stage.FAILED
                    break
        finally:
            device.close()
            miniaudio.lib.ma_context_uninit(device._context)  # close leaves it open

    def _samples(self, source: Source) -> Generator[bytes, int, None]:
        """Is asked on the device's thread for so many frames, and gives at most so many."""
        frames = yield b""
        try:
            while len(block := source.read(frames, dtype="float32", always_2d=True)):
                self._moved = time.monotonic()
                self._handed += len(block) / source.samplerate
                frames = yield (block * self._volume()).tobytes()
        except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
            log.warning("a sound broke off: %s", " ".join(str(error).split()))
            self._stage = Stage.FAILED
            self._over.set()
            return
        tail = round(TAIL_SECONDS * source.samplerate)
        while tail > 0:
            self._moved = time.monotonic()
            tail -= frames
            frames = yield bytes(4 * source.channels * frames)
        if self._stage is Stage.PLAYING:
            self._stage = Stage.ENDED
        self._over.set()


def has_output(environ: Mapping[str, str] = os.environ, cards: Path = CARDS) -> bool:
    """Whether there is a sound card that plays, or a sound server that may know of one."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if environ.get("PULSE_SERVER") or (runtime and Path(runtime, "pulse", "native").exists()):
        return True
    try:
        return "playback" in cards.read_text()
    except OSError:
        return False


@cache
def check_sound() -> bytes:
    """Three soft tones upwards, to try a headset with (WAV)."""
    rate, samples = 44_100, bytearray()
    for tone in CHECK_TONES:
        for place in range(rate * 2 // 5):
            swell = math.sin(math.pi * place / (rate * 0.4))
            level = 9_000 * swell * math.sin(2 * math.pi * tone * place / rate)
            samples += struct.pack("<h", round(level))
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return target.getvalue()
