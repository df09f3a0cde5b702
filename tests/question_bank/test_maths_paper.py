"""Every key of the demo paper is worked out again here, item by item, from the question."""

import importlib.util
import io
import math
import re
import tomllib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction as Fr
from itertools import pairwise, product
from pathlib import Path
from types import ModuleType

import pytest
import ziamath
from lxml import etree

from question_bank.content import plain_text
from question_bank.interchange.problems import Imported
from question_bank.interchange.qti3 import read_qti3
from question_bank.item import (
    ChoiceKey,
    ClusterKey,
    Item,
    NumericEntry,
    NumericKey,
    options_of,
)

MATHS = Path(__file__).parents[2] / "fixtures" / "maths"
PACKAGE = MATHS / "maths-2025.zip"
Vector = tuple[Fr, ...]


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, MATHS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def paper() -> Imported:
    return read_qti3(PACKAGE.read_bytes(), PACKAGE.name)


@pytest.fixture(scope="module")
def bank(paper: Imported) -> Mapping[str, Item]:
    return {item.id: item for item in paper.items}


# ---------------------------------------------------------------- small mathematics


def v(*xs: float | str | Fr) -> Vector:
    return tuple(Fr(x) for x in xs)


def sub(a: Vector, b: Vector) -> Vector:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def add(*vectors: Vector) -> Vector:
    return tuple(sum(xs, Fr(0)) for xs in zip(*vectors, strict=True))


def dot(a: Vector, b: Vector) -> Fr:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fr(0))


def cross(a: Vector, b: Vector) -> Vector:
    (a1, a2, a3), (b1, b2, b3) = a, b
    return (a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1)


def norm(a: Vector) -> float:
    return math.sqrt(dot(a, a))


def slope(f: Callable[[float], float], x: float) -> float:
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


def integral(f: Callable[[float], float], a: float, b: float, n: int = 2000) -> float:
    """Simpson's rule."""
    h = (b - a) / n
    inner = sum((4 if k % 2 else 2) * f(a + k * h) for k in range(1, n))
    return (f(a) + inner + f(b)) * h / 3


def close(a: float, b: float, epsilon: float = 1e-6) -> bool:
    return abs(a - b) < epsilon


def rounded(value: float, places: int) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def variance(groups: Sequence[tuple[int, int, int]]) -> Fr:
    """Of grouped data (from, to, count), by the middles of the groups."""
    total = sum(count for _, _, count in groups)
    middle = [(Fr(a + b, 2), count) for a, b, count in groups]
    mean = sum((m * count for m, count in middle), Fr(0)) / total
    return sum(((m - mean) ** 2 * count for m, count in middle), Fr(0)) / total


def first_quartile(groups: Sequence[tuple[int, int, int]]) -> Fr:
    place = Fr(sum(count for _, _, count in groups), 4)
    before = 0
    for a, b, count in groups:
        if before + count >= place:
            return a + (place - before) / count * (b - a)
        before += count
    raise AssertionError


def tuple_of(latex: str) -> Vector:
    """The coordinates in `…(1;-2;3)…`."""
    found = re.search(r"\(([^()]*;[^()]*)\)", latex)
    assert found is not None
    return v(*found[1].split(";"))


def number_of(latex: str) -> Fr:
    return Fr(latex.strip("$").replace("{,}", "."))


def table_of(item: Item) -> list[tuple[int, int, int]]:
    """(from, to, count) out of the item's table."""
    text = plain_text(item.stem)
    groups = re.findall(r"\[(\d+);(\d+)\)", text)
    counts = re.findall(r"\$(\d+)\$", text)[-len(groups) :]
    return [(int(a), int(b), int(n)) for (a, b), n in zip(groups, counts, strict=True)]


def chosen(item: Item, is_right: Callable[[str], bool]) -> None:
    """Exactly the key's option satisfies `is_right`."""
    assert isinstance(item.key, ChoiceKey)
    options = options_of(item.interaction)
    right = tuple(option.id for option in options if is_right(plain_text(option.content)))
    assert right == item.key.options


def judged(item: Item, *truths: bool) -> None:
    assert isinstance(item.key, ClusterKey)
    assert tuple(item.key.values.values()) == truths


def entered(item: Item, value: Decimal | int) -> None:
    assert isinstance(item.key, NumericKey)
    assert item.key.value == value


# ---------------------------------------------------------------- base form 1


