"""Signed requests: nothing of one can be used for another."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exam_server.contract.errors import ErrorCode
from exam_server.contract.requests import (
    TOLERANCE,
    RequestProof,
    RequestRefusedError,
    check_request,
    sign_request,
)

KEY = Ed25519PrivateKey.generate()
NOW = datetime(2026, 12, 5, 0, 30, 0, 123_000, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "method": "POST",
    "target": "/api/station/heartbeat?a=1",
    "body": b"{}",
    "now": NOW,
}


def proof() -> RequestProof:
    return sign_request(KEY, station="s1", nonce=bytes(16), **GOOD)


def test_a_proof_survives_its_headers() -> None:
    there = RequestProof.from_headers(proof().headers())
    assert there == proof()
    check_request(there, KEY.public_key(), **GOOD)


@pytest.mark.parametrize(
    "changed",
    [{"method": "GET"}, {"target": "/api/station/heartbeat?a=2"}, {"body": b"{} "}],
)
def test_it_fits_its_own_request_only(changed: dict[str, Any]) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        check_request(proof(), KEY.public_key(), **{**GOOD, **changed})
    assert refusal.value.code is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize("header", ["x-station", "x-station-time", "x-station-nonce"])
def test_no_header_can_be_changed(header: str) -> None:
    headers = proof().headers()
    other = sign_request(
        KEY, station="s2", nonce=b"\1" * 16, **{**GOOD, "now": NOW + timedelta(milliseconds=1)}
    ).headers()
    mixed = RequestProof.from_headers({**headers, header: other[header]})
    with pytest.raises(RequestRefusedError):
        check_request(mixed, KEY.public_key(), **GOOD)


@pytest.mark.parametrize("away", [TOLERANCE, -TOLERANCE])
def test_it_grows_old(away: timedelta) -> None:
    check_request(proof(), KEY.public_key(), **{**GOOD, "now": NOW + away})
    beyond = (
        NOW + away + (timedelta(milliseconds=1) if away > timedelta(0) else -timedelta(seconds=1))
    )
    with pytest.raises(RequestRefusedError) as refusal:
        check_request(proof(), KEY.public_key(), **{**GOOD, "now": beyond})
    assert refusal.value.code is ErrorCode.STALE_REQUEST


@pytest.mark.parametrize(
    "spoiled",
    [
        {"x-station-time": "soon"},
        {"x-station-time": "9" * 30},
        {"x-station-nonce": "zz"},
        {"x-station-nonce": "00"},
        {"x-station-signature": "-"},
        {"x-station": "s" * 65},
    ],
)
def test_spoiled_headers_give_our_error(spoiled: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError):
        RequestProof.from_headers({**proof().headers(), **spoiled})
    with pytest.raises(RequestRefusedError):
        RequestProof.from_headers({})
