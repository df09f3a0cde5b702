"""Sounds that come with items: known by their bytes, decoded to their end before they are taken.

libsndfile reads them (`soundfile`), in the bank and on the station: MP3, Ogg (Vorbis and Opus) and
WAV. Nothing here plays.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import soundfile

from question_bank.errors import FileRefusedError
from question_bank.item import Media

#: MIME types by what libsndfile calls a file, and the endings of their names.
FORMATS = {"MP3": "audio/mpeg", "OGG": "audio/ogg", "WAV": "audio/wav"}
EXTENSIONS = {"audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/wav": "wav"}
#: What a browser plays, too; other WAV files are of no use to an item writer.
WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")
OGG_SUBTYPES = ("VORBIS", "OPUS")
MAX_SOUND = 16 * 1024 * 1024
MAX_SECONDS = 30 * 60
RATES = range(8_000, 96_001)
BLOCK = 65_536
#: An MP3's last frames may hold less than they say (encoders pad them): the samples of two.
SLACK = 2 * 1152
_BEGINNINGS = (b"RIFF", b"OggS", b"ID3")


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """Length in seconds, sampling rate in hertz, 1 or 2 channels."""

    seconds: float
    rate: int
    channels: int


def looks_like_sound(data: bytes) -> bool:
    """Whether it begins as a sound does, so that `sound` says what is wrong with the rest."""
    frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2  # MPEG, layer III
    return data.startswith(_BEGINNINGS) or frame or data[4:8] == b"ftyp"


def sound(data: bytes, file: str) -> Media:
    """The sound, its id made of its content; FileRefusedError, which names `file`, for what is
    none, is too large or cannot be decoded to its end."""
    if len(data) > MAX_SOUND:
        raise FileRefusedError(f"{file}: a sound of more than {MAX_SOUND} bytes")
    if data[4:8] == b"ftyp":
        raise FileRefusedError(f"{file}: AAC (m4a, mp4) is not read; save it as MP3 or Ogg")
    if not _is_whole(data):
        raise FileRefusedError(f"{file}: it ends before the length that it tells; it is cut off")
    with opened(data, file) as source:
        mime = FORMATS[source.format]
        _decode_all(source, file)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Media(f"{digest}.{EXTENSIONS[mime]}", mime, data)


def facts_of(data: bytes, file: str = "sound") -> SoundFacts:
    """What the sound says of itself; FileRefusedError for what is none."""
    with opened(data, file) as source:
        return SoundFacts(source.frames / source.samplerate, source.samplerate, source.channels)


def _is_whole(data: bytes) -> bool:
    """Whether a WAV file is as long as it says, and an Ogg file ends with its last page; libsndfile
    takes what is there. MP3 has no end of its own: `_decode_all` counts."""
    if data.startswith(b"RIFF"):
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    place, last = 0, not data.startswith(b"OggS")
    while data[place : place + 4] == b"OggS" and place + 27 <= len(data):  # RFC 3533 §6
        segments = place + 27, place + 27 + data[place + 26]
        last = bool(data[place + 5] & 4)
        place = segments[1] + sum(data[slice(*segments)])
    return last and place <= len(data)


class Source(soundfile.SoundFile):  # type: ignore[misc]  # soundfile brings no types
    """A sound that is read from one place onwards. `soundfile` seeks after every read, and in MP3
    and Opus that lands a little elsewhere: each block would begin with a gap."""

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(data: bytes, file: str) -> Iterator[Source]:
    """The sound, to be read from its beginning; FileRefusedError for what is none or out of the
    limits, also where reading it fails."""
    try:
        with Source(io.BytesIO(data)) as source:
            _check(source, file)
            yield source
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).rpartition(":")[2].split())[:100]
        raise FileRefusedError(f"{file}: cannot be decoded as MP3, Ogg or WAV ({reason})") from None


def _check(source: Source, file: str) -> None:
    kinds = {"WAV": WAV_SUBTYPES, "OGG": OGG_SUBTYPES}.get(source.format)
    if source.format not in FORMATS or (kinds is not None and source.subtype not in kinds):
        raise FileRefusedError(f"{file}: {source.format} {source.subtype} is no MP3, Ogg or WAV")
    if source.channels not in (1, 2) or source.samplerate not in RATES:
        raise FileRefusedError(
            f"{file}: {source.channels} channels at {source.samplerate} Hz; give one or two, at "
            f"{RATES.start} to {RATES.stop - 1} Hz"
        )
    if not 0 < source.frames <= MAX_SECONDS * source.samplerate:
        raise FileRefusedError(
            f"{file}: the sound is empty, is cut off, or is longer than {MAX_SECONDS // 60} minutes"
        )


def _decode_all(source: Source, file: str) -> None:
    """What a file says of its length is no proof of it."""
    found = 0
    while block := len(source.read(BLOCK, dtype="float32", always_2d=True)):
        found += block
        if found > MAX_SECONDS * source.samplerate:
            raise FileRefusedError(f"{file}: it is longer than {MAX_SECONDS // 60} minutes")
    if found + SLACK < source.frames:
        raise FileRefusedError(f"{file}: it ends before the length that it tells; it is cut off")
