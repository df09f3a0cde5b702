"""Cards that must not pass, made from a good one (the tester's counterpart of each refusal)."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from card_reader.domain_parameters import standardised
from card_reader.lds import card_access, dg15
from card_reader.lds.security_infos import ID_PACE, PACE_VERSION, PaceInfo
from card_reader.simulator import personalisation, security_object
from card_reader.simulator.certificates import Period, Random, Signer
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import CannotIssueError
from card_reader.simulator.profile import (
    EF_CARD_ACCESS,
    EF_SOD,
    CardProfile,
    ChipKey,
    Defect,
    PaceOffer,
    data_group_id,
)
from card_reader.simulator.signing_keys import (
    SigningKey,
    another_key,
    load_private_key,
    private_key_der,
    public_key_info,
)

_KEY_GROUP = 15
_EXPIRED = timedelta(days=1)
_SIGNER_DAYS = timedelta(days=90)  # ICAO 9303-12 §4.2: a signer signs for three months


@dataclass(frozen=True, slots=True)
class _Request:
    """The good card and what its defect may need."""

    profile: CardProfile
    issuer: Issuer
    portrait: bytes | None
    foreign: Issuer | None
    withdrawn: Issuer | None
    data_group: int | None
    now: datetime
    rng: Random


def apply(
    profile: CardProfile,
    defect: Defect,
    *,
    issuer: Issuer,
    portrait: bytes | None = None,
    foreign: Issuer | None = None,
    withdrawn: Issuer | None = None,
    data_group: int | None = None,
    now: datetime | None = None,
    rng: Random = os.urandom,
) -> CardProfile:
    """The card with one more defect.

    `issuer` is the one that signed it. `portrait` is the other face that PORTRAIT_EXCHANGED needs,
    `foreign` the other state's issuer of FOREIGN_ISSUER, `withdrawn` the issuer of
    AUTHORITY_REVOKED whose authority is on `issuer`'s revocation list. `data_group` is the number
    that DATA_GROUP_TAMPERED (else 1), DATA_GROUP_UNSIGNED and FILE_MISSING (else 15) act upon.
    """
    moment = now or datetime.now(UTC)
    request = _Request(profile, issuer, portrait, foreign, withdrawn, data_group, moment, rng)
    return replace(_MAKERS[defect](request), defects=(*profile.defects, defect))


def _portrait_exchanged(request: _Request) -> CardProfile:
    if request.portrait is None:
        raise CannotIssueError("an exchanged portrait needs another picture")
    return _with_group(request.profile, 2, personalisation.portrait_file(request.portrait))


def _key_exchanged(request: _Request) -> CardProfile:
    key = _another_authentication_key(request)
    changed = _with_group(request.profile, _KEY_GROUP, dg15.encode(public_key_info(key)))
    return replace(changed, authentication_key=private_key_der(key))


def _clone(request: _Request) -> CardProfile:
    key = _another_authentication_key(request)
    return replace(request.profile, authentication_key=private_key_der(key))


def _signature_broken(request: _Request) -> CardProfile:
    broken = security_object.with_broken_signature(request.profile.files[EF_SOD])
    return _with_file(request.profile, EF_SOD, broken)


def _unknown_csca(request: _Request) -> CardProfile:
    country = request.issuer.country
    unknown = Issuer.generate(country=country, name="CSCA TEST unknown", rng=request.rng)
    return _signed(request, unknown, unknown.signer)


def _signer_revoked(request: _Request) -> CardProfile:
    return _signed(request, request.issuer, request.issuer.revoked)


def _signer_expired(request: _Request) -> CardProfile:
    end = request.now - _EXPIRED
    period = Period(end - _SIGNER_DAYS, end)
    signer = request.issuer.document_signer(period=period, rng=request.rng)
    return _signed(request, request.issuer, signer)


def _foreign_issuer(request: _Request) -> CardProfile:
    if request.foreign is None:
        raise CannotIssueError("a foreign issuer has to be given")
    return _signed(request, request.foreign, request.foreign.signer)


def _authority_revoked(request: _Request) -> CardProfile:
    if request.withdrawn is None:
        raise CannotIssueError("an issuer whose authority is revoked has to be given")
    return _signed(request, request.withdrawn, request.withdrawn.signer)


def _file_missing(request: _Request) -> CardProfile:
    identifier = data_group_id(_existing_group(request, _KEY_GROUP))
    files = {key: data for key, data in request.profile.files.items() if key != identifier}
    return replace(request.profile, files=files)


def _data_group_tampered(request: _Request) -> CardProfile:
    """The last bit: the outer tag and lengths stay, so that a file is still read as one."""
    number = _existing_group(request, 1)
    content = request.profile.files[data_group_id(number)]
    return _with_group(request.profile, number, content[:-1] + bytes([content[-1] ^ 1]))


def _data_group_unsigned(request: _Request) -> CardProfile:
    left_out = _existing_group(request, _KEY_GROUP)
    return _signed(request, request.issuer, request.issuer.signer, without=left_out)


def _card_access_altered(request: _Request) -> CardProfile:
    """An attacker offers one weaker way and runs it; EF.DG14 knows the real ones."""
    if not request.profile.pace:
        raise CannotIssueError("this card offers no PACE")
    first = request.profile.pace[0]
    offer = replace(first, oid=_weaker(first))
    info = PaceInfo(offer.oid, PACE_VERSION, offer.parameter_id).security_info()
    changed = {**request.profile.master_files, EF_CARD_ACCESS: card_access.encode((info,))}
    return replace(request.profile, master_files=changed, pace=(offer,))


def _chip_key_cloned(request: _Request) -> CardProfile:
    return _with_other_chip_keys(request, mapping=False)


def _mapping_key_cloned(request: _Request) -> CardProfile:
    return _with_other_chip_keys(request, mapping=True)


_MAKERS: Mapping[Defect, Callable[[_Request], CardProfile]] = MappingProxyType(
    {
        Defect.PORTRAIT_EXCHANGED: _portrait_exchanged,
        Defect.KEY_EXCHANGED: _key_exchanged,
        Defect.CLONE: _clone,
        Defect.SIGNATURE_BROKEN: _signature_broken,
        Defect.UNKNOWN_CSCA: _unknown_csca,
        Defect.SIGNER_REVOKED: _signer_revoked,
        Defect.FOREIGN_ISSUER: _foreign_issuer,
        Defect.FILE_MISSING: _file_missing,
        Defect.DATA_GROUP_TAMPERED: _data_group_tampered,
        Defect.DATA_GROUP_UNSIGNED: _data_group_unsigned,
        Defect.AUTHORITY_REVOKED: _authority_revoked,
        Defect.SIGNER_EXPIRED: _signer_expired,
        Defect.CARD_ACCESS_ALTERED: _card_access_altered,
        Defect.CHIP_KEY_CLONED: _chip_key_cloned,
        Defect.MAPPING_KEY_CLONED: _mapping_key_cloned,
    }
)


def _with_file(profile: CardProfile, identifier: int, data: bytes) -> CardProfile:
    return replace(profile, files={**profile.files, identifier: data})


def _with_group(profile: CardProfile, number: int, data: bytes) -> CardProfile:
    return _with_file(profile, data_group_id(number), data)


def _signed(
    request: _Request, issuer: Issuer, signer: Signer, *, without: int | None = None
) -> CardProfile:
    """The same data groups under another signature."""
    files = request.profile.files
    groups = {
        number: files[data_group_id(number)]
        for number in range(1, 17)
        if data_group_id(number) in files and number != without
    }
    sod = issuer.sign(groups, now=request.now, signer=signer, rng=request.rng)
    return _with_file(request.profile, EF_SOD, sod)


def _existing_group(request: _Request, default: int) -> int:
    number = default if request.data_group is None else request.data_group
    if data_group_id(number) not in request.profile.files:
        raise CannotIssueError(f"this card has no EF.DG{number}")
    return number


def _another_authentication_key(request: _Request) -> SigningKey:
    if request.profile.authentication_key is None:
        raise CannotIssueError("this card has no key of active authentication")
    return another_key(load_private_key(request.profile.authentication_key), request.rng)


def _with_other_chip_keys(request: _Request, *, mapping: bool) -> CardProfile:
    """Keys of the same kind that are not those of the public keys in the files."""
    keys = request.profile.chip_keys
    if not any(key.mapping is mapping for key in keys):
        name = "PACE with chip authentication mapping" if mapping else "chip authentication"
        raise CannotIssueError(f"this card has no key of {name}")
    changed = tuple(_other(key, request.rng) if key.mapping is mapping else key for key in keys)
    return replace(request.profile, chip_keys=changed)


def _other(key: ChipKey, rng: Random) -> ChipKey:
    group = standardised(key.parameter_id) if key.parameter_id is not None else None
    scalar = group.draw_scalar(rng) if group else key.private_key ^ 2
    return replace(key, private_key=scalar if scalar != key.private_key else scalar ^ 2)


def _weaker(offer: PaceOffer) -> str:
    """Generic mapping over the same group with 3DES, or AES-128 where it is that already."""
    family, cipher = (int(part) for part in offer.oid.rsplit(".", 2)[1:])
    prime_field = family in (1, 3)
    weaker_family = 1 if prime_field else 2
    return f"{ID_PACE}.{weaker_family}.{2 if (family, cipher) == (weaker_family, 1) else 1}"
