"""Cards, files and sessions to start from: all made here, by the simulator, and none of anybody."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image

from card_reader.access.citizen_card import cccd_passwords
from card_reader.access.passwords import MrzPassword
from card_reader.channel import Exchange
from card_reader.evidence import Challenge, ChipEvidence, Freshness
from card_reader.lds import FILES_BY_NAME, MASTER_FILE_EFS
from card_reader.lds.dates import mrz_text
from card_reader.lds.dg2 import FaceFormat
from card_reader.reader import read_card
from card_reader.reading.strategy import Strategy
from card_reader.sessions.recorded_reading import Reading
from card_reader.sessions.recording import SessionRecording
from card_reader.simulator import master_list
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.passport import Traveller
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile, SignatureFormat
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    PaceRecipe,
    PortraitRecipe,
    Recipe,
    SecurityObjectRecipe,
    Shape,
    SignerRecipe,
)
from card_reader.simulator.security_object import ContentType
from card_reader.simulator.signed_data import Envelope
from card_reader.simulator.signing_keys import KeyKind
from card_reader.simulator.transport import SimulatedTransport
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.signatures import Scheme, SignatureAlgorithm
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import Policy
from fuzzing.findings import FUZZ, ROOT

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
SEED = 9303
GROUPS = (1, 2, 7, 11, 12, 13, 14, 15)
STRATEGY = Strategy(extended=True, block=1_024)
POLICY = Policy(Realm.TEST, accepted_document_codes=None)
_PORTRAIT_SIDE = 24  # pixels: a conversation that is short can be had often
_GM, _CAM = "PACE-ECDH-GM-AES-CBC-CMAC-128", "PACE-ECDH-CAM-AES-CBC-CMAC-128"
_CHIP_KEYS = (ChipAuthenticationRecipe(("CA-ECDH-AES-CBC-CMAC-128",), 12, 5),)
_RSA = ActiveAuthenticationRecipe(KeyKind.RSA_1024)
RECIPES: Mapping[str, Recipe] = {
    "bac": Recipe(active_authentication=_RSA),
    "pace": Recipe(
        access=AccessRecipe(pace=(PaceRecipe(_GM, 12),)),
        chip_authentication=_CHIP_KEYS,
        active_authentication=_RSA,
        atr_info=True,
        directory=True,
    ),
    "pace-cam": Recipe(
        access=AccessRecipe(pace=(PaceRecipe(_GM, 12), PaceRecipe(_CAM, 12))),
        chip_mapping=12,
        active_authentication=None,
    ),
    "bac-chip-authentication": Recipe(
        chip_authentication=(ChipAuthenticationRecipe(("CA-ECDH-3DES-CBC-CBC",), 12),),
        active_authentication=None,
    ),
    "passport": Recipe(
        Shape.TD3,
        data_groups=(7, 11, 12),
        portrait=PortraitRecipe(FaceFormat.ISO_39794_5, copies=2, padding=16),
        active_authentication=ActiveAuthenticationRecipe(KeyKind.P256),
    ),
    "plain-ec": Recipe(
        access=AccessRecipe(bac=False, plain=True),
        active_authentication=ActiveAuthenticationRecipe(KeyKind.P256, format=SignatureFormat.DER),
        security_object=SecurityObjectRecipe(
            "sha1", 1, ContentType.ID_DATA, Envelope(signer_by_key_id=True, indefinite_length=True)
        ),
    ),
    "rsa-pss": Recipe(
        signer=SignerRecipe(
            KeyKind.RSA_2048_E3, SignatureAlgorithm(Scheme.PSS, "sha256", "sha256", 32)
        ),
        active_authentication=_RSA,
    ),
}


# Recipe and person of each card: the first two recipes have a card of another person too.
PERSONS = (*((name, 0) for name in RECIPES), ("bac", 1), ("pace", 1))


@dataclass(frozen=True, slots=True)
class Original:
    """A genuine card and what a reader honestly brings of it."""

    name: str
    card: CardProfile
    passwords: tuple[MrzPassword, ...] = field(repr=False)
    evidence: ChipEvidence = field(repr=False)
    session: dict[str, object] = field(repr=False)
    #: Protected and plain forms of the answers, as they came.
    answers: tuple[bytes, ...] = field(repr=False)


def rng_of(seed: int) -> Random:
    return Random(seed)


@cache
def folder() -> Path:
    """Where issuers and cards are kept, so that a case means the same in the next process.

    Keys and signatures cannot be drawn twice.  What makes the cards names the folder, and whole
    folders are put into place: of two processes that make one, the quicker one's stays.
    """
    makers = [Path(__file__), *sorted((ROOT / "card_reader" / "simulator").glob("*.py"))]
    name = sha256(b"".join(path.read_bytes() for path in makers)).hexdigest()[:16]
    kept = FUZZ / "cards" / name
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as own:
            made = Path(own) / name
            _make(made)
            with suppress(OSError):  # it is there by now
                made.rename(kept)
    return kept


def _make(made: Path) -> None:
    explicit = SignerRecipe(KeyKind.BRAINPOOL_P256R1, explicit_parameters=True)
    authority = Issuer.create(made / "issuer", kind=KeyKind.P256, now=NOW)
    other = Issuer.create(made / "explicit", authority=explicit, signer=explicit, now=NOW)
    for name, number in PERSONS:
        recipe = RECIPES[name]
        person, _ = _person(recipe, number)
        rng = rng_of(SEED + number).randbytes
        card = authority.issue(person, portrait(), recipe=recipe, rng=rng, now=NOW)
        card.save(made / f"{name}-{number}.json")
    listed = [authority.csca.certificate, other.csca.certificate]
    (made / "master-list").write_bytes(master_list.build(listed, authority, now=NOW))


@cache
def issuer() -> Issuer:
    return Issuer.load(folder() / "issuer")


@cache
def trust() -> TrustStore:
    anchors = parse_certificates(issuer().csca.certificate.public_bytes(Encoding.PEM))
    revoked = parse_crl(issuer().crl.public_bytes(Encoding.DER))
    return TrustStore(anchors, crls=[revoked], realm=Realm.TEST)


@cache
def portrait() -> bytes:
    random = rng_of(SEED)
    pixels = random.randbytes(_PORTRAIT_SIDE * _PORTRAIT_SIDE)
    file = BytesIO()
    Image.frombytes("L", (_PORTRAIT_SIDE, _PORTRAIT_SIDE), pixels).save(file, "JPEG", quality=30)
    return file.getvalue()


def holder(number: int) -> Holder:
    names = ("Nguyễn Văn An", "Trần Thị Bình")
    births = (date(2006, 5, 17), date(2007, 11, 2))
    return Holder(f"00120{6 + number}012345", names[number], births[number], "M")


def traveller() -> Traveller:
    born, expires = date(1990, 2, 28), date(2033, 1, 1)
    return Traveller("C01X00T47", "NGUYEN", "VAN AN", born, "M", expires, "VNM", "VNM")


def _person(recipe: Recipe, number: int) -> tuple[Holder | Traveller, tuple[MrzPassword, ...]]:
    if recipe.shape is Shape.VIETNAM:
        citizen = holder(number)
        return citizen, cccd_passwords(citizen.number, citizen.date_of_birth, today=NOW.date())
    person = traveller()
    days = (mrz_text(day) for day in (person.date_of_birth, person.date_of_expiry))
    return person, (MrzPassword(person.document_number, *days),)


@cache
def original(name: str, number: int = 0) -> Original:
    """The card of a recipe, for one of two persons, read once."""
    random = rng_of(SEED + number)
    _, passwords = _person(RECIPES[name], number)
    card = CardProfile.load(folder() / f"{name}-{number}.json")
    recording = SessionRecording(random.randbytes, lambda: 0.0)
    chip = Chip(card, random.randbytes, lambda _: None)
    answers: list[bytes] = []

    def note(exchange: Exchange) -> None:
        answers.append(exchange.response)
        recording.exchange(exchange)

    evidence = read_card(
        recording.over(SimulatedTransport(chip)),
        passwords,
        challenge=CHALLENGE,
        groups=GROUPS,
        recorder=note,
        rng=recording.rng,
        now=lambda: NOW,
    )
    session = recording.session(Reading(passwords, CHALLENGE, GROUPS), evidence).to_document()
    return Original(name, card, passwords, evidence, session, tuple(answers))


@cache
def originals() -> tuple[Original, ...]:
    """One card of each recipe, and the first recipe's for another person too."""
    return tuple(original(name, number) for name, number in PERSONS)


