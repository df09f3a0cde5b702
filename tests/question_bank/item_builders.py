"""Items for tests."""

from decimal import Decimal

from question_bank.item import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    ChoiceKey,
    ClusterKey,
    Item,
    ItemMetadata,
    Media,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    Option,
    SingleChoice,
    TrueFalseCluster,
)

FIGURE = Media(
    "hinh-dap-an-B.svg",
    "image/svg+xml",
    b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="5" height="5"/></svg>',
)
METADATA = ItemMetadata("Toán", "12", "Hàm số", "V", "2D1V3-1", "vi", "Tổ ra đề")


def options(*texts: str, fixed: str = "") -> tuple[Option, ...]:
    return tuple(
        Option(letter, text, fixed=letter in fixed)
        for letter, text in zip("ABCDEFGH", texts, strict=False)
    )


def single(name: str = "q-single", right: str = "B", points: str = "0.25") -> Item:
    shown = options("một", "hai", "ba", "Cả ba phương án trên", fixed="D")
    stem = f'<p>Chọn một <img src="media:{FIGURE.id}" alt="hình"/></p>'
    return Item(
        name, stem, SingleChoice(shown), ChoiceKey((right,)), AllOrNothing(), Decimal(points),
        METADATA, (FIGURE,),
    )  # fmt: skip


def multiple(name: str = "q-multiple") -> Item:
    shown = MultipleChoice(options("1", "2", "3", "4"))
    return Item(name, "<p>Chọn</p>", shown, ChoiceKey(("A", "C")), AllOrNothing(), Decimal(1))


def cluster(name: str = "q-cluster", truths: str = "TFTT") -> Item:
    statements = tuple(Option(f"s{n}", f"Ý {n}") for n in range(len(truths)))
    key = ClusterKey({f"s{n}": truth == "T" for n, truth in enumerate(truths)})
    interaction = TrueFalseCluster(statements)
    return Item(name, "<p>Xét</p>", interaction, key, NATIONAL_2025_CLUSTER, Decimal(1), METADATA)


def numeric(
    name: str = "q-numeric", value: str = "-1.5", tolerance: str = "0", points: str = "0.5"
) -> Item:
    entry = NumericEntry(tolerance=Decimal(tolerance), unit="cm")
    key = NumericKey(Decimal(value))
    return Item(name, "<p>Tính</p>", entry, key, AllOrNothing(), Decimal(points), METADATA)
