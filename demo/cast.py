"""Who takes part: the candidates at the first five seats of P.101, their cards and their faces."""

import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import openpyxl
from PIL import Image

from card_reader.simulator import defects
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.simulator.recipe import VIETNAMESE_CARD, Recipe
from demo import answers
from demo.officers import Login

ROOT = Path(__file__).parents[1]
PHOTOGRAPHS = ROOT / ".cache" / "photographs"
EXAM = ROOT / "fixtures" / "demo-exam"
DRAWN_PORTRAIT = ROOT / "fixtures" / "portrait" / "portrait.jpg"

ROOM = "P.101"
SECRET_BYTES = 18


@dataclass(frozen=True, slots=True)
class Part:
    """What is particular to a candidate: portrait on the card, faces before the camera, and the
    answers to the paper that the roster has them sit."""

    seat: str
    persona: str
    portrait: Path
    faces: tuple[Path, ...]
    recipe: Recipe = VIETNAMESE_CARD
    defect: Defect | None = None
    #: How many commands the chip answers before it goes dead, None for a sound one.
    goes_dead_after: int | None = None
    language: str = "vi"
    answers: Path = answers.MATHS


GENUINE = Part(
    seat="01",
    persona="an",
    portrait=PHOTOGRAPHS / "obama.jpg",
    faces=(PHOTOGRAPHS / "obama2.jpg", PHOTOGRAPHS / "obama3.jpg"),
    recipe=PRESETS["vietnam-2024-pace"].recipe,
)
EXCHANGED = Part(
    seat="02",
    persona="chi",
    portrait=DRAWN_PORTRAIT,
    faces=(PHOTOGRAPHS / "biden.jpg",),
    defect=Defect.PORTRAIT_EXCHANGED,
)
STRANGER = Part(
    seat="03",
    persona="chi",
    portrait=PHOTOGRAPHS / "obama.jpg",
    faces=(PHOTOGRAPHS / "biden.jpg",),
    language="en",
)
UNREADABLE = Part(
    seat="04",
    persona="binh",
    portrait=DRAWN_PORTRAIT,
    faces=(PHOTOGRAPHS / "biden.jpg",),
    goes_dead_after=9,
)
# Of one person alone there are photographs from several sides, which the face check asks for.
SCIENCE = Part(
    seat="05",
    persona="hoa",
    portrait=GENUINE.portrait,
    faces=GENUINE.faces,
    answers=answers.SCIENCE,
)
PARTS = (GENUINE, EXCHANGED, STRANGER, UNREADABLE, SCIENCE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of the roster."""

    registration_number: str
    name: str
    paper: str
    citizen_number: str
    date_of_birth: date

    @property
    def sex(self) -> str:
        """The fourth digit of the number tells it: even male, odd female."""
        return "F" if int(self.citizen_number[3]) % 2 else "M"


def candidate_at(seat: str) -> Candidate:
    """Who the roster places at `seat` of the demo's room."""
    found = [candidate for place, candidate in _roster() if place == (ROOM, seat)]
    if len(found) != 1:
        raise LookupError(f"the roster has {len(found)} candidates at {ROOM}, seat {seat}")
    return found[0]


def _roster() -> Iterator[tuple[tuple[str, str], Candidate]]:
    sheet = openpyxl.load_workbook(EXAM / "roster.xlsx", read_only=True).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    start = next(number for number, row in enumerate(rows) if "Số báo danh" in row)
    columns = {str(title): place for place, title in enumerate(rows[start]) if title}
    for row in rows[start + 1 :]:
        born = row[columns["Ngày sinh"]]
        if not isinstance(born, datetime):
            continue
        place = (str(row[columns["Phòng"]]), str(row[columns["Chỗ"]]))
        number = str(row[columns["Số báo danh"]])
        citizen = str(row[columns["Số căn cước"]])
        name, paper = (str(row[columns[title]]) for title in ("Họ và tên", "Môn"))
        yield place, Candidate(number, name, paper, citizen, born.date())


def issue_card(issuer: Issuer, part: Part) -> CardProfile:
    """The card that the candidate of this part brings."""
    person = candidate_at(part.seat)
    holder = Holder(
        number=person.citizen_number,
        name=person.name,
        date_of_birth=person.date_of_birth,
        sex=person.sex,
    )
    profile = issuer.issue(holder, chip_portrait(part.portrait), recipe=part.recipe)
    if part.defect is None:
        return profile
    stranger = chip_portrait(PHOTOGRAPHS / "biden.jpg")
    return defects.apply(profile, part.defect, issuer=issuer, portrait=stranger)


def chip_portrait(photograph: Path) -> bytes:
    """A JPEG as small as those on chips, 15 to 20 KB."""
    with Image.open(photograph) as image:
        image.thumbnail((480, 640))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


#: The subject that both markers may mark, as the items of the second paper name it.
MARKED_SUBJECT = "Khoa học tự nhiên"


def staff() -> dict[str, Login]:
    """The officers, with passwords drawn for this run alone."""
    people = (
        ("office", "Nguyễn Thị Thu Hà", "exam_office"),
        ("proctor-1", "Trần Quốc Hưng", "proctor"),
        ("proctor-2", "Lê Thị Bích Liên", "proctor"),
        ("marker-1", "Đinh Thị Ngọc Ánh", "marker"),
        ("marker-2", "Cao Minh Tuấn", "marker"),
    )
    return {
        username: Login(username, name, role, secrets.token_urlsafe(SECRET_BYTES))
        for username, name, role in people
    }