def files(*names: str) -> list[bytes]:
    """Those files of all cards, whole; a file that several cards have alike comes once."""
    found = [item.evidence.files[name] for item in originals() for name in names
             if name in item.evidence.files]  # fmt: skip
    for item in originals():
        inner = {item.file_id: item.name for item in FILES_BY_NAME.values()}
        outer = {item.file_id: item.name for item in MASTER_FILE_EFS}
        found += [raw for at, raw in item.card.files.items() if inner.get(at) in names]
        found += [raw for at, raw in item.card.master_files.items() if outer.get(at) in names]
    return list(dict.fromkeys(found))


@cache
def certificates() -> list[bytes]:
    authority = issuer()
    explicit = issuer_with_explicit_parameters()
    signers = (authority.csca, authority.signer, explicit.csca)
    return [item.certificate.public_bytes(Encoding.DER) for item in signers]


@cache
def issuer_with_explicit_parameters() -> Issuer:
    return Issuer.load(folder() / "explicit")


@cache
def revocation_lists() -> list[bytes]:
    return [issuer().crl.public_bytes(Encoding.DER), issuer().crl.public_bytes(Encoding.PEM)]


@cache
def certificate_lists() -> list[bytes]:
    """A master list as CMS and as the PKD's export; certificates one behind another as PEM."""
    listed = [issuer().csca.certificate, issuer_with_explicit_parameters().csca.certificate]
    cms = (folder() / "master-list").read_bytes()
    armoured = b"".join(item.public_bytes(Encoding.PEM) for item in listed)
    return [cms, master_list.ldif(cms, "VN"), armoured]


@cache
def sessions() -> list[bytes]:
    return [json.dumps(item.session).encode() for item in originals()]


@cache
def card_documents() -> list[bytes]:
    """Simulated cards as they are saved."""
    return [(folder() / f"{name}-{number}.json").read_bytes() for name, number in PERSONS[:3]]


def recipe_documents() -> list[bytes]:
    return [json.dumps(recipe.to_document()).encode() for recipe in RECIPES.values()]
