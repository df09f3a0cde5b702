"""Our own files with a few changes are read or refused in one line, and never anything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import readers
from fuzzing.readers import FILES, READERS
from fuzzing.target import FindingError, Target
from question_bank.interchange.problems import Imported
from tests.question_bank.item_builders import single

pytestmark = pytest.mark.slow

SCRIPTS = st.binary(max_size=31)


@settings(max_examples=60, deadline=None)
@given(SCRIPTS)
@pytest.mark.parametrize("target", READERS, ids=lambda target: target.name)
def test_a_changed_file_is_read_or_refused(target: Target, script: bytes) -> None:
    target.run(script)


@pytest.mark.parametrize("target", READERS, ids=lambda target: target.name)
def test_files_without_a_change_are_read(target: Target) -> None:
    assert all(target.run(bytes([place])) for place in range(60)), FILES[target.name]


@pytest.mark.parametrize("target", READERS, ids=lambda target: target.name)
def test_a_reader_that_crashes_is_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(*_: object) -> None:
        raise KeyError("missing")

    monkeypatch.setattr(readers, "read_any", crashes)
    with pytest.raises(KeyError):
        target.run(b"")


@pytest.mark.parametrize("target", READERS, ids=lambda target: target.name)
def test_items_of_one_id_are_found(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = Imported((single(), single()))
    monkeypatch.setattr(readers, "read_any", lambda *_: twice)
    with pytest.raises(FindingError, match="one id"):
        target.run(b"")