def antiderivative(
    f: Callable[[float], float], options: Mapping[str, Callable[[float], float]]
) -> Callable[[str], bool]:
    return lambda text: all(close(slope(options[text], x), f(x), 1e-4) for x in (0.3, 1.7, 2.4))


def check_1_01(item: Item) -> None:
    options = {
        "$x^{3}+x^{2}+C$": lambda x: x**3 + x**2,
        "$6x+2+C$": lambda x: 6 * x + 2,
        "$3x^{3}+2x^{2}+C$": lambda x: 3 * x**3 + 2 * x**2,
        "$x^{3}+2x+C$": lambda x: x**3 + 2 * x,
    }
    chosen(item, antiderivative(lambda x: 3 * x**2 + 2 * x, options))


def check_1_02(item: Item) -> None:
    # From the figure itself: the y of an SVG grows downwards.
    svg = etree.fromstring(item.media[0].data)
    graph = svg.find(".//{*}polyline[@id='graph']")
    points = [tuple(map(float, p.split(","))) for p in graph.get("points").split()]
    dashed = svg.findall(".//{*}g[@stroke-dasharray]/{*}polyline")
    left, right = (float(line.get("points").split(",")[0]) for line in dashed)  # x = -1, x = 1
    unit = (right - left) / 2
    place = {
        "-\\infty": -math.inf,
        "+\\infty": math.inf,
        "-1": left,
        "1": right,
        "3": right + 2 * unit,
    }

    def rises(text: str) -> bool:
        a, b = (place[end] for end in text.strip("$()").split(";"))
        ys = [y for x, y in points if a <= x <= b]
        return all(y1 > y2 for y1, y2 in pairwise(ys))

    chosen(item, rises)


def check_1_03(item: Item) -> None:
    solves = {x for x in range(-20, 100) if x > 1 and math.log2(x - 1) < 3 - 1e-12}

    def same(text: str) -> bool:
        a, b = text.strip("$()").replace("\\infty", "1000").split(";")
        return {x for x in range(-20, 100) if int(a) < x < int(b)} == solves

    chosen(item, same)


def check_1_04(item: Item) -> None:
    chosen(item, lambda text: tuple_of(text) == sub(v(3, 0, -1), v(1, -2, 3)))


def check_1_05(item: Item) -> None:
    chosen(item, lambda text: cross(tuple_of(text), v(2, -1, 2)) == v(0, 0, 0))


def check_1_06(item: Item) -> None:
    chosen(item, lambda text: number_of(text) == 2 + 5)


def check_1_07(item: Item) -> None:
    limit = (2 * 1e9 - 1) / (1e9 + 3)
    chosen(item, lambda text: text.startswith("$y=") and text == f"$y={round(limit)}$")


def check_1_08(item: Item) -> None:
    groups = table_of(item)
    assert sum(count for _, _, count in groups) == 42
    chosen(item, lambda text: number_of(text) == groups[-1][1] - groups[0][0])


def check_1_09(item: Item) -> None:
    terms = [3 + 4 * k for k in range(10)]
    chosen(item, lambda text: number_of(text) == terms[9])


def check_1_10(item: Item) -> None:
    spheres = {
        "$(x-1)^{2}+(y+2)^{2}+z^{2}=9$": (v(1, -2, 0), 9),
        "$(x+1)^{2}+(y-2)^{2}+z^{2}=9$": (v(-1, 2, 0), 9),
        "$(x-1)^{2}+(y+2)^{2}+z^{2}=3$": (v(1, -2, 0), 3),
        "$(x+1)^{2}+(y-2)^{2}+z^{2}=3$": (v(-1, 2, 0), 3),
    }
    chosen(item, lambda text: spheres[text] == (v(1, -2, 0), 3**2))


def check_1_11(item: Item) -> None:
    chosen(item, lambda text: number_of(text) == Fr("0.2") / Fr("0.5"))


def check_1_12(item: Item) -> None:
    a, b, d, a1 = v(0, 0, 0), v(3, 1, 0), v(1, 4, 1), v(0, 2, 5)
    corner = {"A": a, "B": b, "D": d, "A'": a1, "C": add(b, d), "B'": add(b, a1),
              "D'": add(d, a1), "C'": add(b, d, a1)}  # fmt: skip

    def equal(text: str) -> bool:
        first, second = re.findall(r"[A-D]'?", re.sub(r"\\\w+", "", text))
        return sub(corner[second], corner[first]) == add(b, d, a1)

    chosen(item, equal)


