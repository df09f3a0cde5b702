"""Every screen in both languages, the bar above, and the candidate's choices."""

import sys
import threading
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from kiosk_stage import START, Kiosk
from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame, QLabel
from pytestqt.qtbot import QtBot

from exam_server.contract.api import FaceRecord
from exam_server.contract.receipt import Receipt
from exam_station.app import log_what_nobody_caught
from exam_station.flow import codes, events, screens, states
from exam_station.flow.codes import Language
from exam_station.flow.states import State
from exam_station.sitting import Sitting
from exam_station.ui.screens.all_screens import VIEWS
from exam_station.ui.screens.face import FaceView
from exam_station.ui.screens.navigator import Navigator
from exam_station.ui.screens.no_shift import NoShiftView
from exam_station.ui.screens.reading import PHASES, phase_of
from exam_station.ui.theme import TextSize
from exam_station.ui.window import KioskWindow
from question_bank.package import SEQUENTIAL

LEFT = Qt.MouseButton.LeftButton
PERSON = screens.Candidate("p1", "01000123", "Nguyễn An", date(2008, 9, 2), "Toán", 90)
PLACE = screens.Place("Điểm thi 1", "101", "05")
SHIFT = screens.Shift("Kỳ thi thử", "Ca 1", START)
READING = screens.CardReading("c", b"", b"", None, "authentic")
FRAME = screens.Frame(4, 3, bytes(36))
PORTRAIT = (Path(__file__).parents[2] / "fixtures" / "portrait" / "portrait.jpg").read_bytes()
RECEIPT = Receipt("a1", "test", "01000123", "Toán", "0101", 9, bytes(range(32)), 4, START)
RECORD = FaceRecord(
    decision="refer", score=0.4, accept_threshold=0.38, refer_threshold=0.5,
    fusion="mean_of_three_four_views", model="m", frames=3, attempts=1,
)  # fmt: skip


def every_screen(writing: State) -> dict[str, screens.Screen]:
    """At least one state of every screen."""
    paper = writing.screen
    assert isinstance(paper, screens.Writing)
    result = screens.FaceResult(RECORD)
    found: list[screens.Screen] = [
        screens.Starting(),
        screens.OutOfOrder(tuple(codes.Problem)),
        screens.NoShift(PLACE),
        screens.NoShift(PLACE, SHIFT),
        screens.Welcome(PLACE, SHIFT, PERSON),
        screens.Welcome(PLACE, SHIFT, None),
        screens.Reading(PERSON),
        screens.Reading(PERSON, "EF.DG2", 4, 9),
        screens.Reading(PERSON, "EF.DG13", 5, 9, PORTRAIT),
        screens.Reading(PERSON, "EF.DG2", 4, 9, slipped=True),
        *(screens.CardProblem(PERSON, reason) for reason in codes.CardTrouble),
        screens.CardRefused(PERSON, ("data_group_mismatch", "unheard_of")),
        screens.Consent(PERSON, READING),
        screens.Face(PERSON, READING),
        screens.Face(PERSON, READING, FRAME, "ok", 2),
        screens.CheckingIn(PERSON, READING, True, result),
        screens.CheckingIn(PERSON, READING, True, result, retry_at=3.0),
        screens.RoomCodeAsked(PERSON),
        screens.RoomCodeAsked(PERSON, checking=True),
        screens.RoomCodeAsked(PERSON, wrong=True),
        screens.ProctorConfirms(PERSON, READING, True, result),
        screens.ProctorConfirms(PERSON, None, False, None, storing=True),
        screens.StartCodeAsked(screens.Waiting(PERSON, SHIFT, "a1", conditional=False)),
        screens.StartCodeAsked(screens.Waiting(PERSON, SHIFT, "a1", False), wrong=(2, 5)),
        screens.StartCodeAsked(screens.Waiting(PERSON, SHIFT, "a1", False), refused=True),
        screens.Referred(PERSON, "k", ("face_referred",)),
        screens.Waiting(PERSON, SHIFT, "a1", conditional=False),
        screens.Waiting(PERSON, SHIFT, "a1", conditional=True, retry_at=3.0),
        screens.Opening(PERSON, "a1", retry_at=3.0),
        paper,
        screens.ConfirmSubmit(paper),
        screens.Paused(paper),
        screens.TimeUp(paper),
        screens.TimeUp(paper, "AAAA-BBBB"),
        screens.Submitting(PERSON, "a1", "time", "AAAA-BBBB", 3.0),
        screens.Submitting(PERSON, "a1", "candidate"),
        screens.ReceiptShown(PERSON, RECEIPT),
        *(screens.Notice(code, PERSON, "a1", retry=True) for code in codes.NoticeCode),
        screens.Notice(codes.NoticeCode.SERVER_REFUSES),
    ]
    return {f"{number}-{type(screen).__name__}": screen for number, screen in enumerate(found)}


