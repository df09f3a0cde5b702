"""What a station is told when it starts; who it is lies in the vault."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exam_station.flow.codes import Language

#: The data groups that a check-in reads (ICAO 9303-10 §4.7): MRZ, portrait, the holder's details
#: of the Vietnamese card, and what chip authentication and active authentication need. DG13 is
#: read because the MRZ has no diacritics: only it tells the name as the roster writes it, which
#: the server compares. It holds more than that (address, parents), but only the whole file can be
#: verified: the issuer signed one digest of it.
CARD_GROUPS = (1, 2, 13, 14, 15)

MODELS_VARIABLE = "EXAM_STATION_MODELS"
TRUST = "trust"


@dataclass(frozen=True, slots=True)
class Settings:
    """`reader` is a part of the reader's name, None for any; `camera` what `face.camera` takes."""

    data: Path
    reader: str | None = None
    camera: str = "0"
    windowed: bool = False
    language: Language = Language.VI
    models: Path = Path(".cache/models")

    @property
    def trust(self) -> Path:
        """The folder of trust anchors; where it is missing, the server alone decides."""
        return self.data / TRUST


def model_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where set-up put the face model: named by the environment, else beside the packages."""
    named = environ.get(MODELS_VARIABLE)
    return Path(named) if named else Path(__file__).parents[1] / ".cache" / "models"


class NoDisplayError(Exception):
    """There is nothing to show a window on."""


def require_display(environ: Mapping[str, str] = os.environ) -> str:
    """What the window will be shown on; NoDisplayError where Qt would only abort."""
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        if environ.get(name):
            return f"{name}={environ[name]}"
    raise NoDisplayError(
        "There is no display; start it from the graphical session, "
        "or set QT_QPA_PLATFORM=offscreen for a trial."
    )