def check_1_13(item: Item) -> None:
    def f(x: float) -> float:
        return (x * x - 3 * x + 3) / (x - 1)

    derivative = all(
        close(slope(f, x), (x * x - 2 * x) / (x - 1) ** 2, 1e-4) for x in (-2.0, 0.5, 3.0)
    )
    maximum_at_2 = f(2) > f(1.9) and f(2) > f(2.1)
    asymptote = close(f(1e6) - (1e6 - 2), 0, 1e-4) and close(f(-1e6) - (-1e6 - 2), 0, 1e-4)
    judged(item, True, derivative, maximum_at_2, asymptote)


def check_1_14(item: Item) -> None:
    def speed(t: float) -> float:
        return 18 - 1.5 * t

    path = all(close(integral(speed, 0, t), 18 * t - 0.75 * t * t) for t in (1, 5, 12))
    judged(
        item,
        speed(12) == 0,
        path,
        close(integral(speed, 0, 12), 216),
        close(integral(speed, 8, 12), 12),
    )


def check_1_15(item: Item) -> None:
    first, second = Fr("0.6"), Fr("0.4")
    bad = first * Fr("0.02") + second * Fr("0.05")
    judged(
        item,
        first == Fr("0.6"),
        Fr("0.05") == Fr("0.02"),
        bad == Fr("0.035"),
        second * Fr("0.05") / bad > Fr("0.6"),
    )


def check_1_16(item: Item) -> None:
    a, b = v(1, 2, 1), v(5, 10, 2)
    ab = sub(b, a)
    on_line = all(
        cross(sub(v(1 + 4 * t, 2 + 8 * t, 1 + t), a), ab) == v(0, 0, 0) for t in (-1, 0, 1, 2)
    )
    angle = math.degrees(math.asin(abs(ab[2]) / norm(ab)))
    judged(item, ab == v(6, 12, 3), on_line, norm(ab) == 9, angle > 10)


def check_1_17(item: Item) -> None:
    def profit(x: int) -> int:
        return -(x**3) + 27 * x**2 - 51 * x - 100

    best = max(range(1, 21), key=profit)
    assert profit(best) > 0
    entered(item, best)


def check_1_18(item: Item) -> None:
    least = min(a * a + 4 * 32 / a for a in (k / 1000 for k in range(100, 20000)))
    entered(item, rounded(least, 3))


def check_1_19(item: Item) -> None:
    b, d, s = v(3, 0, 0), v(0, 4, 0), v(0, 0, "3.2")
    normal = cross(sub(b, s), sub(d, s))
    entered(item, rounded(abs(dot(normal, s)) / norm(normal), 6))


def check_1_20(item: Item) -> None:
    area = integral(lambda x: abs(x - (x * x - 2 * x)), 0, 3) * 10 * 10
    entered(item, rounded(area, 4))


def check_1_21(item: Item) -> None:
    one, two = Fr(2, 6) * Fr(4, 10), Fr(4, 6) * Fr(7, 10)
    entered(item, rounded(float(two / (one + two)), 2))


def check_1_22(item: Item) -> None:
    groups = table_of(item)
    assert sum(count for _, _, count in groups) == 20
    entered(item, rounded(math.sqrt(variance(groups)), 1))


# ---------------------------------------------------------------- base form 2


def check_2_01(item: Item) -> None:
    options = {
        "$-\\sin x+e^{x}+C$": lambda x: -math.sin(x) + math.exp(x),
        "$\\sin x+e^{x}+C$": lambda x: math.sin(x) + math.exp(x),
        "$\\sin x-e^{x}+C$": lambda x: math.sin(x) - math.exp(x),
        "$-\\sin x-e^{x}+C$": lambda x: -math.sin(x) - math.exp(x),
    }
    chosen(item, antiderivative(lambda x: math.cos(x) + math.exp(x), options))


def check_2_02(item: Item) -> None:
    # From the figure: where the sign goes from + to -, the value in the bottom row.
    texts = [
        (float(t.get("x")), float(t.get("y")), t.text)
        for t in etree.fromstring(item.media[0].data).iterfind(".//{*}text")
    ]
    signs = sorted((x, t) for x, y, t in texts if 42 < y < 78 and t in "+−")
    (turn,) = [(x1 + x2) / 2 for (x1, s1), (x2, s2) in pairwise(signs) if (s1, s2) == ("+", "−")]
    value = next(t for x, y, t in texts if y > 78 and abs(x - turn) < 5)
    chosen(item, lambda text: text == f"${value}$")


