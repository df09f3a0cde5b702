"""Who waits for the reading of files does not hold what answers others."""

import threading

import pytest

from exam_server.items import apart, reading_apart
from exam_server.items.problem_words import translated
from exam_server.items.reading_apart import NotReadError, read_apart

pytestmark = pytest.mark.slow

GIFT = b"::q:: x {=a ~b}"


def test_a_third_file_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_apart, "_turns", threading.BoundedSemaphore(2))
    monkeypatch.setattr(reading_apart, "PATIENCE", 0.01)
    turns = [reading_apart._turn(name) for name in ("a", "b")]
    for turn in turns:
        turn.__enter__()
    with pytest.raises(NotReadError, match="try again") as caught:
        read_apart(GIFT, "a.gift", "c")
    for turn in turns:
        turn.__exit__(None, None, None)
    assert translated(str(caught.value))
    assert len(read_apart(GIFT, "a.gift", "c").items) == 1


def test_a_writer_reads_one_file_at_a_time() -> None:
    with reading_apart._turn("a"):
        with pytest.raises(NotReadError, match="another file of yours") as caught:
            read_apart(GIFT, "a.gift", "a")
        assert len(read_apart(GIFT, "a.gift", "b").items) == 1
    assert translated(str(caught.value))
    assert len(read_apart(GIFT, "a.gift", "a").items) == 1


@pytest.mark.parametrize("error", [apart.TooMuchError, apart.BrokenOffError, apart.StoppedError])
def test_a_file_that_cannot_be_read_to_its_end_is_told_why(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def ends(*_: object, **__: object) -> bytes:
        raise error("the server stops; try again")

    monkeypatch.setattr(apart, "run", ends)
    with pytest.raises(NotReadError) as caught:
        read_apart(GIFT, "a.gift", "a")
    assert translated(str(caught.value))
