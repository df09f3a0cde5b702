"""What follows from a distance: accept, try again, or refer to the proctor.  Pure.

A face alone never excludes anyone: the hardest decision is to ask a person.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum

MAX_TRIES = 2
WANTED_PICTURES = 3


class FaceDecision(StrEnum):
    """What the kiosk does next."""

    ACCEPT = "accept"
    TRY_AGAIN = "try_again"
    REFER = "refer"


class FaceOutcome(StrEnum):
    """Why it was decided so."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"  # between the two thresholds
    DIFFERENT = "different"  # above the upper threshold
    TOO_FEW_PICTURES = "too_few_pictures"
    NO_COMPARISON = "no_comparison"  # no camera, no usable portrait, no consent


class FusionMode(StrEnum):
    """How many different pictures were fused.  Thresholds belong to a mode."""

    MEAN_OF_THREE = "mean_of_three_four_views"
    MEAN_OF_TWO = "mean_of_two_four_views"
    SINGLE = "single_four_views"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Accept at or below `accept_at` (None: never), refer up to `refuse_above`."""

    accept_at: float | None
    refuse_above: float


# Three: measured at a false-accept rate of 0.1 % (0.376) with the operating point 0.38.  Two: not
# measured; the mean of fewer pictures lies further away, so the stricter value is the safe side.
# One: a picture alone never accepts.  docs/face.md says what is calibrated and what is not.
THRESHOLDS: dict[FusionMode, Thresholds] = {
    FusionMode.MEAN_OF_THREE: Thresholds(0.38, 0.50),
    FusionMode.MEAN_OF_TWO: Thresholds(0.376, 0.50),
    FusionMode.SINGLE: Thresholds(None, 0.50),
    FusionMode.NONE: Thresholds(None, 0.50),
}

_MODES = (FusionMode.NONE, FusionMode.SINGLE, FusionMode.MEAN_OF_TWO, FusionMode.MEAN_OF_THREE)


def fusion_mode(pictures: int) -> FusionMode:
    """Returns the mode for 0 to 3 different pictures.  Raises ValueError for any other number."""
    if not 0 <= pictures < len(_MODES):
        raise ValueError(f"there is no fusion of {pictures} pictures")
    return _MODES[pictures]


def decide(
    distance: float | None, mode: FusionMode, attempt: int
) -> tuple[FaceDecision, FaceOutcome]:
    """Decides on `distance` (None: nothing was compared) at try number `attempt`, from 1 on.

    Anything unforeseen, a NaN too, ends with the proctor.
    """
    limits = THRESHOLDS[mode]
    again = FaceDecision.TRY_AGAIN if 1 <= attempt < MAX_TRIES else FaceDecision.REFER
    if distance is None or mode is FusionMode.NONE:
        return again, FaceOutcome.TOO_FEW_PICTURES
    if not 0 <= distance <= limits.refuse_above:
        return again, FaceOutcome.DIFFERENT
    if limits.accept_at is None:
        return again, FaceOutcome.TOO_FEW_PICTURES
    if distance <= limits.accept_at:
        return FaceDecision.ACCEPT, FaceOutcome.MATCHED
    return FaceDecision.REFER, FaceOutcome.DOUBTFUL


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """What is kept of a comparison: no picture and no template, but all that explains it.

    `quality` is check → the worst number among the pictures used; `cause` is the code of the
    `FaceReason` behind `no_comparison`, else empty.
    """

    decision: FaceDecision
    outcome: FaceOutcome
    distance: float | None
    accept_at: float | None
    refuse_above: float
    fusion_mode: FusionMode
    model_sha256: str
    pictures: int
    frames: int
    attempt: int
    quality: dict[str, float]
    liveness: str = "not_done"
    cause: str = ""

    def to_plain(self) -> dict[str, object]:
        """Returns text, numbers, None and one flat dict only: ready for JSON or CBOR."""
        plain = asdict(self)
        return {k: v.value if isinstance(v, StrEnum) else v for k, v in plain.items()}


def record(
    *,
    distance: float | None,
    pictures: int,
    frames: int,
    attempt: int,
    model_sha256: str,
    quality: dict[str, float],
) -> FaceRecord:
    """Decides and returns the record of the decision."""
    mode = fusion_mode(pictures)
    decision, outcome = decide(distance, mode, attempt)
    return FaceRecord(
        decision=decision,
        outcome=outcome,
        distance=distance,
        accept_at=THRESHOLDS[mode].accept_at,
        refuse_above=THRESHOLDS[mode].refuse_above,
        fusion_mode=mode,
        model_sha256=model_sha256,
        pictures=pictures,
        frames=frames,
        attempt=attempt,
        quality=quality,
    )


def record_without_comparison(cause: str) -> FaceRecord:
    """Returns a referral for `cause`, a `FaceReason` code or `no_consent`: nothing was compared."""
    return FaceRecord(
        decision=FaceDecision.REFER,
        outcome=FaceOutcome.NO_COMPARISON,
        distance=None,
        accept_at=None,
        refuse_above=THRESHOLDS[FusionMode.NONE].refuse_above,
        fusion_mode=FusionMode.NONE,
        model_sha256="",
        pictures=0,
        frames=0,
        attempt=0,
        quality={},
        cause=cause,
    )
