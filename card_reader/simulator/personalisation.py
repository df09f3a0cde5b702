"""What an issuer writes on a card: the Vietnamese one, or a passport's."""

from calendar import isleap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from card_reader import tlv
from card_reader.errors import MalformedFileError, UnreadableInputError
from card_reader.lds import (
    APPLICATION_ID,
    DATA_GROUPS,
    atr_info,
    card_access,
    com,
    dg1,
    dg2,
    dg13,
    dg14,
    dg15,
    directory,
    mrz,
)
from card_reader.lds.dates import mrz_text
from card_reader.lds.security_infos import SecurityInfo, TerminalAuthenticationInfo
from card_reader.simulator import chip_keys, passport
from card_reader.simulator.certificates import Random
from card_reader.simulator.chip_keys import ChipEquipment
from card_reader.simulator.passport import Traveller
from card_reader.simulator.profile import (
    EF_ATR_INFO,
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    EF_COM,
    EF_DIR,
    EF_SOD,
    AccessKeys,
    CardProfile,
    data_group_id,
)
from card_reader.simulator.recipe import ONE_PORTRAIT, ImageKind, PortraitRecipe, Recipe, Shape
from card_reader.simulator.signing_keys import (
    SigningKey,
    new_key,
    private_key_der,
    public_key_info,
)