def check_2_03(item: Item) -> None:
    solves = {x for x in range(-30, 30) if 2.0 ** (x - 1) <= 8}

    def same(text: str) -> bool:
        a, b = text.strip("$")[1:-1].replace("\\infty", "1000").split(";")
        closed_left, closed_right = text[1] == "[", text[-2] == "]"
        return {
            x
            for x in range(-30, 30)
            if (int(a) < x or (closed_left and x == int(a)))
            and (x < int(b) or (closed_right and x == int(b)))
        } == solves

    chosen(item, same)


def check_2_04(item: Item) -> None:
    chosen(item, lambda text: number_of(text) == dot(v(1, 2, -1), v(3, 0, 2)))


def check_2_05(item: Item) -> None:
    # Two points of the line: t = 0 and t = 1.
    direction = sub(v(3, -4, 4), v(1, -3, 0))
    chosen(item, lambda text: cross(tuple_of(text), direction) == v(0, 0, 0))


def check_2_06(item: Item) -> None:
    value = integral(lambda x: 2 * x + 1, 1, 2)
    chosen(item, lambda text: close(float(number_of(text)), value))


def check_2_07(item: Item) -> None:
    pole = Fr(4, 2)
    assert pole + 2 != 0
    chosen(item, lambda text: text == f"$x={pole}$")


def check_2_08(item: Item) -> None:
    groups = table_of(item)
    assert sum(count for _, _, count in groups) == 40
    chosen(item, lambda text: number_of(text) == first_quartile(groups))


def check_2_09(item: Item) -> None:
    chosen(item, lambda text: number_of(text) == 2 * 3**4)


def check_2_10(item: Item) -> None:
    def right(text: str) -> bool:
        radius = int(text.rsplit("R=", 1)[1].strip("$"))
        return tuple_of(text) == v(-1, 3, 2) and radius**2 == 16

    chosen(item, right)


def check_2_11(item: Item) -> None:
    chosen(item, lambda text: number_of(text) == Fr("0.3") * Fr("0.6"))


def check_2_12(item: Item) -> None:
    b, c, d = v(1, 0, 2), v(0, 3, 1), v(4, 1, 0)  # A is the origin
    g = tuple(x / 3 for x in add(b, c, d))

    def holds(text: str) -> bool:
        found = re.search(r"=(\d?)\\overrightarrow\{AG\}", text)
        assert found is not None
        return add(b, c, d) == tuple(int(found[1] or 1) * x for x in g)

    chosen(item, holds)


def check_2_13(item: Item) -> None:
    def f(x: float) -> float:
        return x**3 - 6 * x**2 + 9 * x + 1

    derivative = all(close(slope(f, x), 3 * x * x - 12 * x + 9, 1e-4) for x in (-1.0, 0.5, 2.5))
    rising = f(1.5) < f(2.5)
    largest = max(f(k / 1000) for k in range(4001)) == 5
    centre = all(close(f(2 + x) + f(2 - x), 2 * 3) for x in (0.5, 1.0, 3.0))
    judged(item, derivative, rising, largest, centre)


def check_2_14(item: Item) -> None:
    def volume(t: float) -> float:
        return 50 + integral(lambda s: 6 * s + 10, 0, t)

    formula = all(close(volume(t), 3 * t * t + 10 * t + 50) for t in (0.0, 2.0, 7.0))
    judged(
        item,
        formula,
        close(volume(5), 175),
        close(volume(5) - volume(0), 175),
        close(volume(12), 450),
    )


def check_2_15(item: Item) -> None:
    ill = Fr("0.04")
    positive = ill * Fr("0.95") + (1 - ill) * Fr("0.1")
    judged(
        item,
        1 - ill == Fr("0.96"),
        Fr("0.1") == Fr("0.9"),
        positive == Fr("0.134"),
        ill * Fr("0.95") / positive > Fr("0.5"),
    )


def check_2_16(item: Item) -> None:
    normal, a, foot = v(1, -2, 2), v(4, -1, 3), v(3, 1, 1)
    distance = abs(dot(normal, a) - 3) / Fr(norm(normal))
    projection = dot(normal, foot) == 3 and cross(sub(a, foot), normal) == v(0, 0, 0)
    judged(item, dot(normal, v(0, 0, 0)) == 3, distance == 9, projection, distance**2 == 9)


