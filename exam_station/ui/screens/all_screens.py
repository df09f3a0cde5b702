"""Which screen shows which state."""

from collections.abc import Mapping

from exam_station.flow import screens
from exam_station.ui.screens.card_problem import CardProblemView
from exam_station.ui.screens.card_refused import CardRefusedView
from exam_station.ui.screens.checking_in import CheckingInView
from exam_station.ui.screens.confirm_submit import ConfirmSubmitView
from exam_station.ui.screens.consent import ConsentView
from exam_station.ui.screens.face import FaceView
from exam_station.ui.screens.no_shift import NoShiftView
from exam_station.ui.screens.notice import NoticeView
from exam_station.ui.screens.opening import OpeningView
from exam_station.ui.screens.out_of_order import OutOfOrderView
from exam_station.ui.screens.paused import PausedView
from exam_station.ui.screens.proctor_confirms import ProctorConfirmsView
from exam_station.ui.screens.reading import ReadingView
from exam_station.ui.screens.receipt import ReceiptView
from exam_station.ui.screens.referred import ReferredView
from exam_station.ui.screens.room_code import RoomCodeView
from exam_station.ui.screens.screen_view import ScreenView
from exam_station.ui.screens.start_code import StartCodeView
from exam_station.ui.screens.starting import StartingView
from exam_station.ui.screens.submitting import SubmittingView
from exam_station.ui.screens.time_up import TimeUpView
from exam_station.ui.screens.waiting import WaitingView
from exam_station.ui.screens.welcome import WelcomeView
from exam_station.ui.screens.writing import WritingView

VIEWS: Mapping[type[screens.Screen], type[ScreenView]] = {
    screens.Starting: StartingView,
    screens.OutOfOrder: OutOfOrderView,
    screens.NoShift: NoShiftView,
    screens.Welcome: WelcomeView,
    screens.Reading: ReadingView,
    screens.CardProblem: CardProblemView,
    screens.CardRefused: CardRefusedView,
    screens.Consent: ConsentView,
    screens.Face: FaceView,
    screens.CheckingIn: CheckingInView,
    screens.RoomCodeAsked: RoomCodeView,
    screens.ProctorConfirms: ProctorConfirmsView,
    screens.Referred: ReferredView,
    screens.Waiting: WaitingView,
    screens.StartCodeAsked: StartCodeView,
    screens.Opening: OpeningView,
    screens.Writing: WritingView,
    screens.ConfirmSubmit: ConfirmSubmitView,
    screens.Paused: PausedView,
    screens.TimeUp: TimeUpView,
    screens.Submitting: SubmittingView,
    screens.ReceiptShown: ReceiptView,
    screens.Notice: NoticeView,
}
