"""Cards that must not pass, made from a good one (the tester's counterpart of each refusal)."""

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from card_reader.simulator import personalisation, security_object
from card_reader.simulator.active_authentication import load_key
from card_reader.simulator.issuer import Issuer, Signer
from card_reader.simulator.personalisation import CannotIssueError
from card_reader.simulator.profile import EF_SOD, CardProfile, Defect, data_group_id

_PORTRAIT, _KEY = data_group_id(2), data_group_id(15)


def apply(
    profile: CardProfile,
    defect: Defect,
    *,
    issuer: Issuer,
    portrait: bytes | None = None,
    foreign: Issuer | None = None,
    now: datetime | None = None,
) -> CardProfile:
    """The card with one more defect.

    `issuer` is the one that signed it. `portrait` is the other face that PORTRAIT_EXCHANGED needs,
    `foreign` the other state's issuer that FOREIGN_ISSUER needs.
    """
    moment = now or datetime.now(UTC)
    changed = replace(profile, defects=(*profile.defects, defect))
    match defect:
        case Defect.PORTRAIT_EXCHANGED:
            if portrait is None:
                raise CannotIssueError("an exchanged portrait needs another picture")
            return _with_file(changed, _PORTRAIT, personalisation.portrait_file(portrait))
        case Defect.KEY_EXCHANGED:
            key = _another_key(profile)
            changed = _with_file(changed, _KEY, personalisation.public_key_file(key))
            return replace(changed, authentication_key=personalisation.private_key_bytes(key))
        case Defect.CLONE:
            key = _another_key(profile)
            return replace(changed, authentication_key=personalisation.private_key_bytes(key))
        case Defect.SIGNATURE_BROKEN:
            broken = security_object.with_broken_signature(profile.files[EF_SOD])
            return _with_file(changed, EF_SOD, broken)
        case Defect.UNKNOWN_CSCA:
            unknown = Issuer.generate(country=issuer.country, name="CSCA TEST unknown")
            return _signed(changed, unknown, unknown.signer, moment)
        case Defect.SIGNER_REVOKED:
            return _signed(changed, issuer, issuer.revoked, moment)
        case Defect.FOREIGN_ISSUER:
            if foreign is None:
                raise CannotIssueError("a foreign issuer has to be given")
            return _signed(changed, foreign, foreign.signer, moment)
        case Defect.FILE_MISSING:
            return replace(changed, files={k: v for k, v in profile.files.items() if k != _KEY})


def _with_file(profile: CardProfile, identifier: int, data: bytes) -> CardProfile:
    return replace(profile, files={**profile.files, identifier: data})


def _signed(profile: CardProfile, issuer: Issuer, signer: Signer, now: datetime) -> CardProfile:
    """The same data groups under another signature."""
    groups = {
        number: profile.files[data_group_id(number)]
        for number in range(1, 17)
        if data_group_id(number) in profile.files
    }
    return _with_file(profile, EF_SOD, issuer.sign(groups, now=now, signer=signer))


def _another_key(profile: CardProfile) -> rsa.RSAPrivateKey:
    if profile.authentication_key is None:
        raise CannotIssueError("this card has no key of active authentication")
    return rsa.generate_private_key(65537, load_key(profile.authentication_key).key_size)