RENEWAL_AGES = (14, 25, 40, 60)  # Law 26/2023/QH15 article 21
WITHOUT_END = date(2099, 12, 31)  # what the MRZ is taken to hold where a card has no end
NO_END_TEXT = "Không thời hạn"
PASSPORT_YEARS = 10
# EF.DG3 opens to authorised terminals only.
_TERMINAL_AUTHENTICATION = TerminalAuthenticationInfo(1).security_info()
_HASH_NAMES = {
    "sha1": "SHA-1",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
_GENDERS = {"M": "Nam", "F": "Nữ"}

_CAPABILITIES = atr_info.AtrInfo(
    short_file_ids=True,
    command_chaining=True,
    extended_length=True,
    max_command=65_535,
    max_response=65_535,
)


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


@dataclass(frozen=True, slots=True)
class Personalised:
    """A card before it is signed: data groups by number, the chip's keys, the printed zone."""

    zone: mrz.Mrz
    data_groups: Mapping[int, bytes] = field(repr=False)
    equipment: ChipEquipment
    authentication_key: SigningKey | None = field(repr=False)


def personalise(
    holder: Holder | Traveller, portrait: bytes, recipe: Recipe, rng: Random
) -> Personalised:
    """What the recipe makes of this holder; raises CannotIssueError where they do not fit."""
    if recipe.shape is Shape.VIETNAM:
        if not isinstance(holder, Holder):
            raise CannotIssueError("the Vietnamese card is for a holder with a citizen's number")
        zone, groups = _citizen_zone(holder), _citizen_groups(holder, rng)
    else:
        traveller = _traveller(holder, recipe.shape) if isinstance(holder, Holder) else holder
        zone = passport.zone(traveller, recipe.shape)
        groups = passport.data_groups(traveller, recipe.data_groups)
    groups |= {1: _zone_file(zone), 2: portrait_file(portrait, recipe.portrait)}
    equipment = chip_keys.equip(recipe, rng)
    active = recipe.active_authentication
    key = new_key(active.key, rng) if active else None
    if key is not None:
        groups[15] = dg15.encode(public_key_info(key))
    infos = _security_infos(recipe, equipment)
    if infos:
        groups[14] = dg14.encode(infos)
    return Personalised(zone, dict(sorted(groups.items())), equipment, key)


def profile(
    made: Personalised, recipe: Recipe, sod: bytes, card_security: bytes | None
) -> CardProfile:
    """The card that holds these data groups."""
    files = {data_group_id(number): file for number, file in made.data_groups.items()}
    files[EF_COM] = com.encode(com.Com(tuple(made.data_groups)))
    files[EF_SOD] = sod
    active = recipe.active_authentication
    return CardProfile(
        atr=_answer_to_reset(),
        access=AccessKeys(
            made.zone.document_number,
            mrz_text(made.zone.date_of_birth),
            mrz_text(made.zone.date_of_expiry),
            recipe.access.can,
        ),
        files=files,
        protected=frozenset({data_group_id(3)}) & files.keys(),
        authentication_key=private_key_der(made.authentication_key)
        if made.authentication_key
        else None,
        master_files=_master_files(made.equipment, recipe, card_security),
        basic_access=recipe.access.bac,
        plain=recipe.access.plain,
        pace=made.equipment.offers,
        chip_keys=made.equipment.keys,
        authentication_hash=_HASH_NAMES[active.hash] if active else "SHA-256",
        authentication_format=active.format if active and active.key.curve else None,
    )


def _security_infos(recipe: Recipe, equipment: ChipEquipment) -> tuple[SecurityInfo, ...]:
    """EF.DG14 repeats EF.CardAccess, signed (ICAO 9303-11 §9.2)."""
    active = recipe.active_authentication
    of_key = chip_keys.active_authentication_info(active) if active else None
    return (
        *((_TERMINAL_AUTHENTICATION,) if recipe.shape is Shape.VIETNAM else ()),
        *equipment.card_access,
        *equipment.chip_authentication,
        *((of_key,) if of_key else ()),
    )


def _master_files(
    equipment: ChipEquipment, recipe: Recipe, card_security: bytes | None
) -> dict[int, bytes]:
    files: dict[int, bytes] = {}
    if equipment.card_access:
        files[EF_CARD_ACCESS] = card_access.encode(equipment.card_access)
    if card_security is not None:
        files[EF_CARD_SECURITY] = card_security
    if recipe.atr_info:
        files[EF_ATR_INFO] = atr_info.encode(_CAPABILITIES)
    if recipe.directory:
        files[EF_DIR] = directory.encode((directory.Application(APPLICATION_ID),))
    return files


def portrait_file(portrait: bytes, recipe: PortraitRecipe = ONE_PORTRAIT) -> bytes:
    """EF.DG2 with copies of one image file."""
    try:
        with Image.open(BytesIO(portrait)) as image:
            data = portrait if recipe.image is None else _converted(image, recipe.image)
            size = image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise CannotIssueError(f"the portrait cannot be opened: {error}") from None
    face = dg2.FaceImage(data + bytes(recipe.padding), dg2.kind_of(data), *size)
    return dg2.encode((face,) * recipe.copies, recipe.format)


def _converted(image: Image.Image, kind: ImageKind) -> bytes:
    out = BytesIO()
    if kind is ImageKind.JPEG:
        image.convert("RGB").save(out, "JPEG", quality=90)
    else:
        raw = kind is ImageKind.CODESTREAM
        image.convert("RGB").save(
            out, "JPEG2000", no_jp2=raw, quality_mode="rates", quality_layers=[20]
        )
    return out.getvalue()


def _traveller(citizen: Holder, shape: Shape) -> Traveller:
    """The citizen's passport: another number, ten years, the citizen's number as optional data."""
    surname, _, given = citizen.name.partition(" ")
    issued = citizen.date_of_issue
    return Traveller(
        document_number=f"C{citizen.number[-7:]}",
        surname=surname,
        given_names=given,
        date_of_birth=citizen.date_of_birth,
        sex=citizen.sex,
        date_of_expiry=birthday(issued, PASSPORT_YEARS),
        issuing_state=mrz.VIETNAM,
        nationality=mrz.VIETNAM,
        personal_number="" if shape is Shape.TD2 else citizen.number,  # TD2 has no room
        place_of_birth=citizen.place_of_origin,
        issuing_authority="Cục Quản lý xuất nhập cảnh",
        date_of_issue=issued,
    )


def _citizen_zone(holder: Holder) -> mrz.Mrz:
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


def _zone_file(zone: mrz.Mrz) -> bytes:
    try:
        return dg1.encode(zone)
    except MalformedFileError as error:
        raise CannotIssueError(error.detail) from None


def _citizen_groups(holder: Holder, rng: Random) -> dict[int, bytes]:
    return {3: _empty_fingers(rng), 13: dg13.encode(_details(holder, rng))}


def _details(holder: Holder, rng: Random) -> dg13.CitizenDetails:
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


def _empty_fingers(rng: Random) -> bytes:
    """EF.DG3 without a print; random bytes keep its hash from telling (ICAO 9303-10 §4.7.3)."""
    group = tlv.encode(0x7F61, tlv.encode(0x02, b"\x00") + tlv.encode(0x53, rng(8)))
    return tlv.encode(DATA_GROUPS[3].tag, group)


def _answer_to_reset() -> bytes:
    """A contactless chip as PC/SC part 3 §3.1.3.2.3 shows it: eight historical bytes, checksum."""
    body = bytes.fromhex("8880010000000000000000")
    return b"\x3b" + body + bytes([reduce(lambda a, b: a ^ b, body)])
