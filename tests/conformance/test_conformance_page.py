"""docs/conformance.md says what the tables say, and the tables say nothing that is not so."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "conformance_page.py"
    spec = importlib.util.spec_from_file_location("conformance_page", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tables_say(script: ModuleType) -> None:
    written = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    assert written == script.page(), "run scripts/conformance_page.py"


def test_every_case_of_the_plan_is_listed_once(script: ModuleType) -> None:
    assert [case.id for case in script.cases()] == list(script.planned())
    assert len(script.planned()) == 338


def test_only_what_the_plan_sets_aside_is_out_of_scope(script: ModuleType) -> None:
    """Whole units, and cases that were taken out of the plan."""
    aside = [case for case in script.cases() if case.status == "out_of_scope"]
    others = [case for case in aside if case.unit not in script.OUT_OF_SCOPE_UNITS]
    assert all(case.reason.startswith("Taken out of the plan") for case in others)
    passed = {case.unit for case in script.cases() if case.status == "passed"}
    assert not passed & script.OUT_OF_SCOPE_UNITS


@pytest.mark.slow
def test_every_test_that_a_case_names_is_there(script: ModuleType) -> None:
    named = [case.test for case in script.cases() if case.test]
    files = sorted({test.partition("::")[0] for test in named})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    collected |= set(done.stdout.splitlines())
    assert [test for test in named if test not in collected] == []
    assert len(set(named)) == len(named), "two cases name the same test"