def words(window: KioskWindow) -> str:
    QApplication.processEvents()
    labels = [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    return "\n".join(labels)


def shown(window: KioskWindow, state: State) -> str:
    window.render(state)
    window.grab()
    return words(window)


@pytest.mark.slow
@pytest.mark.parametrize("language", list(Language))
def test_every_screen_draws_without_a_warning(
    window: KioskWindow, writing: State, language: Language
) -> None:
    for name, screen in every_screen(writing).items():
        status = replace(writing.status, language=language)
        text = shown(window, replace(writing, screen=screen, status=status))
        assert text, name
        assert "{" not in text, name


def test_every_state_of_the_flow_has_a_screen(writing: State) -> None:
    assert {type(screen) for screen in every_screen(writing).values()} == set(VIEWS)
    assert set(VIEWS) == set(screens.Screen.__args__)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1024, 768)])
def test_nothing_is_wider_than_the_window(
    window: KioskWindow, writing: State, size: tuple[int, int]
) -> None:
    window.resize(*size)
    for name, screen in every_screen(writing).items():
        shown(window, replace(writing, screen=screen))
        assert window.size() == QSize(*size), name


def test_welcome_names_place_and_candidate(window: KioskWindow, writing: State) -> None:
    text = shown(window, replace(writing, screen=screens.Welcome(PLACE, SHIFT, PERSON)))
    for word in ("Phòng 101 · Chỗ 05", "Nguyễn An", "01000123", "Đặt thẻ căn cước", "07:30"):
        assert word in text


def test_problem_names_cause_remedy_and_code(window: KioskWindow, writing: State) -> None:
    problems = (codes.Problem.NO_READER, codes.Problem.NO_CAMERA)
    text = shown(window, replace(writing, screen=screens.OutOfOrder(problems)))
    for word in ("Không thấy đầu đọc thẻ", "Cắm lại máy ảnh", "no_camera"):
        assert word in text


def test_consent_says_what_is_kept_and_the_other_way(window: KioskWindow, writing: State) -> None:
    kiosk = Kiosk(window, replace(writing, screen=screens.Consent(PERSON, READING)))
    text = words(window)
    for word in ("So khớp những gì", "Lưu giữ những gì", "Lưu trong bao lâu", "hai cán bộ"):
        assert word in text
    QTest.mouseClick(kiosk.find("consent-decline"), LEFT)
    assert kiosk.acts == [events.UserDeclined()]


def test_consent_is_given_by_a_click(window: KioskWindow, writing: State) -> None:
    kiosk = Kiosk(window, replace(writing, screen=screens.Consent(PERSON, READING)))
    QTest.mouseClick(kiosk.find("consent-agree"), LEFT)
    assert kiosk.acts == [events.UserAgreed()]


def test_consent_is_not_given_by_a_stray_key(window: KioskWindow, writing: State) -> None:
    kiosk = Kiosk(window, replace(writing, screen=screens.Consent(PERSON, READING)))
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        QTest.keyClick(window.focusWidget() or window, key)
    assert kiosk.acts == []


def test_face_counts_pictures_and_admits_no_liveness(window: KioskWindow, writing: State) -> None:
    for hint, pictures in (("ok", 1), ("turn_a_little", 1), ("ok", 2)):
        frame = screens.Frame(4, 3, bytes(36))
        screen = screens.Face(PERSON, READING, frame, hint, 1, pictures)
        text = shown(window, replace(writing, screen=screen))
        assert "chưa kiểm tra có đúng là người thật" in text
    assert "2/3" in text
    view = window.findChild(FaceView)
    again = screens.Face(PERSON, READING, screens.Frame(4, 3, bytes(36)), "face_changed", 1, 0)
    assert "0/3" in shown(window, replace(writing, screen=again))
    assert window.findChild(FaceView) is view


