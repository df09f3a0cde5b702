"""The Qt binding itself: a broken release must not reach a kiosk that runs for days."""

import sys

from PySide6.QtGui import QPainterPath

CALLS = 1000


def test_calls_without_a_result_leave_the_references_to_none_alone() -> None:
    """PySide6 6.12.0 lost one a call; before Python 3.12 that ends the process after minutes."""
    path = QPainterPath()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        path.moveTo(0.0, 0.0)
    assert abs(sys.getrefcount(None) - before) < CALLS / 10
