"""A small form with one item of each kind, and what the server says of a seat."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from exam_server.contract import api
from question_bank.item import Media
from question_bank.package import (
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedItem,
    PresentedNumeric,
    PresentedOption,
    PresentedPart,
)

TONES = Path(__file__).parents[2] / "fixtures" / "sound" / "tones.mp3"
#: May be heard twice.
HEARD = '<audio data-plays="2" src="media:nghe"/>'
NOON = datetime(2027, 6, 10, 5, 0, tzinfo=UTC)


def options(*ids: str) -> tuple[PresentedOption, ...]:
    return tuple(PresentedOption(each, f"<p>{each}</p>") for each in ids)


FORM = PresentedForm(
    exam="Kỳ thi thử",
    paper="Toán",
    code="0101",
    minutes=90,
    parts=(
        PresentedPart(
            "Phần I",
            "<p>Chọn một phương án.</p>",
            (
                PresentedItem("a", 1, "<p>1</p>", PresentedChoice("single", options("o1", "o2"))),
                PresentedItem("b", 2, "<p>2</p>", PresentedChoice("multiple", options("o1", "o2"))),
            ),
        ),
        PresentedPart(
            "Phần II",
            "<p>Đúng hay sai.</p>",
            (
                PresentedItem("c", 3, "<p>3</p>", PresentedCluster(options("s1", "s2"))),
                PresentedItem(
                    "d", 4, f"<p>4</p>{HEARD}", PresentedNumeric(4, "0123456789,-", "cm")
                ),
            ),
        ),
    ),
    media=(Media("nghe", "audio/mpeg", TONES.read_bytes()),),
)


def placement(**changes: object) -> api.PlacementView:
    fields: dict[str, object] = {
        "id": "p1",
        "registration_number": "010001",
        "candidate_name": "Nguyễn Thị Hạnh",
        "date_of_birth": date(2009, 3, 4),
        "citizen_number": "001309012345",
        "paper": "Toán",
        "minutes": 90,
    }
    return api.PlacementView.model_validate(fields | changes)


def seat(
    who: api.PlacementView | None,
    state: api.ShiftState = api.ShiftState.OPEN,
    at: datetime = NOON,
    **changes: object,
) -> api.SeatView:
    shift = api.ShiftView(
        id="s1", exam="Kỳ thi thử", name="Ca 1", starts_at=NOON + timedelta(minutes=15), state=state
    )
    fields: dict[str, object] = {
        "server_time": at,
        "realm": "test",
        "centre": "THPT Chu Văn An",
        "room": "P01",
        "seat": "03",
        "shift": shift,
        "placement": who,
    }
    return api.SeatView.model_validate(fields | changes)