def test_reading_shows_the_portrait_once_it_is_there(window: KioskWindow, writing: State) -> None:
    reading = screens.Reading(PERSON, "EF.DG2", 4, 9)
    assert "đang kiểm tra" not in shown(window, replace(writing, screen=reading))
    text = shown(window, replace(writing, screen=replace(reading, portrait=PORTRAIT)))
    assert "Ảnh trong chip – đang kiểm tra" in text
    picture = window.findChild(QLabel, "reading-portrait")
    assert picture.isVisible() and not picture.pixmap().isNull()


def test_at_the_end_of_the_time_the_paper_is_hidden_and_locked(kiosk: Kiosk) -> None:
    paper = kiosk.state.screen
    assert isinstance(paper, screens.Writing)
    kiosk.show(replace(kiosk.state, screen=screens.TimeUp(paper, "AAAA-BBBB")))
    text = words(kiosk.window)
    for word in ("hết giờ", "đã được lưu", "đang hỏi máy chủ", "AAAA-BBBB"):
        assert word in text
    assert "Chưa kết nối" not in text
    assert not [w for w in kiosk.window.findChildren(QLabel, "item-number") if w.isVisible()]
    status = replace(kiosk.state.status, connected=False, lost_since=START)
    kiosk.show(replace(kiosk.state, status=status))
    assert "Xin đừng rời chỗ" in words(kiosk.window)


def test_a_view_that_fails_does_not_freeze_the_window(
    window: KioskWindow, writing: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(NoShiftView, "compose", fails)
        with pytest.raises(KeyError):
            window.render(replace(writing, screen=screens.NoShift(PLACE)))
    assert window.updatesEnabled()
    welcome = screens.Welcome(PLACE, SHIFT, PERSON)
    assert "Nguyễn An" in shown(window, replace(writing, screen=welcome))


def test_what_nobody_caught_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_what_nobody_caught()
    error = KeyError("nobody foresaw this")
    sys.excepthook(KeyError, error, None)
    threading.excepthook(threading.ExceptHookArgs((KeyError, error, None, None)))
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "CRITICAL"]


@pytest.mark.parametrize(
    ("step", "phase"),
    [("", 0), ("EF.CardAccess", 0), ("select_application", 1), ("access", 1), ("EF.SOD", 2),
     ("EF.DG1", 2), ("EF.DG2", 3), ("EF.DG15", 3), ("active_authentication", 4), ("unheard_of", 0)],
)  # fmt: skip
def test_reading_steps_belong_to_phases(step: str, phase: int) -> None:
    assert phase_of(step) == phase < len(PHASES)


def test_the_navigator_of_a_section_that_was_left_is_gone_at_once(
    window: KioskWindow, writing: State
) -> None:
    paper = writing.screen
    assert isinstance(paper, screens.Writing)
    sitting, _ = Sitting.begin(replace(paper.sitting.form, schema=SEQUENTIAL))
    window.render(replace(writing, screen=replace(paper, sitting=sitting)))
    sitting, _ = sitting.leave("candidate", 0)
    window.render(replace(writing, screen=replace(paper, sitting=sitting)))
    QApplication.processEvents()
    seen = [one for one in window.findChildren(Navigator) if one.isVisible()]
    assert [[cell.number for cell in one.cells] for one in seen] == [[4, 5]]


def test_a_waiting_room_drawn_anew_has_no_empty_footer(window: KioskWindow, writing: State) -> None:
    waiting = screens.Waiting(PERSON, SHIFT, "a1", conditional=True)
    for screen in (waiting, replace(waiting, leased=True)):
        window.render(replace(writing, screen=screen))
    footers = [one for one in window.findChildren(QFrame) if one.property("role") == "footer"]
    assert footers and not any(footer.isVisible() for footer in footers)


