"""The pictures that a .tex file names: looked for beside it, taken when they are there."""

from collections.abc import Callable
from dataclasses import dataclass, field

from question_bank.errors import FileRefusedError
from question_bank.interchange.pictures import picture
from question_bank.item import Media

# The bytes of a file by its name relative to the .tex, None where there is none.
Beside = Callable[[str], bytes | None]

_ENDINGS = ("", ".svg", ".png", ".jpg", ".jpeg", ".PNG", ".JPG")
_UNREADABLE = (".pdf", ".eps")


def nothing_beside(_: str) -> bytes | None:
    """No file is given beside the .tex."""
    return None


@dataclass(slots=True)
class Pictures:
    """Finds pictures. `folders` come from `\\graphicspath`; `drawn` counts TikZ pictures, which
    its externalisation names JOB-figure0, JOB-figure1, …"""

    beside: Beside
    job: str
    folders: tuple[str, ...] = ("",)
    drawn: int = 0
    named: str = field(default="")

    def find(self, name: str) -> Media | None:
        """The picture of that name, with or without its ending; raises FileRefusedError where
        there is one that cannot be taken."""
        for folder in self.folders:
            for ending in _ENDINGS:
                data = self.beside(folder + name + ending)
                if data is not None and not _is_foreign(name + ending):
                    return picture(data, name + ending)
        for ending in ("", *_UNREADABLE):
            if _is_foreign(name + ending) and self.beside(name + ending) is not None:
                raise FileRefusedError(f"{name}{ending} is no PNG, JPEG or SVG; convert it")
        return None

    def drawing(self) -> Media | None:
        """The picture that the next TikZ source has become, where one was given."""
        name, self.named = self.named, ""
        number, self.drawn = self.drawn, self.drawn + 1
        found = self.find(name) if name else None
        return found or self.find(f"{self.job}-figure{number}")


def _is_foreign(name: str) -> bool:
    return name.lower().endswith(_UNREADABLE)
