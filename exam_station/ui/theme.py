"""Colours, type sizes and the style sheet. Lengths are pixels at 1920 × 1080 and scale from there.

Two choices belong to the candidate: the size of the text and a high contrast (white on black,
one bright accent); both are forgotten with the sitting.
"""

import math
from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFont

REFERENCE = QSize(1920, 1080)
UI_FAMILIES = ("Noto Sans", "DejaVu Sans", "Segoe UI", "Arial")
CONTENT_FAMILIES = ("Noto Serif", "DejaVu Serif", "Cambria", "Times New Roman")
SMALLEST_SCALE, LARGEST_SCALE = 0.6, 4.0


class TextSize(Enum):
    """How much larger than the reference text is drawn."""

    NORMAL = 1.0
    LARGE = 1.2
    VERY_LARGE = 1.4


@dataclass(frozen=True, slots=True)
class Palette:
    """One colour per meaning; `*_soft` is the pale ground that goes with it."""

    paper: str
    surface: str
    ink: str
    muted: str
    line: str
    primary: str
    primary_deep: str
    primary_soft: str
    on_primary: str
    accent: str
    accent_soft: str
    flag: str
    good: str
    good_soft: str
    danger: str
    danger_soft: str


CALM = Palette(
    paper="#F5F3EE",
    surface="#FFFFFF",
    ink="#15252E",
    muted="#586872",
    line="#D9D5CB",
    primary="#0E5264",
    primary_deep="#093845",
    primary_soft="#E4EFF1",
    on_primary="#FFFFFF",
    accent="#B8741A",
    accent_soft="#FBF0DC",
    flag="#F0A63A",
    good="#2A7654",
    good_soft="#E3F1E9",
    danger="#A5301E",
    danger_soft="#FAE7E2",
)
CONTRAST = Palette(
    paper="#000000",
    surface="#0A0A0A",
    ink="#FFFFFF",
    muted="#E2E2E2",
    line="#B9B9B9",
    primary="#FFD83D",
    primary_deep="#161616",
    primary_soft="#2B2500",
    on_primary="#000000",
    accent="#FFB454",
    accent_soft="#332200",
    flag="#FF8A1F",
    good="#6CF0B0",
    good_soft="#06281A",
    danger="#FF9C8A",
    danger_soft="#3A0D06",
)