def test_waiting_tells_the_rules_of_the_paper_at_hand(window: KioskWindow, writing: State) -> None:
    free = screens.Waiting(PERSON, SHIFT, "a1", conditional=False)
    text = shown(window, replace(writing, screen=free))
    assert "chuyển qua lại giữa các câu cho đến khi nộp bài" in text and "từng phần" not in text
    parts = replace(free, candidate=replace(PERSON, sequential=True))
    text = shown(window, replace(writing, screen=parts))
    assert "lần lượt từng phần" in text and "cho đến khi nộp bài" not in text


def test_waiting_counts_down_by_the_servers_time(window: KioskWindow, writing: State) -> None:
    waiting = screens.Waiting(PERSON, SHIFT, "a1", conditional=True)
    status = replace(writing.status, now=START - timedelta(minutes=2, seconds=5))
    text = shown(window, replace(writing, screen=waiting, status=status))
    assert "Còn\n02:05\nnữa là đến giờ làm bài" in text
    assert "có điều kiện" in text
    late = replace(status, now=START + timedelta(seconds=1))
    text = shown(window, replace(writing, screen=waiting, status=late))
    assert "Bài thi sẽ mở khi có hiệu lệnh." in text
    assert "02:05" not in text


@pytest.mark.parametrize(
    ("minutes", "tone"), [(60, "primary"), (10, "primary"), (9, "accent"), (4, "danger")]
)
def test_remaining_time_changes_its_tone(kiosk: Kiosk, minutes: int, tone: str) -> None:
    status = replace(kiosk.state.status, remaining=timedelta(minutes=minutes))
    kiosk.show(replace(kiosk.state, status=status))
    remaining = kiosk.find("remaining")
    assert isinstance(remaining, QLabel)
    assert remaining.property("tone") == tone
    assert remaining.text() == ("1:00:00" if minutes == 60 else f"{minutes:02}:00")


def test_connection_is_told_calmly(kiosk: Kiosk) -> None:
    def said(**changes: object) -> str:
        kiosk.show(replace(kiosk.state, status=replace(kiosk.state.status, **changes)))
        details = kiosk.window.findChild(QLabel, "connection-details")
        shown = [kiosk.find("connection"), *([details] if details.isVisible() else [])]
        return " | ".join(label.accessibleName() for label in shown)

    assert said(unsent=2) == "Đã lưu"
    assert said(unsent=25) == "Đã lưu trên máy | Đang gửi 25 thay đổi"
    lost = said(connected=False, lost_since=START)
    assert lost == "Đã lưu trên máy | Mất mạng từ 07:30 · 25 thay đổi chờ gửi"
    assert said(connected=True, lost_since=None, unsent=0) == "Đã lưu"


def test_a_disk_that_fills_up_is_told_on_every_screen(kiosk: Kiosk) -> None:
    def told(screen: screens.Screen, low: bool) -> bool:
        kiosk.show(replace(kiosk.state, screen=screen, devices=states.Devices(disk_low=low)))
        label = kiosk.window.findChild(QLabel, "disk-low")
        assert label.text() == "Ổ ĐĨA SẮP ĐẦY"
        return label.isVisible()

    for screen in (kiosk.state.screen, screens.Welcome(PLACE, SHIFT, PERSON)):
        assert told(screen, low=True)
        assert not told(screen, low=False)


@pytest.mark.parametrize("size", list(TextSize))
def test_long_names_make_nothing_wider(kiosk: Kiosk, size: TextSize) -> None:
    screen = kiosk.state.screen
    assert isinstance(screen, screens.Writing)
    name = "Công Tằng Tôn Nữ Nguyễn Phước Thuỳ Dung " * 2
    person = replace(screen.candidate, name=name, paper="Giáo dục kinh tế và pháp luật")
    status = replace(kiosk.state.status, connected=False, lost_since=START, unsent=1234)
    kiosk.window.choose_text_size(size)
    for shown_now in (replace(screen, candidate=person), screens.Welcome(PLACE, SHIFT, person)):
        low = states.Devices(disk_low=True)
        kiosk.show(replace(kiosk.state, screen=shown_now, status=status, devices=low))
        QApplication.processEvents()
        assert kiosk.window.size() == QSize(1280, 720)
        assert kiosk.find("candidate").accessibleName() in (name, "Trường Thi")


def test_bar_names_candidate_and_form(kiosk: Kiosk) -> None:
    text = words(kiosk.window)
    assert "Nguyễn An" in text
    assert kiosk.find("candidate-details").accessibleName() == "SBD 01000123 · Toán · Mã đề 0101"


