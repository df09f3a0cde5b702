"""Basic Access Control (ICAO 9303-11 §4.3) as a generator of commands."""

import hmac
import os
from collections.abc import Callable, Generator
from dataclasses import replace

from card_reader.access.passwords import MrzBasedPassword
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.errors import AccessDeniedError, ChipError
from card_reader.secure_messaging import Cipher, SecureMessaging, TripleDes, derive_session_keys

CHALLENGE_LENGTH = 8
KEY_LENGTH = 16
TOKEN_LENGTH = 2 * CHALLENGE_LENGTH + KEY_LENGTH
MAC_LENGTH = 8

GET_CHALLENGE = CommandApdu(0x00, 0x84, 0x00, 0x00, le=CHALLENGE_LENGTH)


def bac(
    password: MrzBasedPassword, rng: Callable[[int], bytes] = os.urandom
) -> Generator[CommandApdu, ResponseApdu, SecureMessaging]:
    """Yield the commands of BAC; the value returned is the new session.

    Draws 8 bytes (RND.IFD), then 16 (K.IFD) from ``rng``.  Raises :class:`AccessDeniedError` where
    the chip refuses the keys, :class:`ChipError` where its answer proves nothing.
    """
    seed = password.key_seed[:KEY_LENGTH]
    keys = derive_session_keys(Cipher.DES3, seed)
    cipher = TripleDes(keys.ks_enc, keys.ks_mac)

    response = yield GET_CHALLENGE
    if not response.ok or len(response.data) != CHALLENGE_LENGTH:
        raise ChipError(f"GET CHALLENGE was answered with {response.sw:04X}")
    rnd_ic = response.data
    rnd_ifd, k_ifd = rng(CHALLENGE_LENGTH), rng(KEY_LENGTH)

    # ICAO 9303-11 §4.3.1, step 3: E_IFD || M_IFD
    e_ifd = cipher.encrypt(rnd_ifd + rnd_ic + k_ifd)
    token = e_ifd + cipher.token(e_ifd)
    response = yield CommandApdu(0x00, 0x82, 0x00, 0x00, token, TOKEN_LENGTH + MAC_LENGTH)
    if not response.ok:
        raise AccessDeniedError(f"the chip refused the access keys with {response.sw:04X}")

    # Steps 5 and 6: check M_IC, then both random numbers
    k_ic = _open_token(cipher, response.data, rnd_ic, rnd_ifd)
    session = derive_session_keys(
        Cipher.DES3, bytes(a ^ b for a, b in zip(k_ifd, k_ic, strict=True))
    )
    return SecureMessaging.of(replace(session, ssc=rnd_ic[-4:] + rnd_ifd[-4:]))  # §9.8.6.3


def _open_token(cipher: TripleDes, token: bytes, rnd_ic: bytes, rnd_ifd: bytes) -> bytes:
    """K.IC out of the chip's token."""
    e_ic, mac = token[:TOKEN_LENGTH], token[TOKEN_LENGTH:]
    if len(e_ic) != TOKEN_LENGTH:
        raise ChipError("the chip's authentication token has a wrong length")
    if not hmac.compare_digest(cipher.token(e_ic), mac):
        raise ChipError("the MAC of the chip's authentication token is wrong")
    plain = cipher.decrypt(e_ic)
    if not hmac.compare_digest(plain[: 2 * CHALLENGE_LENGTH], rnd_ic + rnd_ifd):
        raise ChipError("the chip's authentication token answers another challenge")
    return plain[2 * CHALLENGE_LENGTH :]
