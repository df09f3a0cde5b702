"""Sounds on the kiosk: played on a device that keeps time, counted by the journal, and refused."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import miniaudio
import numpy as np
import pytest
import soundfile
from kiosk_stage import PATIENCE, START, Kiosk, options, paper_of, shown_window
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from exam_server.contract.records import Heard
from exam_station.flow import events, screens
from exam_station.flow.states import State
from exam_station.loudspeaker import Loudspeaker
from exam_station.ui.sound_player import SoundPlayer, SoundShelf
from exam_station.ui.window import KioskWindow
from question_bank.item import Media
from question_bank.package import PresentedChoice, PresentedForm

pytestmark = pytest.mark.slow

LEFT = Qt.MouseButton.LeftButton
TONES = (Path(__file__).parents[2] / "fixtures" / "sound" / "tones.ogg").read_bytes()
NULL = Loudspeaker((miniaudio.Backend.NULL,))
LENGTH = 1500


def silence(seconds: int) -> bytes:
    """A sound that is not over while a busy machine looks elsewhere (WAV)."""
    target = BytesIO()
    soundfile.write(target, np.zeros(8_000 * seconds), 8_000, format="WAV", subtype="PCM_16")
    return target.getvalue()


@pytest.fixture
def window(qtbot: QtBot) -> KioskWindow:
    return shown_window(qtbot, loudspeaker=NULL)


def soon(qtbot: QtBot, done: Callable[[], bool]) -> None:
    qtbot.waitUntil(done, timeout=PATIENCE)


def listening(plays: int, *, beside: bool = False, data: bytes = TONES) -> PresentedForm:
    heard = f'<audio data-plays="{plays}" src="media:nghe" title="Đoạn 1"/>'
    heard = heard if plays else '<audio src="media:nghe" title="Đoạn 1"/>'
    stem = "<p>Chọn.</p>" if beside else f"<p>Nghe rồi chọn.</p>{heard}"
    choice = PresentedChoice("single", options("một", "hai"))
    form = paper_of(choice, choice, stem=stem, stimulus=f"<p>Bài.</p>{heard}" if beside else "")
    if not beside:
        other = replace(form.items[1], stem="<p>Không nghe.</p>")
        part = replace(form.parts[0], items=(form.items[0], other))
        form = replace(form, parts=(part,))
    return replace(form, media=(*form.media, sound_of(data)))


def sound_of(data: bytes) -> Media:
    return Media("nghe", "audio/ogg" if data == TONES else "audio/wav", data)


def player(kiosk: Kiosk) -> SoundPlayer:
    found = kiosk.find("sound-player")
    assert isinstance(found, SoundPlayer)
    return found


def button(kiosk: Kiosk) -> QPushButton:
    found = kiosk.find("sound-play")
    assert isinstance(found, QPushButton)
    return found


def said(kiosk: Kiosk, name: str) -> str:
    found = kiosk.find(name)
    assert isinstance(found, QLabel)
    return found.text()


def press(kiosk: Kiosk) -> None:
    QTest.mouseClick(button(kiosk), LEFT)


def heard(kiosk: Kiosk) -> tuple[int, int] | None:
    told = kiosk.sitting.heard.get("nghe")
    return None if told is None else (told.play, told.at)


def play_to_the_end(kiosk: Kiosk, qtbot: QtBot) -> None:
    with qtbot.waitSignal(player(kiosk).began, timeout=PATIENCE):
        press(kiosk)
    soon(qtbot, lambda: not player(kiosk).is_playing)


def test_a_sound_is_heard_as_often_as_one_likes(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(0, data=silence(5)))
    assert said(kiosk, "sound-time") == "0:00 / 0:05" and button(kiosk).text() == "Nghe"
    play_to_the_end(kiosk, qtbot)
    assert (said(kiosk, "sound-time"), button(kiosk).text()) == ("0:05 / 0:05", "Nghe lại")
    press(kiosk)
    assert player(kiosk).is_playing and button(kiosk).text() == "Tạm dừng"
    press(kiosk)
    assert not player(kiosk).is_playing and kiosk.sitting.heard == {}


def test_it_is_played_and_paused_by_the_keyboard(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(0, data=silence(60)))
    button(kiosk).setFocus()
    QTest.keyClick(button(kiosk), Qt.Key.Key_Space)
    soon(qtbot, lambda: player(kiosk).is_playing)
    QTest.keyClick(button(kiosk), Qt.Key.Key_Space)
    assert not player(kiosk).is_playing
    rail = kiosk.find("sound-rail")
    rail.setFocus()
    QTest.keyClick(rail, Qt.Key.Key_End)
    assert said(kiosk, "sound-time") == "1:00 / 1:00"
    before = NULL.volume
    louder = kiosk.find("sound-louder")
    QTest.keyClick(louder, Qt.Key.Key_Space)
    assert pytest.approx(before + 0.1) == NULL.volume and "90 %" in said(kiosk, "sound-volume")
    NULL.volume = before


def test_the_tab_key_goes_through_the_player_to_the_answers(kiosk: Kiosk) -> None:
    kiosk.begin(listening(0))
    button(kiosk).setFocus()
    passed = []
    for _ in range(5):
        QTest.keyClick(kiosk.window.focusWidget(), Qt.Key.Key_Tab)
        passed.append(kiosk.window.focusWidget().objectName())
    assert passed[:3] == ["sound-rail", "sound-softer", "sound-louder"]
    assert passed[3].startswith("option")


def test_plays_are_counted_and_there_are_no_more(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(2))
    assert "2" in said(kiosk, "sound-left") and not kiosk.find("sound-rail").isEnabled()
    play_to_the_end(kiosk, qtbot)
    soon(qtbot, lambda: heard(kiosk) == (1, LENGTH))
    play_to_the_end(kiosk, qtbot)
    soon(qtbot, lambda: heard(kiosk) == (2, LENGTH))
    soon(qtbot, lambda: not button(kiosk).isEnabled())
    assert said(kiosk, "sound-left") == "Đã hết số lần được nghe."
    player(kiosk).press()
    assert not player(kiosk).is_playing and heard(kiosk) == (2, LENGTH)


def test_a_crash_or_another_seat_gives_no_further_play(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(1, data=silence(5)))
    press(kiosk)
    soon(qtbot, lambda: heard(kiosk) == (1, 0))
    soon(qtbot, lambda: player(kiosk)._at > 400)
    press(kiosk)  # paused: where it is stands in the journal
    soon(qtbot, lambda: (heard(kiosk) or (0, 0))[1] > 400)
    place = heard(kiosk)
    kiosk.restart()
    assert heard(kiosk) == place and button(kiosk).text() == "Nghe tiếp"
    play_to_the_end(kiosk, qtbot)
    soon(qtbot, lambda: heard(kiosk) == (1, 5_000))
    kiosk.restart()
    assert not button(kiosk).isEnabled()


def test_a_play_begins_only_when_it_stands_in_the_journal(kiosk: Kiosk, qtbot: QtBot) -> None:
    """The disk is full: the flow does not follow, and nothing is to be heard."""
    kiosk.begin(listening(1))
    kiosk.window.acted.disconnect()
    press(kiosk)
    qtbot.wait(200)
    assert not player(kiosk).is_playing and heard(kiosk) is None


def test_leaving_the_item_stops_it_and_says_where(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(1, data=silence(60)))
    press(kiosk)
    former = player(kiosk)
    soon(qtbot, lambda: former._at > 300)
    kiosk.act(events.UserWentTo("i2"))
    soon(qtbot, lambda: (heard(kiosk) or (0, 0))[1] > 300)
    kiosk.act(events.UserWentTo("i1"))
    assert button(kiosk).text() == "Nghe tiếp"


def test_a_passage_plays_on_from_item_to_item(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.begin(listening(1, beside=True, data=silence(60)))
    press(kiosk)
    soon(qtbot, lambda: player(kiosk).is_playing)
    kiosk.act(events.UserWentTo("i2"))
    assert player(kiosk).is_playing


@pytest.mark.parametrize("away", ["paused", "asked"])
def test_what_covers_the_paper_stops_it(kiosk: Kiosk, qtbot: QtBot, away: str) -> None:
    kiosk.begin(listening(1, data=silence(60)))
    press(kiosk)
    shown = player(kiosk)
    soon(qtbot, lambda: shown.is_playing)
    screen = kiosk.state.screen
    assert isinstance(screen, screens.Writing)
    cover = screens.Paused(screen) if away == "paused" else screens.ConfirmSubmit(screen)
    kiosk.show(replace(kiosk.state, screen=cover))
    assert not shown.is_playing


def test_without_a_device_it_is_said_and_nothing_is_lost(
    qtbot: QtBot, writing: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = shown_window(qtbot, loudspeaker=Loudspeaker((miniaudio.Backend.JACK,)))
    kiosk = Kiosk(shown, writing)
    kiosk.begin(listening(1))
    press(kiosk)
    soon(qtbot, lambda: kiosk.state.sound_failed)
    assert kiosk.find("sound-failed").isVisible()
    assert heard(kiosk) == (1, 0) and button(kiosk).isEnabled()
    monkeypatch.setattr(shown._look.loudspeaker, "backends", NULL.backends)
    play_to_the_end(kiosk, qtbot)
    soon(qtbot, lambda: heard(kiosk) == (1, LENGTH))
    assert not kiosk.state.sound_failed
    assert not [w for w in shown.findChildren(QLabel, "sound-failed") if w.isVisible()]


def test_what_cannot_be_decoded_is_said(kiosk: Kiosk) -> None:
    form = listening(1)
    spoilt = (*form.media[:-1], Media("nghe", "audio/ogg", b"OggS"))
    kiosk.begin(replace(form, media=spoilt))
    assert kiosk.find("sound-failed").isVisible() and not button(kiosk).isEnabled()


def test_a_headset_is_tried_in_the_waiting_room(
    kiosk: Kiosk, qtbot: QtBot, candidate: screens.Candidate
) -> None:
    shift = screens.Shift("Thi thử", "Ca 1", START)
    waiting = screens.Waiting(candidate, shift, "a1", conditional=False)
    kiosk.show(replace(kiosk.state, screen=waiting, sound_failed=True))
    QTest.mouseClick(kiosk.find("sound-check"), LEFT)
    soon(qtbot, lambda: not kiosk.state.sound_failed)
    assert "ba nốt nhạc" in said(kiosk, "sound-check-said")


def test_the_same_sound_goes_on_in_another_player_where_the_first_was_stopped(
    kiosk: Kiosk, qtbot: QtBot
) -> None:
    kiosk.begin(listening(0, data=silence(60)))
    shelf, told = SoundShelf(player(kiosk)._look, kiosk.window), list[tuple[int, int]]()
    shelf.heard.connect(lambda _sound, play, at: told.append((play, at)))
    media = sound_of(silence(60))
    first, second = (shelf.player(media, plays=2, title="") for _ in range(2))
    for one in (first, second):
        qtbot.addWidget(one)
    shelf.agree({"nghe": Heard("nghe", 1, 0)})
    first.press()
    soon(qtbot, lambda: first._at > 300)
    second.press()
    assert not first.is_playing and told == [(1, first._at)]
    assert second.is_playing and second._begun == first._at > 300
    second.pause()
    assert [at for _, at in told] == sorted(at for _, at in told)
    shelf.agree({"nghe": Heard("nghe", 2, 0)})
    assert first._at == second._at == 0, "the next play begins at the start"
