"""Writes docs/conformance.md: the test plan for inspection systems, case by case.

The tables are in tests/conformance, one for each layer; a test compares the page with them, and
them with the plan's contents and with the tests that exist.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
TABLES = tuple(ROOT / "tests" / "conformance" / f"layer{number}.toml" for number in (6, 7))


class Status(StrEnum):
    PASSED = "passed"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_OBTAINABLE = "not_obtainable"


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: `test` is the pytest id that passes it, `reason` says why there is none.

    `rule` is ours, where the case leaves one open or our default policy is milder than the plan.
    """

    id: str
    what: str
    status: Status
    test: str = ""
    reason: str = ""
    icao: str = ""
    rule: str = ""

    @property
    def unit(self) -> str:
        return self.id.rpartition("_")[0]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the plan, and how many cases its contents list."""

    title: str
    cases: int


PLAN: Mapping[str, Unit] = {
    "ISO7816_A": Unit("Application selection", 3),
    "ISO7816_B": Unit("Basic access control, secure messaging", 10),
    "ISO7816_C": Unit("Reading files", 8),
    "ISO7816_D": Unit("Chip authentication", 15),
    "ISO7816_E": Unit("Terminal authentication", 38),
    "ISO7816_F": Unit("Active authentication", 9),
    "ISO7816_G": Unit("PACE", 41),
    "LDS_A": Unit("EF.COM", 10),
    "LDS_B": Unit("EF.DG1", 28),
    "LDS_C": Unit("EF.DG2", 28),
    "LDS_D": Unit("EF.DG3", 16),
    "LDS_E": Unit("EF.DG4", 14),
    "LDS_F": Unit("EF.DG14", 7),
    "LDS_G": Unit("EF.CVCA", 2),
    "LDS_H": Unit("EF.SOD", 98),
    "LDS_I": Unit("EF.DG15", 3),
    "LDS_J": Unit("EF.CardSecurity", 4),
    "LDS_K": Unit("EF.ATR/INFO", 4),
}
OUT_OF_SCOPE_UNITS = frozenset({"ISO7816_E", "LDS_D", "LDS_E", "LDS_G"})

HEAD = """# Conformance

BSI TR-03105 part 5.1, version 1.5, is a test plan for inspection systems: what a reader must do
with good documents, and with documents that break the rules. This page lists every test case of its
layers 6 (protocols) and 7 (data), each with the test that passes it, or why there is none. The
tests lay simulated cards into a virtual reader of a real pcscd and inspect them through PC/SC; each
states the whole outcome: the protocol used, the verdict and its reasons, or why reading ended.

Version 1.5 refers for most cases to ICAO's plan (part 4) and keeps their titles alone. What a case
wants is then taken from its title and from ICAO 9303; the wording here is our own. Run them with
`pytest tests/conformance`.

Genuine documents depart from the standards in form, and by default they are read all the same: a
verdict rests on signatures. The plan wants such documents refused, which a strict policy does
(`Policy.strict`); layer 7 is run under it. Where the two differ, the case states our rule and its
test asserts both.

This page is written by `scripts/conformance_page.py` from `tests/conformance/layer6.toml` and
`layer7.toml`.
"""


def cases() -> tuple[Case, ...]:
    """The cases of both tables, in their order; ValueError for a row that says too little."""
    return tuple(case for table in TABLES for case in _read(table))


def planned() -> tuple[str, ...]:
    """The ids of the plan's contents."""
    return tuple(
        f"{name}_{number:02}" for name, unit in PLAN.items() for number in range(1, unit.cases + 1)
    )


def page() -> str:
    """The whole page."""
    found = cases()
    units = [_unit(name, [case for case in found if case.unit == name]) for name in PLAN]
    return "".join([HEAD, _counts(found), *units])


def _read(table: Path) -> list[Case]:
    rows = tomllib.loads(table.read_text("utf-8"))["case"]
    return [_case(row) for row in rows]


def _case(row: Mapping[str, str]) -> Case:
    status = Status(row.get("status", Status.PASSED))
    case = Case(status=status, **{key: text for key, text in row.items() if key != "status"})
    named = case.test if status is Status.PASSED else case.reason
    if not named or (case.test and case.reason):
        raise ValueError(f"{case.id} has either a test or a status and its reason")
    return case


def _counts(found: Sequence[Case]) -> str:
    total = sum(unit.cases for unit in PLAN.values())
    scope = total - sum(PLAN[name].cases for name in OUT_OF_SCOPE_UNITS)
    counted = Counter((case.unit, case.status) for case in found)
    in_scope = [case for case in found if case.unit not in OUT_OF_SCOPE_UNITS]
    gone = sum(case.status is Status.OUT_OF_SCOPE for case in in_scope)
    head = (
        f"\n## Counts\n\nThe contents list {total} cases. Without terminal authentication, EF.DG3,"
        f" EF.DG4 and EF.CVCA\nthey are {scope}; {gone} of those have a number and no content"
        f" any more, which leaves {scope - gone} to pass.\n"
    )
    rows = [
        (f"[{name}](#{name.lower()})", unit.title, unit.cases, *_of(counted, [name]))
        for name, unit in PLAN.items()
    ]
    rows.append(("all", "", total, *_of(counted, PLAN)))
    lines = ["", "| unit | about | cases | passed | out of scope | not obtainable |"]
    lines += ["|---|---|--:|--:|--:|--:|", *(_row(map(str, row)) for row in rows)]
    return head + "\n".join(lines) + "\n"


def _of(counted: Mapping[tuple[str, Status], int], units: Iterable[str]) -> list[int]:
    names = list(units)
    return [sum(counted.get((name, status), 0) for name in names) for status in Status]


def _unit(name: str, found: Iterable[Case]) -> str:
    title = f"\n## {name}\n\n{PLAN[name].title}.\n\n"
    lines = ["| case | ICAO | what is tested | result | test, or why there is none |"]
    lines += ["|---|---|---|---|---|", *(_row(_columns(case)) for case in found)]
    return title + "\n".join(lines) + "\n"


def _columns(case: Case) -> tuple[str, ...]:
    shown = f"`{case.test.removeprefix('tests/conformance/')}`" if case.test else case.reason
    result = case.status.value.replace("_", " ")
    what = f"{case.what}; our rule: {case.rule}" if case.rule else case.what
    return case.id, case.icao, what, result, shown


def _row(columns: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("|", "/") for text in columns) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