def test_hand_in_asks_and_leads_back(kiosk: Kiosk) -> None:
    QTest.mouseClick(kiosk.find("option-o1"), LEFT)
    QTest.mouseClick(kiosk.find("submit"), LEFT)
    assert isinstance(kiosk.state.screen, screens.ConfirmSubmit)
    count = kiosk.find("count-unanswered")
    assert isinstance(count, QLabel)
    assert count.text() == "4"
    QTest.mouseClick(kiosk.find("unanswered-item-5"), LEFT)
    assert kiosk.sitting.current == "i5"
    assert kiosk.find("numeric-entry").isVisible()


def test_hand_in_is_confirmed(kiosk: Kiosk) -> None:
    QTest.mouseClick(kiosk.find("submit"), LEFT)
    QTest.mouseClick(kiosk.find("back-to-paper"), LEFT)
    assert isinstance(kiosk.state.screen, screens.Writing)
    QTest.mouseClick(kiosk.find("submit"), LEFT)
    QTest.mouseClick(kiosk.find("confirm-submit"), LEFT)
    assert isinstance(kiosk.state.screen, screens.Submitting)
    assert kiosk.acts[-1] == events.UserConfirmedSubmit()


def test_paused_paper_is_hidden(kiosk: Kiosk) -> None:
    assert isinstance(kiosk.state.screen, screens.Writing)
    kiosk.show(replace(kiosk.state, screen=screens.Paused(kiosk.state.screen)))
    assert "tạm dừng" in words(kiosk.window)
    assert not [w for w in kiosk.window.findChildren(QLabel, "item-number") if w.isVisible()]


def test_receipt_shows_its_short_code(window: KioskWindow, writing: State) -> None:
    text = shown(window, replace(writing, screen=screens.ReceiptShown(PERSON, RECEIPT)))
    assert RECEIPT.short_code in text


def test_language_changes_in_the_middle_and_keeps_the_answers(kiosk: Kiosk) -> None:
    QTest.mouseClick(kiosk.find("option-o2"), LEFT)
    QTest.mouseClick(kiosk.find("language-en"), LEFT)
    assert kiosk.acts[-1] == events.UserChangedLanguage(Language.EN)
    assert "Question 1" in words(kiosk.window)
    assert kiosk.find("option-o2").isChecked()


def test_text_size_and_contrast_are_chosen_and_forgotten_with_the_candidate(
    kiosk: Kiosk,
) -> None:
    before = kiosk.find("stem").heightForWidth(600)
    QTest.mouseClick(kiosk.find("text-very_large"), LEFT)
    assert kiosk.find("stem").heightForWidth(600) > before
    QTest.mouseClick(kiosk.find("high-contrast"), LEFT)
    assert kiosk.window.grab().toImage().pixelColor(20, 300).lightness() < 10
    assert kiosk.window.text_size is TextSize.VERY_LARGE
    other = replace(PERSON, placement="p2")
    kiosk.show(replace(kiosk.state, screen=screens.Welcome(PLACE, SHIFT, other)))
    assert kiosk.window.text_size is TextSize.NORMAL
    assert kiosk.window.grab().toImage().pixelColor(1270, 300).lightness() > 200


def test_window_cannot_be_closed_by_its_user(qtbot: QtBot, writing: State) -> None:
    window = KioskWindow()
    window.resize(800, 600)
    window.show()
    window.render(writing)
    assert not window.close()
    assert window.isVisible()
    window.hide()
    window.deleteLater()


def test_names_from_the_server_are_never_markup(window: KioskWindow, writing: State) -> None:
    person = replace(PERSON, name="<b>An</b> & <img src=x>")
    text = shown(window, replace(writing, screen=screens.Welcome(PLACE, SHIFT, person)))
    assert person.name in text
    labels = window.findChildren(QLabel)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels if label.text())


def test_portrait_that_is_no_picture_leaves_its_place_empty(
    window: KioskWindow, writing: State
) -> None:
    reading = replace(READING, portrait=bytes(QByteArray(b"no picture")))
    assert "Nguyễn An" in shown(window, replace(writing, screen=screens.Consent(PERSON, reading)))
