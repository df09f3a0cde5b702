"""Documents of any state in the three sizes, for travellers who are no Vietnamese citizens.

The optional groups EF.DG7, EF.DG11 and EF.DG12 belong here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw

from card_reader.lds import dg7, dg11, dg12, mrz
from card_reader.simulator.recipe import Shape

_LAYOUTS = {
    Shape.VIETNAM: mrz.Layout.TD1,
    Shape.TD1: mrz.Layout.TD1,
    Shape.TD2: mrz.Layout.TD2,
    Shape.TD3: mrz.Layout.TD3,
}


@dataclass(frozen=True, slots=True)
class Traveller:
    """The holder of a document, as its machine readable zone names him.

    `issuing_state` and `nationality` are codes of ICAO 9303-3 §5 ("D", "UTO"); `sex` is "M", "F"
    or "X". `document_code` is that of the shape where it is None: "P" or "I".
    """

    document_number: str
    surname: str
    given_names: str
    date_of_birth: date
    sex: str
    date_of_expiry: date
    issuing_state: str = "UTO"
    nationality: str = "UTO"
    personal_number: str = ""
    document_code: str | None = None
    place_of_birth: str = "Zenith"
    issuing_authority: str = "Utopia"
    date_of_issue: date = date(2024, 1, 15)


def zone(traveller: Traveller, shape: Shape) -> mrz.Mrz:
    """The machine readable zone in that size."""
    code = traveller.document_code or ("P" if shape is Shape.TD3 else "I")
    return mrz.Mrz(
        document_code=code,
        issuing_state=traveller.issuing_state,
        document_number=traveller.document_number,
        personal_number=traveller.personal_number,
        date_of_birth=traveller.date_of_birth,
        sex=traveller.sex,
        date_of_expiry=traveller.date_of_expiry,
        nationality=traveller.nationality,
        primary_identifier=mrz.to_mrz_name(traveller.surname),
        secondary_identifier=mrz.to_mrz_name(traveller.given_names),
        layout=_LAYOUTS[shape],
    )


def data_groups(traveller: Traveller, numbers: Iterable[int]) -> dict[int, bytes]:
    """The optional groups with these numbers."""
    return {number: _GROUPS[number](traveller) for number in numbers}


def _signature(traveller: Traveller) -> bytes:
    """EF.DG7 with a picture of a pen's way that follows from the name."""
    name = f"{traveller.surname} {traveller.given_names}".encode()
    heights = [20 + byte % 60 for byte in sha256(name).digest()]
    picture = Image.new("L", (320, 100), 255)
    points = [(10 + 9 * index, height) for index, height in enumerate(heights)]
    ImageDraw.Draw(picture).line(points, fill=0, width=3, joint="curve")
    out = BytesIO()
    picture.save(out, "JPEG", quality=80)
    return dg7.encode((dg7.DisplayedImage(out.getvalue(), "image/jpeg"),))


def _personal_details(traveller: Traveller) -> bytes:
    """EF.DG11: the name in national characters, fillers as in the zone (9303-10 §4.7.11)."""
    name = f"{traveller.surname}<<{traveller.given_names}".replace(" ", "<")
    return dg11.encode(
        dg11.PersonalDetails(
            name=name,
            personal_number=traveller.personal_number,
            date_of_birth=traveller.date_of_birth,
            place_of_birth=(traveller.place_of_birth,),
        )
    )


def _document_details(traveller: Traveller) -> bytes:
    """EF.DG12."""
    return dg12.encode(
        dg12.DocumentDetails(
            issuing_authority=traveller.issuing_authority,
            date_of_issue=traveller.date_of_issue,
        )
    )


_GROUPS = {7: _signature, 11: _personal_details, 12: _document_details}