@dataclass(frozen=True, slots=True)
class Theme:
    """What every widget needs to draw itself; a change makes new widgets, never mutates."""

    scale: float = 1.0
    text_size: TextSize = TextSize.NORMAL
    high_contrast: bool = False

    @property
    def palette(self) -> Palette:
        return CONTRAST if self.high_contrast else CALM

    def px(self, length: float) -> int:
        """A length in device-independent pixels, at least one."""
        return max(1, round(length * self.scale))

    def text_px(self, size: float) -> int:
        """A text size in pixels, with the candidate's choice of text size."""
        return max(9, round(size * self.scale * self.text_size.value))

    def bar_px(self, size: float) -> int:
        """A text size in the bar, which has room for half of the growth only."""
        return max(9, round(size * self.scale * math.sqrt(self.text_size.value)))

    def beside_text(self, length: float) -> int:
        """A width that gives way as text grows, for what stands beside words."""
        return self.px(length / self.text_size.value**1.2)

    def color(self, name: str) -> QColor:
        """The palette's colour of that name."""
        return QColor(getattr(self.palette, name))

    def font(self, size: float, *, bold: bool = False, content: bool = False) -> QFont:
        """The interface's font, or the one of the items' content, at `size`."""
        font = QFont()
        font.setFamilies(list(CONTENT_FAMILIES if content else UI_FAMILIES))
        font.setPixelSize(self.text_px(size))
        font.setBold(bold)
        return font

    def fitted(self, size: QSize) -> "Theme":
        """This theme for a window of `size`, in steps of 1/40 so that it seldom changes."""
        ratio = min(size.width() / REFERENCE.width(), size.height() / REFERENCE.height())
        stepped = round(ratio * 40) / 40
        return replace(self, scale=min(LARGEST_SCALE, max(SMALLEST_SCALE, stepped)))

    def stylesheet(self) -> str:
        """The style sheet of the whole window; roles are dynamic properties of the widgets."""
        p, px, text, bar = self.palette, self.px, self.text_px, self.bar_px
        families = ", ".join(f'"{family}"' for family in UI_FAMILIES)
        return f"""
* {{ font-family: {families}; color: {p.ink}; }}
QWidget#kiosk, QWidget[ground="paper"] {{ background: {p.paper}; }}
QLabel {{ background: transparent; font-size: {text(24)}px; }}
QLabel[role="display"] {{ font-size: {text(76)}px; font-weight: 700; color: {p.primary}; }}
QLabel[role="title"] {{ font-size: {text(52)}px; font-weight: 700; }}
QLabel[role="heading"] {{ font-size: {text(32)}px; font-weight: 700; }}
QLabel[role="lead"] {{ font-size: {text(29)}px; }}
QLabel[role="strong"] {{ font-size: {text(24)}px; font-weight: 700; }}
QLabel[role="muted"] {{ font-size: {text(23)}px; color: {p.muted}; }}
QLabel[role="small"] {{ font-size: {text(20)}px; color: {p.muted}; }}
QLabel[role="overline"] {{ font-size: {text(21)}px; font-weight: 700; color: {p.accent}; }}
QFrame[role="bar"] QLabel {{ font-size: {bar(20)}px; }}
QFrame[role="bar"] QLabel[role="strong"] {{ font-size: {bar(24)}px; }}
QFrame[role="bar"] QLabel[role="clock"] {{ font-size: {bar(44)}px; font-weight: 700; }}
QFrame[role="bar"] QPushButton {{ font-size: {bar(20)}px; }}
QLabel[role="call"] {{ font-size: {text(38)}px; font-weight: 700; color: {p.on_primary};
  background: {p.primary}; border-radius: {px(16)}px; padding: {px(22)}px {px(32)}px; }}
QLabel[tone="primary"] {{ color: {p.primary}; }}
QLabel[tone="accent"] {{ color: {p.accent}; }}
QLabel[tone="good"] {{ color: {p.good}; }}
QLabel[tone="danger"] {{ color: {p.danger}; }}
QLabel[tone="muted"] {{ color: {p.muted}; }}
QFrame[role="card"] {{ background: {p.surface}; border: {px(1)}px solid {p.line};
  border-radius: {px(18)}px; }}
QFrame[role="card"][tone="focused"] {{ border: {px(2)}px solid {p.accent}; }}
QFrame[role="tag"] {{ background: {p.surface}; border: {px(2)}px solid {p.primary};
  border-radius: {px(8)}px; }}
QFrame[role="notice"] {{ border-radius: {px(12)}px; background: {p.accent_soft};
  border: {px(1)}px solid {p.accent}; }}
QFrame[role="notice"][tone="danger"] {{ background: {p.danger_soft}; border-color: {p.danger}; }}
QFrame[role="notice"][tone="good"] {{ background: {p.good_soft}; border-color: {p.good}; }}
QFrame[role="notice"][tone="primary"] {{ background: {p.primary_soft};
  border-color: {p.primary}; }}
QFrame[role="bar"] {{ background: {p.surface}; border: none;
  border-bottom: {px(1)}px solid {p.line}; }}
QFrame[role="footer"] {{ background: {p.surface}; border: none;
  border-top: {px(1)}px solid {p.line}; }}
QFrame[role="side"] {{ background: {p.surface}; border: none;
  border-left: {px(1)}px solid {p.line}; }}
QFrame[role="rule"] {{ background: {p.line}; border: none; }}
QPushButton {{ font-size: {text(24)}px; font-weight: 600; padding: {px(13)}px {px(28)}px;
  border-radius: {px(12)}px; border: {px(2)}px solid {p.line}; background: {p.surface};
  color: {p.primary}; outline: none; }}
QPushButton:hover {{ border-color: {p.primary}; }}
QPushButton:focus {{ border-color: {p.accent}; }}
QPushButton:pressed {{ background: {p.primary_soft}; }}
QPushButton:disabled {{ color: {p.muted}; border-color: {p.line}; background: {p.paper}; }}
QPushButton[role="primary"] {{ background: {p.primary}; color: {p.on_primary};
  border-color: {p.primary}; }}
QPushButton[role="primary"]:hover {{ background: {p.primary_deep};
  color: #FFFFFF; }}
QPushButton[role="primary"]:focus {{ border-color: {p.accent}; }}
QPushButton[role="primary"]:disabled {{ background: {p.line}; color: {p.muted};
  border-color: {p.line}; }}
QPushButton[role="quiet"] {{ background: transparent; border-color: transparent;
  padding: {px(8)}px {px(14)}px; font-size: {text(20)}px; }}
QPushButton[role="quiet"]:hover {{ background: {p.primary_soft}; }}
QPushButton[role="quiet"]:focus {{ border-color: {p.accent}; }}
QPushButton[role="quiet"]:checked {{ background: {p.primary_soft}; border-color: {p.primary}; }}
QPushButton[role="quiet"]:disabled {{ color: {p.muted}; background: transparent; }}
QPushButton[role="flag"]:checked {{ background: {p.accent_soft}; border-color: {p.accent};
  color: {p.accent}; }}
QPushButton[role="key"] {{ font-size: {text(28)}px; padding: 0; min-width: {px(84)}px;
  min-height: {px(60)}px; color: {p.ink}; }}
QPushButton[role="arrow"] {{ font-size: {text(26)}px; padding: 0; min-width: {text(52)}px;
  min-height: {text(44)}px; }}
QPushButton[role="arrow"]:disabled {{ color: {p.line}; background: transparent; }}
QLineEdit {{ font-size: {text(40)}px; font-weight: 600; padding: {px(8)}px {px(18)}px;
  border-radius: {px(12)}px; border: {px(2)}px solid {p.line}; background: {p.surface};
  color: {p.ink}; selection-background-color: {p.primary};
  selection-color: {p.on_primary}; }}
QLineEdit:focus {{ border-color: {p.primary}; }}
QLineEdit[role="text"] {{ font-size: {text(26)}px; font-weight: 500;
  padding: {px(5)}px {px(12)}px; border-color: {p.muted}; border-radius: {px(8)}px; }}
QLineEdit[role="text"]:focus {{ border-color: {p.accent}; }}
QPlainTextEdit {{ padding: {px(14)}px; border-radius: {px(12)}px; background: {p.surface};
  border: {px(2)}px solid {p.muted}; color: {p.ink}; selection-background-color: {p.primary};
  selection-color: {p.on_primary}; }}
QPlainTextEdit:focus {{ border-color: {p.accent}; }}
QComboBox {{ font-size: {text(25)}px; padding: {px(6)}px {px(40)}px {px(6)}px {px(14)}px;
  border: {px(2)}px solid {p.muted}; border-radius: {px(8)}px; background: {p.surface};
  color: {p.ink}; }}
QComboBox:hover {{ border-color: {p.primary}; }}
QComboBox:focus {{ border-color: {p.accent}; }}
QComboBox::drop-down {{ border: none; width: {px(36)}px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ font-size: {text(25)}px; background: {p.surface}; color: {p.ink};
  border: {px(2)}px solid {p.primary}; outline: none; padding: {px(4)}px;
  selection-background-color: {p.primary}; selection-color: {p.on_primary}; }}
QComboBox QAbstractItemView::item {{ min-height: {text(44)}px; padding: 0 {px(12)}px; }}
QSlider::groove:horizontal {{ height: {px(10)}px; border-radius: {px(5)}px;
  background: {p.line}; margin: 0; }}
QSlider::handle:horizontal {{ width: {px(38)}px; height: {px(38)}px; margin: -{px(14)}px 0;
  border-radius: {px(8)}px; border: {px(3)}px solid {p.muted}; background: {p.surface}; }}
QSlider[told="true"]::handle:horizontal {{ background: {p.primary}; border-color: {p.primary}; }}
QSlider[told="true"]::sub-page:horizontal {{ background: {p.primary}; height: {px(10)}px;
  border-radius: {px(5)}px; }}
QSlider::handle:horizontal:focus {{ border-color: {p.accent}; }}
QProgressBar {{ border: none; border-radius: {px(5)}px; background: {p.line};
  max-height: {px(10)}px; min-height: {px(10)}px; }}
QProgressBar::chunk {{ border-radius: {px(5)}px; background: {p.primary}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ width: {px(14)}px; background: transparent; margin: {px(2)}px; }}
QScrollBar::handle:vertical {{ background: {p.line}; border-radius: {px(5)}px;
  min-height: {px(48)}px; }}
QScrollBar::handle:vertical:hover {{ background: {p.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {p.line}; margin: {px(300)}px {px(4)}px; }}
QScrollBar:horizontal {{ height: 0; }}
"""
