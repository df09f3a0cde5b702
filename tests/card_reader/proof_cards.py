"""Cards of several kinds and the evidence that a reader would bring of them."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from card_reader.access.pace import ChipMapping
from card_reader.chip.chip_authentication import agree
from card_reader.domain_parameters import standardised
from card_reader.evidence import (
    Access,
    AccessProtocol,
    Challenge,
    ChipAuthenticationRecord,
    ChipEvidence,
)
from card_reader.lds import dg14
from card_reader.lds import security_infos as si
from card_reader.simulator.active_authentication import Signer
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    Recipe,
)
from card_reader.simulator.signing_keys import KeyKind
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import (
    IdentityRefusedError,
    Policy,
    RemoteProof,
    Report,
    Verdict,
    verify,
)

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)  # as in conftest.py
POLICY = Policy(Realm.TEST)
GM = PaceRecipe("PACE-ECDH-GM-AES-CBC-CMAC-128", 13)
CAM = PaceRecipe("PACE-ECDH-CAM-AES-CBC-CMAC-128", 13)
GM_OID, CAM_OID = f"{si.ID_PACE}.2.2", f"{si.ID_PACE}.6.2"
KEY_ID = 5
CHIP_KEYS = (ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), 13, KEY_ID),)
ACTIVE = ActiveAuthenticationRecipe(KeyKind.RSA_1024)
BAC = Access(AccessProtocol.BAC)
PACE_GM = Access(AccessProtocol.PACE, mapping=si.Mapping.GENERIC, oid=GM_OID, parameter_id=13)
PACE_CAM = Access(
    AccessProtocol.PACE, mapping=si.Mapping.CHIP_AUTHENTICATION, oid=CAM_OID, parameter_id=13
)
#: Chip authentication alone, no key of active authentication; opened with BAC.
CA_ONLY = Recipe(chip_authentication=CHIP_KEYS, active_authentication=None)
#: Both proofs; PACE.
BOTH = Recipe(
    access=AccessRecipe(pace=(GM,)), chip_authentication=CHIP_KEYS, active_authentication=ACTIVE
)
#: PACE with chip authentication mapping alone.
CAM_ONLY = Recipe(access=AccessRecipe(pace=(GM, CAM)), chip_mapping=13, active_authentication=None)
MASTER_FILES = {0x011C: "EF.CardAccess", 0x011D: "EF.CardSecurity"}
Cards = Callable[[Recipe], CardProfile]


@pytest.fixture(scope="module")
def cards(issuer: Issuer, holder: Holder, portrait: bytes) -> Cards:
    made: dict[Recipe, CardProfile] = {}

    def card(recipe: Recipe) -> CardProfile:
        if recipe not in made:
            made[recipe] = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
        return made[recipe]

    return card


def files_of(card: CardProfile) -> dict[str, bytes]:
    names = {0x011D: "EF.SOD", 0x011E: "EF.COM"}
    names |= {0x0100 + number: f"EF.DG{number}" for number in range(1, 17) if number not in (3, 4)}
    files = {names[file_id]: raw for file_id, raw in card.files.items() if file_id in names}
    return files | {MASTER_FILES[file_id]: raw for file_id, raw in card.master_files.items()}


def record_of(card: CardProfile, session: str | None = None) -> ChipAuthenticationRecord:
    info, key = si.chip_authentication_choices(dg14.parse(files_of(card)["EF.DG14"]))[0]
    public = agree(key.spki, os.urandom).public_key
    return ChipAuthenticationRecord(info.oid, info.key_id, public, session, b"\x90\x00")


def mapping_of(card: CardProfile) -> ChipMapping:
    """What a chip answers: its mapping key, and that key divided by its static one (§4.4.3.5.1)."""
    group = standardised(13)
    assert group is not None
    [static] = [key.private_key for key in card.chip_keys if key.mapping]
    own = group.draw_scalar(os.urandom)
    data = own * pow(static, -1, group.order) % group.order
    return ChipMapping(group.encode(group.public(own)), data.to_bytes(group.scalar_bytes, "big"))


def evidence_of(
    card: CardProfile,
    access: Access = BAC,
    *,
    challenge: Challenge | None = None,
    files: Mapping[str, bytes] | None = None,
    record: ChipAuthenticationRecord | None = None,
    mapping: ChipMapping | None = None,
) -> ChipEvidence:
    response = None
    if challenge is not None and card.authentication_key is not None:
        response = Signer(card).sign(challenge.value, os.urandom)
    return ChipEvidence(
        files=files_of(card) if files is None else files,
        challenge=challenge,
        active_authentication=response,
        access=access,
        steps=(),
        atr=card.atr,
        reader="",
        reader_version="",
        read_at=NOW,
        chip_authentication=record,
        chip_mapping=mapping,
    )


def report_of(
    evidence: ChipEvidence,
    trust: TrustStore,
    policy: Policy = POLICY,
    remote: RemoteProof | None = None,
) -> Report:
    try:
        return verify(evidence, trust, policy, at=NOW, now=NOW, remote=remote).report
    except IdentityRefusedError as error:
        assert error.report.verdict is Verdict.REFUSED
        return error.report


def remote_of(card: CardProfile, record: ChipAuthenticationRecord) -> RemoteProof:
    _, key = si.chip_authentication_choices(dg14.parse(files_of(card)["EF.DG14"]))[0]
    return RemoteProof(
        record.session or "", record.oid, record.key_id, key.spki, record.terminal_public_key
    )


def resigned(card: CardProfile, issuer: Issuer, **changed: bytes | None) -> dict[str, bytes]:
    """The card's files with others in their place, signed anew: what an issuer could have made."""
    files = {name: raw for name, raw in files_of(card).items() if name not in changed}
    files |= {name: raw for name, raw in changed.items() if raw is not None}
    groups = {int(name[5:]): raw for name, raw in files.items() if name.startswith("EF.DG")}
    return files | {"EF.SOD": issuer.sign(groups, now=NOW)}
