"""The fault harness: a short run loses nothing, and what ought to be lost is found.

The last four tests are the harness's proof of itself: with flushing off on either side, or with
the acknowledgement before the commit, it must report a loss.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from faults import shim
from faults.__main__ import conditions
from faults.episode import play
from faults.kinds import Kind, deal, kinds_for, schedule
from faults.site import Conditions
from faults.world import Setting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]

SEED = "20261128"
KILLS = [Kind.KIOSK_KILLED, Kind.SERVER_KILLED]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shim.build(tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("postgres", [False, True], ids=["sqlite", "postgresql"])
def test_a_short_run_with_every_kind_of_fault_loses_nothing(
    library: Path, tmp_path: Path, postgres: bool
) -> None:
    conditions = Conditions(postgres=postgres, several=postgres)
    setting = Setting(tmp_path / "run", library, conditions, SEED)
    kinds = kinds_for(several=postgres)
    outcome = play(setting, schedule(len(kinds), random.Random(SEED), several=postgres))
    assert {kind for kind in kinds if outcome.fired[kind] == 0} == set()
    assert outcome.verdict.findings == {}
    assert outcome.verdict.lost == 0
    assert outcome.verdict.promised > 0
    assert outcome.receipts == outcome.candidates > setting.groups * setting.members


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "both"])
@pytest.mark.parametrize("count", [19, 100, 1000])
def test_each_kind_falls_on_episodes_where_it_can_happen_and_often_enough(
    database: str, count: int
) -> None:
    rng = random.Random(SEED)
    several = [site.several for site in conditions(database, count, rng)]
    hands = deal(schedule(count, rng, several=any(several)), several, rng)
    met = Counter(kind for hand in hands for kind in hand)
    assert met.total() == count
    assert all(met[kind] >= count // 20 for kind in kinds_for(several=any(several)))
    for hand, has_several in zip(hands, several, strict=True):
        assert set(hand) <= set(kinds_for(several=has_several))
    assert max(map(len, hands)) - min(map(len, hands)) <= 1 or database == "both"


def test_flushing_off_at_the_stations_is_found(library: Path, tmp_path: Path) -> None:
    setting = Setting(tmp_path / "run", library, Conditions(), SEED, stations_lying=True, groups=1)
    outcome = play(setting, [Kind.KIOSK_KILLED] * 2)
    assert outcome.verdict.lost > 0


@pytest.mark.parametrize("postgres", [False, True], ids=["sqlite", "postgresql"])
def test_flushing_off_at_the_server_is_found(library: Path, tmp_path: Path, postgres: bool) -> None:
    conditions = Conditions(postgres=postgres, lying=True)
    outcome = play(
        Setting(tmp_path / "run", library, conditions, SEED, groups=1), [Kind.SERVER_KILLED]
    )
    assert outcome.verdict.lost > 0


def test_an_acknowledgement_before_the_commit_is_found(library: Path, tmp_path: Path) -> None:
    setting = Setting(tmp_path / "run", library, Conditions(sabotage="early"), SEED, groups=1)
    outcome = play(setting, [Kind.SERVER_KILLED] * 3)
    assert outcome.verdict.lost > 0


def test_late_records_that_the_server_drops_are_found(library: Path, tmp_path: Path) -> None:
    conditions = Conditions(sabotage="dropping")
    setting = Setting(tmp_path / "run", library, conditions, SEED, groups=2, quiet=5.0)
    outcome = play(setting, [Kind.MOVED] * 4)
    assert set(outcome.verdict.findings) == {"shown_not_kept", "journal_not_kept"}
    assert outcome.verdict.lost > 0
