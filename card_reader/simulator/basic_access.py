"""Basic access control, the chip's part (ICAO 9303-11 §4.3)."""

import hmac
from collections.abc import Callable

from card_reader.apdu import StatusWord
from card_reader.simulator.ciphers import AUTHENTICATION, ENCRYPTION, TRIPLE_DES
from card_reader.simulator.passwords import mrz_key
from card_reader.simulator.profile import AccessKeys
from card_reader.simulator.refusal import RefusalError
from card_reader.simulator.secure_messaging import CardSession

CHALLENGE_BYTES = 8
CRYPTOGRAM_BYTES = 32
TOKEN_BYTES = CRYPTOGRAM_BYTES + 8


class WrongKeysError(Exception):
    """The terminal does not know the document's keys."""


class BasicAccess:
    """The two document keys of BAC, and one mutual authentication."""

    def __init__(self, keys: AccessKeys) -> None:
        seed = mrz_key(keys)[:16]
        self.k_enc = TRIPLE_DES.derive(seed, ENCRYPTION)
        self.k_mac = TRIPLE_DES.derive(seed, AUTHENTICATION)

    def authenticate(
        self, command: bytes, rnd_ic: bytes, rng: Callable[[int], bytes]
    ) -> tuple[bytes, CardSession]:
        """Response data and the new session for EXTERNAL AUTHENTICATE (§4.3.3)."""
        if len(command) != TOKEN_BYTES:
            raise RefusalError(StatusWord.WRONG_LENGTH)
        cryptogram, received = command[:CRYPTOGRAM_BYTES], command[CRYPTOGRAM_BYTES:]
        if not hmac.compare_digest(TRIPLE_DES.token(self.k_mac, cryptogram), received):
            raise WrongKeysError
        plain = TRIPLE_DES.decrypt(self.k_enc, cryptogram)
        rnd_ifd, echoed, k_ifd = plain[:8], plain[8:16], plain[16:]
        if not hmac.compare_digest(echoed, rnd_ic):
            raise WrongKeysError
        k_ic = rng(16)
        answer = TRIPLE_DES.encrypt(self.k_enc, rnd_ic + rnd_ifd + k_ic)
        seed = bytes(a ^ b for a, b in zip(k_ifd, k_ic, strict=True))
        counter = int.from_bytes(rnd_ic[4:] + rnd_ifd[4:], "big")  # §9.8.6.3
        session = CardSession.agreed(TRIPLE_DES, seed, counter)
        return answer + TRIPLE_DES.token(self.k_mac, answer), session
