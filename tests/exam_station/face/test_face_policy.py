"""The decision: pure, so every distance can be tried."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exam_station.face.policy import (
    MAX_TRIES,
    THRESHOLDS,
    FaceDecision,
    FaceOutcome,
    FusionMode,
    decide,
    fusion_mode,
    record,
    record_without_comparison,
)

ACCEPT, AGAIN, REFER = FaceDecision.ACCEPT, FaceDecision.TRY_AGAIN, FaceDecision.REFER
THREE, TWO, SINGLE = FusionMode.MEAN_OF_THREE, FusionMode.MEAN_OF_TWO, FusionMode.SINGLE
distances = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
modes = st.sampled_from(FusionMode)


@pytest.mark.parametrize(
    ("distance", "mode", "attempt", "expected"),
    [
        (0.38, THREE, 1, (ACCEPT, FaceOutcome.MATCHED)),
        (0.3801, THREE, 1, (REFER, FaceOutcome.DOUBTFUL)),
        (0.50, THREE, 1, (REFER, FaceOutcome.DOUBTFUL)),
        (0.5001, THREE, 1, (AGAIN, FaceOutcome.DIFFERENT)),
        (0.5001, THREE, 2, (REFER, FaceOutcome.DIFFERENT)),
        (0.59, THREE, 2, (REFER, FaceOutcome.DIFFERENT)),
        (0.376, TWO, 1, (ACCEPT, FaceOutcome.MATCHED)),
        (0.379, TWO, 1, (REFER, FaceOutcome.DOUBTFUL)),
        (0.10, SINGLE, 1, (AGAIN, FaceOutcome.TOO_FEW_PICTURES)),
        (0.10, SINGLE, 2, (REFER, FaceOutcome.TOO_FEW_PICTURES)),
        (0.84, SINGLE, 2, (REFER, FaceOutcome.DIFFERENT)),
        (None, THREE, 1, (AGAIN, FaceOutcome.TOO_FEW_PICTURES)),
        (0.10, FusionMode.NONE, 2, (REFER, FaceOutcome.TOO_FEW_PICTURES)),
        (math.nan, THREE, 2, (REFER, FaceOutcome.DIFFERENT)),
    ],
)
def test_bands(distance, mode, attempt, expected):
    assert decide(distance, mode, attempt) == expected


@given(distances, modes, st.integers(-3, 9))
def test_accepts_only_below_the_threshold_of_the_mode(distance, mode, attempt):
    decision, outcome = decide(distance, mode, attempt)
    limit = THRESHOLDS[mode].accept_at
    near = distance is not None and limit is not None and 0 <= distance <= limit
    assert (decision is ACCEPT) == near == (outcome is FaceOutcome.MATCHED)


@given(distances, modes, st.integers(MAX_TRIES, 9))
def test_the_last_try_never_asks_for_another(distance, mode, attempt):
    assert decide(distance, mode, attempt)[0] in (ACCEPT, REFER)


@given(st.floats(0, 2), st.floats(0, 2), modes)
def test_nearer_is_never_worse(a, b, mode):
    near, far = sorted((a, b))
    if decide(far, mode, 1)[0] is ACCEPT:
        assert decide(near, mode, 1)[0] is ACCEPT


def test_fewer_pictures_are_never_judged_more_mildly():
    accept = [THRESHOLDS[fusion_mode(n)].accept_at or 0.0 for n in range(4)]
    assert accept == sorted(accept)
    assert all(limits.refuse_above < 0.6 for limits in THRESHOLDS.values())


@pytest.mark.parametrize("pictures", [-1, 4])
def test_no_fusion_of_other_numbers(pictures):
    with pytest.raises(ValueError, match="no fusion"):
        fusion_mode(pictures)


def test_record_is_plain_and_complete():
    plain = record(
        distance=0.31,
        pictures=2,
        frames=24,
        attempt=1,
        model_sha256="ab" * 32,
        quality={"yaw": 0.1},
    ).to_plain()
    assert json.loads(json.dumps(plain)) == plain
    assert type(plain["decision"]) is str
    assert plain == {
        "decision": "accept",
        "outcome": "matched",
        "distance": 0.31,
        "accept_at": 0.376,
        "refuse_above": 0.5,
        "fusion_mode": "mean_of_two_four_views",
        "model_sha256": "ab" * 32,
        "pictures": 2,
        "frames": 24,
        "attempt": 1,
        "quality": {"yaw": 0.1},
        "liveness": "not_done",
        "cause": "",
    }


def test_without_comparison_a_person_decides():
    plain = record_without_comparison("no_camera").to_plain()
    assert (plain["decision"], plain["outcome"]) == ("refer", "no_comparison")
    assert (plain["cause"], plain["distance"], plain["pictures"]) == ("no_camera", None, 0)