def check_2_17(item: Item) -> None:
    entered(item, min(range(1, 200), key=lambda x: Fr(x * x + 20 * x + 400, x)))


def check_2_18(item: Item) -> None:
    largest = max(Fr(k, 100) * (100 - 2 * Fr(k, 100)) for k in range(5001))
    entered(item, int(largest))
    assert largest == int(largest)


def check_2_19(item: Item) -> None:
    a1, b, b1, d1 = v(0, 0, 6), v(6, 0, 0), v(6, 0, 6), v(0, 6, 6)
    normal = cross(sub(b, a1), sub(d1, b1))
    entered(item, rounded(abs(dot(normal, sub(b1, a1))) / norm(normal), 2))


def check_2_20(item: Item) -> None:
    entered(item, rounded(math.pi * integral(lambda x: x + 1, 0, 6), 1))


def check_2_21(item: Item) -> None:
    balls = "w" * 6 + "y" * 4
    draws = [(i, j) for i, j in product(range(10), repeat=2) if i != j]
    second = [(i, j) for i, j in draws if balls[j] == "w"]
    both = [(i, j) for i, j in second if balls[i] == "w"]
    entered(item, rounded(len(both) / len(second), 2))


def check_2_22(item: Item) -> None:
    groups = table_of(item)
    assert sum(count for _, _, count in groups) == 30
    value = variance(groups)
    assert value == int(value)
    entered(item, int(value))


CHECKS = {
    f"toan-{name[6:].replace('_', '-')}": check
    for name, check in globals().items()
    if re.fullmatch(r"check_\d_\d\d", name)
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_key_is_right(name: str, bank: Mapping[str, Item]) -> None:
    CHECKS[name](bank[name])


def test_every_item_has_its_check(bank: Mapping[str, Item]) -> None:
    assert set(CHECKS) == set(bank)


# ---------------------------------------------------------------- the paper as a whole


def test_shape_is_that_of_2025(paper: Imported, bank: Mapping[str, Item]) -> None:
    assert paper.problems == ()
    assert [form.paper for form in paper.base_forms] == ["Toán", "Toán"]
    for form in paper.base_forms:
        kinds = [[bank[name].kind for name in part.items] for part in form.parts]
        assert kinds == [["single"] * 12, ["tf_cluster"] * 4, ["numeric"] * 6]
        assert sum(bank[name].points for name in form.items) == Decimal("10.00")
        assert form.minutes == 90
    stems = {plain_text(item.stem) for item in bank.values()}
    assert len(stems) == len(bank) == 44


def test_numeric_answers_fit_the_four_boxes(bank: Mapping[str, Item]) -> None:
    for item in bank.values():
        if isinstance(item.key, NumericKey):
            assert isinstance(item.interaction, NumericEntry)
            text = format(item.key.value, "f").replace(".", ",")
            assert len(text) <= item.interaction.max_length == 4
            assert set(text) <= set(item.interaction.allowed) == set("0123456789,-")


def test_paper_has_figures_and_tables(bank: Mapping[str, Item]) -> None:
    assert sum(bool(item.media) for item in bank.values()) >= 2
    assert sum("<table>" in item.stem for item in bank.values()) >= 2
    levels = {item.metadata.level for item in bank.values()}
    assert levels == {"N", "H", "V"}


def test_options_of_an_item_differ(bank: Mapping[str, Item]) -> None:
    for item in bank.values():
        words = [plain_text(option.content) for option in options_of(item.interaction)]
        assert len(set(words)) == len(words)


@pytest.mark.slow
def test_every_formula_can_be_drawn(bank: Mapping[str, Item]) -> None:
    fragments = [item.stem for item in bank.values()]
    fragments += [o.content for item in bank.values() for o in options_of(item.interaction)]
    formulas = {f for text in fragments for f in re.findall(r"<math.*?</math>", text, re.DOTALL)}
    assert len(formulas) > 150
    for formula in formulas:
        assert 'alttext="' in formula
        svg = etree.fromstring(ziamath.Math(formula).svg().encode())
        assert float(svg.get("width")) > 0


def test_package_is_what_the_source_makes() -> None:
    made = zipfile.ZipFile(io.BytesIO(_module("make_package").package()))
    kept = zipfile.ZipFile(PACKAGE)
    assert made.namelist() == kept.namelist()
    assert all(made.read(name) == kept.read(name) for name in kept.namelist())
    source = tomllib.loads((MATHS / "source.toml").read_text(encoding="utf-8"))
    assert len(source["form"]) == 2
