"""What an issuer writes on a card in the shape of the Vietnamese one."""

from calendar import isleap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from io import BytesIO

from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from PIL import Image, UnidentifiedImageError

from card_reader import tlv
from card_reader.errors import UnreadableInputError
from card_reader.lds import DATA_GROUPS, com, dg1, dg2, dg13, dg14, dg15, mrz
from card_reader.simulator.profile import (
    EF_COM,
    EF_SOD,
    AccessKeys,
    CardProfile,
    data_group_id,
)

RENEWAL_AGES = (14, 25, 40, 60)  # Law 26/2023/QH15 article 21
WITHOUT_END = date(2099, 12, 31)  # what the MRZ is taken to hold where a card has no end
NO_END_TEXT = "Không thời hạn"
_TERMINAL_AUTHENTICATION = "0.4.0.127.0.7.2.2.2"  # id-TA: DG3 opens to authorised terminals only
_GENDERS = {"M": "Nam", "F": "Nữ"}


class CannotIssueError(UnreadableInputError):
    """A card that was asked for cannot be."""

    @property
    def remedy(self) -> str:
        return "Correct the request and issue the card again."


@dataclass(frozen=True, slots=True)
class Holder:
    """The person of a card. `number` has 12 digits; `sex` is "M" or "F"; names in Vietnamese."""

    number: str
    name: str
    date_of_birth: date
    sex: str
    place_of_origin: str = "Hà Nội"
    residence: str = "Hà Nội"
    date_of_issue: date = date(2025, 1, 15)
    nationality: str = "Việt Nam"
    ethnicity: str = "Kinh"
    religion: str = "Không"
    identifying_features: str = ""
    father: str = ""
    mother: str = ""
    spouse: str = ""
    old_number: str = ""

    def __post_init__(self) -> None:
        if not (len(self.number) == 12 and self.number.isascii() and self.number.isdigit()):
            raise CannotIssueError("the holder's number has 12 digits")
        if self.sex not in _GENDERS:
            raise CannotIssueError("the holder's sex is M or F")
        if not mrz.to_mrz_name(self.name):
            raise CannotIssueError("the holder has no name")
        if not self.date_of_birth < self.date_of_issue:
            raise CannotIssueError("the holder was born after the day of issue")
        # Fourth digit: sex and century of birth (Decree 137/2015, article 7).
        digit = 2 * (self.date_of_birth.year // 100 - 19) + (self.sex == "F")
        if int(self.number[3]) != digit:
            raise CannotIssueError(f"sex and century of birth want {digit} as the fourth digit")

    @property
    def date_of_expiry(self) -> date | None:
        """By law; None is a card without end."""
        return expiry(self.date_of_birth, self.date_of_issue)


def expiry(birth: date, issued: date) -> date | None:
    """The birthday on which a card of that day runs out (Law 26/2023/QH15 article 21)."""
    for number, age in enumerate(RENEWAL_AGES):
        if issued >= birthday(birth, age):
            continue
        soon = issued >= birthday(birth, age - 2)
        last = number == len(RENEWAL_AGES) - 1
        if not soon:
            return birthday(birth, age)
        return None if last else birthday(birth, RENEWAL_AGES[number + 1])
    return None


def birthday(birth: date, age: int) -> date:
    """Whoever was born on 29 February has 28 February in other years."""
    year = birth.year + age
    leap_day = (birth.month, birth.day) == (2, 29)
    return birth.replace(year=year, day=28 if leap_day and not isleap(year) else birth.day)


def data_group_files(
    holder: Holder, portrait: bytes, key_bits: int, rng: Callable[[int], bytes]
) -> tuple[dict[int, bytes], rsa.RSAPrivateKey]:
    """The data groups by number, and the key of active authentication that DG15 names."""
    if key_bits not in (1024, 1536, 2048):
        raise CannotIssueError("the key of active authentication has 1024, 1536 or 2048 bits")
    key = rsa.generate_private_key(65537, key_bits)
    infos = (dg14.SecurityInfo(_TERMINAL_AUTHENTICATION, bytes(core.Integer(1).dump())),)
    files = {
        1: dg1.encode(_mrz(holder)),
        2: portrait_file(portrait),
        3: _empty_fingers(rng),
        13: dg13.encode(_details(holder, rng)),
        14: dg14.encode(infos),
        15: public_key_file(key),
    }
    return files, key


def profile(
    holder: Holder, data_groups: Mapping[int, bytes], sod: bytes, key: rsa.RSAPrivateKey
) -> CardProfile:
    """The card that holds these data groups."""
    zone = _mrz(holder)
    files = {data_group_id(number): file for number, file in data_groups.items()}
    files[EF_COM] = com.encode(com.Com(tuple(sorted(data_groups))))
    files[EF_SOD] = sod
    return CardProfile(
        atr=_answer_to_reset(),
        access=AccessKeys(
            zone.document_number,
            zone.date_of_birth.strftime("%y%m%d"),
            zone.date_of_expiry.strftime("%y%m%d"),
        ),
        files=files,
        protected=frozenset({data_group_id(3)}),
        authentication_key=private_key_bytes(key),
    )


def portrait_file(portrait: bytes) -> bytes:
    """EF.DG2 with one image file."""
    mime = dg2.kind_of(portrait)
    try:
        with Image.open(BytesIO(portrait)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise CannotIssueError(f"the portrait cannot be opened: {error}") from None
    return dg2.encode((dg2.FaceImage(portrait, mime, width, height),))


def public_key_file(key: rsa.RSAPrivateKey) -> bytes:
    """EF.DG15."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return dg15.encode(public)


def private_key_bytes(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _mrz(holder: Holder) -> mrz.Mrz:
    surname, _, given = mrz.to_mrz_name(holder.name).partition(" ")
    return mrz.Mrz(
        document_code="ID",
        issuing_state=mrz.VIETNAM,
        document_number=holder.number[-9:],
        personal_number=holder.number,
        date_of_birth=holder.date_of_birth,
        sex=holder.sex,
        date_of_expiry=holder.date_of_expiry or WITHOUT_END,
        nationality=mrz.VIETNAM,
        primary_identifier=surname,
        secondary_identifier=given,
    )


def _details(holder: Holder, rng: Callable[[int], bytes]) -> dg13.CitizenDetails:
    end = holder.date_of_expiry
    return dg13.CitizenDetails(
        number=holder.number,
        name=holder.name,
        date_of_birth=_printed(holder.date_of_birth),
        gender=_GENDERS[holder.sex],
        nationality=holder.nationality,
        ethnicity=holder.ethnicity,
        religion=holder.religion,
        place_of_origin=holder.place_of_origin,
        residence=holder.residence,
        identifying_features=holder.identifying_features,
        date_of_issue=_printed(holder.date_of_issue),
        date_of_expiry=_printed(end) if end else NO_END_TEXT,
        father=holder.father,
        mother=holder.mother,
        spouse=holder.spouse,
        old_number=holder.old_number,
        chip_number=rng(8).hex().upper(),
    )


def _printed(day: date) -> str:
    return day.strftime("%d/%m/%Y")


def _empty_fingers(rng: Callable[[int], bytes]) -> bytes:
    """EF.DG3 without a print; random bytes keep its hash from telling (ICAO 9303-10 §4.7.3)."""
    group = tlv.encode(0x7F61, tlv.encode(0x02, b"\x00") + tlv.encode(0x53, rng(8)))
    return tlv.encode(DATA_GROUPS[3].tag, group)


def _answer_to_reset() -> bytes:
    """A contactless chip as PC/SC part 3 §3.1.3.2.3 shows it: eight historical bytes, checksum."""
    body = bytes.fromhex("8880010000000000000000")
    return b"\x3b" + body + bytes([reduce(lambda a, b: a ^ b, body)])
