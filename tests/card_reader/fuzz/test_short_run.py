"""The short run of the fuzzer, and that it finds what it is there to find."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_reader import examination
from card_reader.errors import MalformedFileError
from card_reader.report import DataGroup
from card_reader.trust import passive_authentication
from fuzzing import corpus, findings, memory
from fuzzing.__main__ import SHORT_CASES
from fuzzing.forgeries import FORGERIES
from fuzzing.search import Account, search
from fuzzing.target import FindingError, Target
from fuzzing.targets import GROUPS, TARGETS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CHANGED = 2  # of the deeds of fuzzing.forgeries
FORGED_FILES, FORGED_MESSAGE = TARGETS["forged_files"], TARGETS["forged_message"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Findings that a test plants are no findings of the project."""
    monkeypatch.setattr(findings, "ROOT", tmp_path)
    monkeypatch.setattr(findings, "FOLDER", tmp_path / "findings")
    yield tmp_path / "findings"


@pytest.mark.slow
def test_short_run() -> None:
    """Every target, each case right, and never 64 MB above idle; the same cases each time."""
    command = [sys.executable, "-m", "fuzzing", "--short"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((ROOT / "build" / "bench" / "fuzz.json").read_text())
    job = report["details"]["jobs"]["hypothesis"]
    assert set(job["targets"]) == set(TARGETS)
    assert report["value"] >= SHORT_CASES * len(TARGETS)
    assert job["above_idle_mb"] * 1024 * 1024 <= memory.MAX_ABOVE_IDLE
    last = ended.stdout.splitlines()[-1]
    assert last.startswith(f"fuzz {report['value']} cases in ") and last.endswith(" 0 findings")


def test_every_target_has_cases_that_are_accepted() -> None:
    """Seeds that are refused would fuzz the first check of a parser and nothing behind it."""
    for target in (*GROUPS["parsers"], *FORGERIES):
        assert target.script or any(target.run(seed) for seed in target.seeds()), target.name


def found_in(target: Target, cases: int = 300, *, shrink: bool = False) -> list[dict[str, str]]:
    account = Account()
    search(target, cases, 1, account, shrink=shrink)
    return account.findings


def test_an_exception_is_found_and_its_smallest_case_kept(own_folder: Path) -> None:
    def parse(raw: bytes) -> None:
        if not raw.startswith(b"\x6d"):
            raise MalformedFileError("no EF.DG13")
        if b"\xff" in raw:
            raise IndexError("planted")

    planted = Target("planted", parse, TARGETS["EF.DG13"].seeds)
    [finding] = found_in(planted, shrink=True)
    assert finding["what"] == "IndexError: planted"
    [kept] = own_folder.iterdir()
    case = kept.read_bytes()
    assert case.startswith(b"\x6d") and b"\xff" in case
    with pytest.raises(IndexError):
        planted.run(case)


def test_a_long_case_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzzing.target.MAX_SECONDS", 0.0)
    with pytest.raises(FindingError, match="longer than"):
        TARGETS["EF.DG13"].run(TARGETS["EF.DG13"].seeds()[0])


def test_hashes_that_are_not_compared_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(raw: bytes | None, expected: bytes | None, hash_name: str | None) -> DataGroup:
        return DataGroup.NOT_READ if raw is None else DataGroup.MATCH

    monkeypatch.setattr(examination, "_state", trusting)
    [finding] = found_in(FORGED_FILES)
    assert "changed files are authentic" in finding["what"]


def test_a_signature_that_is_not_checked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bit turned in EF.SOD, anywhere: somewhere in it the hashes stand."""
    monkeypatch.setattr(passive_authentication, "check_signature", lambda *_: None)
    monkeypatch.setattr(examination, "_state", lambda *_: DataGroup.NOT_READ)
    sod = list(corpus.originals()[0].evidence.files).index("EF.SOD")
    with pytest.raises(FindingError, match="changed files are authentic"):
        for share in range(0, 256, 4):
            FORGED_FILES.run(bytes([0, sod, CHANGED, 0, share, 0, 0, 0]))


def test_a_mac_that_is_not_compared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)
    [finding] = found_in(FORGED_MESSAGE)
    assert "a changed response is authentic" in finding["what"]
