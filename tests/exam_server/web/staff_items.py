"""What the pages' tests and pictures need of the item bank."""

from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa
from staff_world import World

from exam_server.audit import Operator
from exam_server.items import keeping, life, rights
from exam_server.items.models import Act, ItemCard
from exam_server.staff import Staff
from question_bank.item import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    Item,
    ItemMetadata,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    TrueFalseCluster,
)
from question_bank.lifecycle import Action
from question_bank.writing import content_from

MATHS = "Toán"
GRANTS: Mapping[str, Mapping[str, bool]] = {
    "rade": {MATHS: True, "Ngữ văn": False},
    "rade2": {MATHS: False},
    "phanbien": {MATHS: True, "Ngữ văn": False},
    "hoidong": {"*": True},
}


def grant_subjects(world: World) -> None:
    """Gives the people of the bank their subjects."""
    with world.server.transaction() as session:
        for username, subjects in GRANTS.items():
            person = session.scalars(sa.select(Staff).where(Staff.username == username)).one()
            for subject, secret in subjects.items():
                rights.grant(
                    session, person, subject, secret=secret, by=Operator(), now=world.server.now()
                )


def _about(topic: str, level: str, code: str) -> ItemMetadata:
    return ItemMetadata(MATHS, "12", topic, level, code, "vi", "Vũ Ra Đề")  # type: ignore[arg-type]


def choice_item(name: str = "ham-so-bac-ba") -> Item:
    """A choice with formulas in stem and options; B is right."""
    texts = ("$(0;2)$", r"$\left(-\infty;0\right)$", r"$\left(2;+\infty\right)$", r"$(-1;1)$")
    options = tuple(
        Option(letter, content_from(text)) for letter, text in zip("ABCD", texts, strict=True)
    )
    stem = content_from(r"Cho hàm số $y=\frac{1}{3}x^3-x^2+1$. Hàm số nghịch biến trên khoảng nào?")
    about = _about("Khảo sát hàm số", "H", "2D1H1-2")
    return Item(
        name, stem, SingleChoice(options), ChoiceKey(("A",)), AllOrNothing(), Decimal("0.25"),
        about, explanation=content_from(r"Ta có $y'=x^2-2x<0 \Leftrightarrow 0<x<2$."),
    )  # fmt: skip


def cluster_item(name: str = "hinh-chop") -> Item:
    """Four statements under the graded rule."""
    texts = (r"$SA \perp BC$", r"$BC \perp SB$", r"Góc giữa $SC$ và đáy là $45^\circ$",
             r"$V_{S.ABC}=\frac{a^3\sqrt{3}}{6}$")  # fmt: skip
    options = tuple(
        Option(letter, content_from(text)) for letter, text in zip("abcd", texts, strict=True)
    )
    return Item(
        name,
        content_from("Cho hình chóp $S.ABC$ có $SA$ vuông góc với đáy, tam giác ABC vuông tại B."),
        TrueFalseCluster(options),
        ClusterKey({"a": True, "b": True, "c": False, "d": False}),
        NATIONAL_2025_CLUSTER,
        Decimal(1),
        _about("Quan hệ vuông góc", "V", "1H8V4-1"),
    )  # fmt: skip


def number_item(name: str = "thung-hang") -> Item:
    """A number with a decimal comma."""
    return Item(
        name,
        content_from("Một thùng hàng có thể tích lớn nhất là bao nhiêu mét khối?"),
        NumericEntry(unit="m³"),
        NumericKey(Decimal("2.25")),
        AllOrNothing(),
        Decimal("0.25"),
        _about("Ứng dụng đạo hàm", "C", "2D1C5-3"),
    )


def bring(world: World, who: str, item: Item, *, secret: bool = False) -> str:
    """A draft of `who`; the item's id."""
    with world.server.transaction() as session:
        (made,) = life.create(
            session, world.officer(who), [item], act=Act.CREATED, secret=secret,
            sealing=world.server.sealing, now=world.server.now(),
        )  # fmt: skip
    return made


def move_on(world: World, who: str, item_id: str, action: Action, text: str = "") -> None:
    """A step of the item's newest version."""
    server = world.server
    with server.transaction() as session:
        card = session.get_one(ItemCard, item_id)
        mark = keeping.read(session, card, sealing=server.sealing).mark
        life.step(
            session, world.officer(who), item_id, action, mark=mark, text=text,
            sealing=server.sealing, now=server.now(),
        )  # fmt: skip
