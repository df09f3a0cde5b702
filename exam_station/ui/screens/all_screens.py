"""Which screen shows which state."""

from collections.abc import Mapping

from exam_station.flow import states
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
from exam_station.ui.screens.reading import ReadingView
from exam_station.ui.screens.receipt import ReceiptView
from exam_station.ui.screens.referred import ReferredView
from exam_station.ui.screens.screen_view import ScreenView
from exam_station.ui.screens.starting import StartingView
from exam_station.ui.screens.submitting import SubmittingView
from exam_station.ui.screens.time_up import TimeUpView
from exam_station.ui.screens.waiting import WaitingView
from exam_station.ui.screens.welcome import WelcomeView
from exam_station.ui.screens.writing import WritingView

VIEWS: Mapping[type[states.Screen], type[ScreenView]] = {
    states.Starting: StartingView,
    states.OutOfOrder: OutOfOrderView,
    states.NoShift: NoShiftView,
    states.Welcome: WelcomeView,
    states.Reading: ReadingView,
    states.CardProblem: CardProblemView,
    states.CardRefused: CardRefusedView,
    states.Consent: ConsentView,
    states.Face: FaceView,
    states.CheckingIn: CheckingInView,
    states.Referred: ReferredView,
    states.Waiting: WaitingView,
    states.Opening: OpeningView,
    states.Writing: WritingView,
    states.ConfirmSubmit: ConfirmSubmitView,
    states.Paused: PausedView,
    states.TimeUp: TimeUpView,
    states.Submitting: SubmittingView,
    states.ReceiptShown: ReceiptView,
    states.Notice: NoticeView,
}
