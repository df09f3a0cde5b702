"""What a row asks, and what is right: from the words for its kind, its options and its key."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from question_bank.interactions import (
    MAX_NUMERIC_TEXT,
    ExtendedText,
    Interaction,
    Match,
    MultipleChoice,
    NumericEntry,
    Option,
    Order,
    Piece,
    SingleChoice,
    TextEntry,
    TrueFalseCluster,
)
from question_bank.interchange.numbers import WrittenNumber, written_number
from question_bank.interchange.spreadsheet.headings import folded
from question_bank.interchange.word.keys import Letters, Number, Truths, stated_key
from question_bank.keys import (
    ChoiceKey,
    ClusterKey,
    Key,
    NoKey,
    NumericKey,
    OrderKey,
    PairsKey,
    TextKey,
)

_WORDS = {
    "choice": "trac nghiem|tn|mcq|mc|multiple choice|trac nghiem nhieu lua chon|nhieu lua chon"
              "|nhieu phuong an lua chon|trac nghiem khach quan|abcd|phan i|i|1|choice|quiz"
              "|chon dap an|lua chon",
    "single": "mot lua chon|mot dap an|1 dap an|single|single choice|radio|mot phuong an",
    "multiple": "nhieu dap an|nhieu dap an dung|multiple|multiple answer|multiple answers"
                "|multiple response|multiple select|checkbox|ma|mr|chon nhieu|nhieu phuong an dung",
    "truth": "dung sai|dung/sai|ds|d/s|tf|t/f|true/false|true false|trac nghiem dung sai|phan ii|ii"
             "|2|truefalse|cluster",
    "numeric": "so|tra loi ngan|tln|dien so|numeric|numerical|number|short number|phan iii|iii|3",
    "gap": "dien|dien khuyet|dien tu|dien vao cho trong|text|gap|fill|fill in the blank"
           "|fill-in-the-blank|fib|short text|tra loi bang tu",
    "short": "short answer|short|ngan|sa|answer",
    "extended": "tu luan|tl|essay|open|open ended|open-ended|extended|extended text|viet",
    "order": "sap xep|thu tu|sap thu tu|order|ordering|sequence",
    "match": "ghep|noi|ghep noi|ghep doi|noi cot|ghep cot|match|matching",
}  # fmt: skip
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
# In content, where a > is written out.
_ARROW = re.compile(r"\s*(?:[=-]&gt;|→|⇒|::|\t)\s*")
_PLUS_MINUS = re.compile(r"(.+?)\s*(?:±|\+/-|\+-)\s*(.+)")
_RANGE = re.compile(r"(.+?)\s*(?:\.\.+|…|đến|to)\s*(.+)")
_NUMBERS = re.compile(r"\d{1,2}(?:\s*[,;]\s*\d{1,2})*")
_LABEL = re.compile(r"\s*(?P<letter>[A-Za-z])\s?[.)]\s+(?=\S)")
Options = tuple[tuple[str, str], ...]
_TRUE, _FALSE = ("Đúng", "True"), ("Sai", "False")
# What may be meant as a number, though it is not written as one that is read: "1/2", "1e5", "√2".
_NUMBERISH = re.compile(r"[-−–+√]*[.,]?\d[\d\s.,/^*×·eE+−–()%√π±-]*")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class NoItemError(Exception):
    """Why a row is no item; `field` is the column that is to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Row:
    """The pieces of a row that say what it asks. `options`: (text, content) without gaps;
    `is_number`: the key's cell holds a number of the spreadsheet's own."""

    kind: str
    key: str
    options: Options
    tolerance: str = ""
    unit: str = ""
    shuffle: bool = True
    is_vietnamese: bool = True
    is_number: bool = False


Asked = tuple[Interaction, Key]


def kind_named(text: str) -> str | None:
    """The kind that words for it mean, nothing for no words, None where they are not known."""
    words = folded(text).strip(" .")
    return _KINDS.get(words, _KINDS.get(words.replace(" ", ""))) if words else ""


def asked_by(row: Row) -> Asked:
    """The interaction and the key; raises NoItemError."""
    row = replace(row, options=_unlabelled(row.options))
    kind = row.kind or _told_by(row)
    match kind:
        case "choice" | "single" | "multiple":
            return _choice(row, kind)
        case "truth":
            return _cluster(row) if row.options else _true_or_false(row)
        case "numeric":
            return _number(row)
        case "gap":
            return _word(row)
        case "short":
            return _number(row) if _is_number(row) else _word(row)
        case "extended":
            return ExtendedText(), NoKey()
        case "order":
            return _order(row)
        case _:
            return _match(row)


def _told_by(row: Row) -> str:
    """The kind of a row that names none."""
    key = stated_key(row.key)
    if len(row.options) > 1:
        return "truth" if isinstance(key, Truths) and len(key.truths) > 1 else "choice"
    if row.options:
        raise NoItemError("option 1", "only one option; two or more are needed")
    if not row.key:
        raise NoItemError(
            "key", "neither options nor a key; write 'essay' or 'tự luận' as its type"
        )
    if _truth(row.key) is not None:
        return "truth"
    return "numeric" if _is_number(row) else "gap"


def _unlabelled(options: Options) -> Options:
    """The options without "A.", "b)" and so on, where every one has its own letter so."""
    found = [_LABEL.match(content) for _, content in options]
    own = [
        label is not None and label["letter"].upper() == name
        for label, name in zip(found, LETTERS, strict=False)
    ]
    if len(own) < 2 or not all(own):
        return options
    return tuple(
        (_LABEL.sub("", text, count=1), content[label.end() :])
        for (text, content), label in zip(options, found, strict=True)
        if label is not None
    )


# --- choices


def _choice(row: Row, kind: str) -> Asked:
    if len(row.options) < 2:
        raise NoItemError("option 1", "a choice needs two or more options")
    right = _letters(row)
    options = tuple(
        Option(name, content) for name, (_, content) in zip(LETTERS, row.options, strict=False)
    )
    missing = [name for name in right if name not in LETTERS[: len(options)]]
    if not right or missing:
        problem = f"{row.key[:40]!r} names none of the options" if row.key else "is missing"
        raise NoItemError("key", problem)
    if kind == "single" and len(right) > 1:
        raise NoItemError("key", f"{len(right)} right options, and the type allows one")
    if kind == "multiple" or len(right) > 1:
        return MultipleChoice(options, row.shuffle), ChoiceKey(right)
    return SingleChoice(options, row.shuffle), ChoiceKey(right)


def _letters(row: Row) -> tuple[str, ...]:
    """The right options: letters, places from 1, or the very text of one."""
    key = " ".join(row.key.split())
    texts = [" ".join(text.split()) for text, _ in row.options]
    if found := re.fullmatch(r"[A-Z](?:\s*[,;/ &+]?\s*[A-Z])*", key.upper()) if key else None:
        letters = tuple(sorted(set(re.findall(r"[A-Z]", found[0]))))
        if len(key) == 1 or key not in texts:
            return letters
    if key in texts:
        place = int(key) if re.fullmatch(r"\d{1,2}", key) else 0
        if 1 <= place <= len(texts) and texts[place - 1] != key:
            message = f"{key!r} is the text of one option and the place of another; write a letter"
            raise NoItemError("key", message)
        return (LETTERS[texts.index(key)],)
    if _NUMBERS.fullmatch(key):
        places = sorted({int(place) for place in re.findall(r"\d+", key)})
        return tuple(LETTERS[place - 1] if 1 <= place <= 26 else "?" for place in places)
    stated = stated_key(key)
    if isinstance(stated, Letters):
        return stated.letters
    folded_texts = [folded(text) for text in texts]
    if folded(key) in folded_texts:
        return (LETTERS[folded_texts.index(folded(key))],)
    parts = [" ".join(part.split()) for part in re.split(r"[;\n|]", row.key) if part.strip()]
    if len(parts) > 1 and all(part in texts for part in parts):
        return tuple(sorted(LETTERS[texts.index(part)] for part in parts))
    return ()


def _truth(text: str) -> bool | None:
    match folded(text).strip(" ."):
        case "dung" | "d" | "true" | "t" | "1" | "yes":
            return True
        case "sai" | "s" | "false" | "f" | "0" | "no":
            return False
        case _:
            return None


def _cluster(row: Row) -> Asked:
    statements = tuple(
        Option(name.lower(), content)
        for name, (_, content) in zip(LETTERS, row.options, strict=False)
    )
    if len(statements) == 2 and {_truth(text) for text, _ in row.options} == {True, False}:
        return _choice_of_truths(row)
    truths = _truths(row.key, len(statements))
    if truths is None:
        message = f"{row.key[:40]!r} does not judge {len(statements)} statements; write ĐSĐS"
        raise NoItemError("key", message)
    key = ClusterKey({s.id: truth for s, truth in zip(statements, truths, strict=True)})
    return TrueFalseCluster(statements, row.shuffle), key


def _choice_of_truths(row: Row) -> Asked:
    """True and False as the two options of the row itself."""
    asked = _truth(row.key)
    places = [_truth(text) for text, _ in row.options]
    name = _letters(row) if asked is None else (LETTERS[places.index(asked)],)
    if len(name) != 1 or name[0] not in "AB":
        raise NoItemError("key", f"{row.key[:40]!r} names none of the options")
    options = tuple(Option(LETTERS[n], c) for n, (_, c) in enumerate(row.options))
    return SingleChoice(options, shuffle=False), ChoiceKey(name)


def _truths(text: str, count: int) -> tuple[bool, ...] | None:
    """The truth of each statement: ĐSĐS, "Đúng, Sai, …", 1010, or the letters of the true ones."""
    stated = stated_key(text)
    if isinstance(stated, Truths):
        return stated.truths if len(stated.truths) == count else None
    bare = re.sub(r"[\s,;.|/-]", "", text)
    if re.fullmatch(r"[01]+", bare):
        return tuple(sign == "1" for sign in bare) if len(bare) == count else None
    if re.fullmatch(r"[a-zA-Z]+", bare):
        names = set(bare.upper())
        if names <= set(LETTERS[:count]):
            return tuple(letter in names for letter in LETTERS[:count])
    return None


def _true_or_false(row: Row) -> Asked:
    truth = _truth(row.key)
    if truth is None:
        raise NoItemError("key", f"{row.key[:40]!r} says neither true nor false")
    words = [pair[0 if row.is_vietnamese else 1] for pair in (_TRUE, _FALSE)]
    options = tuple(Option(name, word) for name, word in zip("AB", words, strict=True))
    return SingleChoice(options, shuffle=False), ChoiceKey(("A" if truth else "B",))


# --- what is typed


@dataclass(frozen=True, slots=True)
class _Interval:
    """A number, how far one may be from it, and the numbers that say so."""

    value: Decimal
    tolerance: Decimal
    told: tuple[WrittenNumber, ...]
    text: str

    @property
    def unit(self) -> str:
        """The unit behind the number, or behind the last of two."""
        return next((one.unit for one in reversed(self.told) if one.unit), "")


def _interval(row: Row) -> _Interval | None:
    """The number that the key is; raises NoItemError where its tolerance or unit is another."""
    if apart := _PLUS_MINUS.fullmatch(row.key):
        value, tolerance = _written(row, apart[1]), _written(row, apart[2])
        if value is None or tolerance is None:
            return None
        return _Interval(value.value, abs(tolerance.value), (value, tolerance), value.text)
    if ends := _RANGE.fullmatch(row.key):
        low, high = _written(row, ends[1]), _written(row, ends[2])
        if low is None or high is None:
            return None
        middle, half = (low.value + high.value) / 2, abs(high.value - low.value) / 2
        return _Interval(middle, half, (low, high), format(middle, "f"))
    found = _written(row, row.key)
    if found is None and isinstance(stated := stated_key(row.key), Number):  # "Đáp án: 5"
        found = WrittenNumber(stated.value, stated.text, is_doubtful=stated.is_doubtful)
    if found is None:
        return None
    tolerance = _written(row, row.tolerance) if row.tolerance else None
    if row.tolerance and tolerance is None:
        raise NoItemError("tolerance", f"{row.tolerance[:40]!r} is no number")
    told = (found,) if tolerance is None else (found, tolerance)
    return _Interval(
        found.value, abs(tolerance.value) if tolerance else Decimal(0), told, found.text
    )


def _written(row: Row, text: str) -> WrittenNumber | None:
    if row.is_number and text == row.key:
        text = text.replace(".", ",")
    return written_number(text, decimal_comma=row.is_vietnamese or row.is_number)


def _is_number(row: Row) -> bool:
    """Whether a key without a type is a number; raises NoItemError where that is in doubt."""
    if _interval(row):
        return True
    if _NUMBERISH.fullmatch(row.key):
        message = (
            f"{row.key[:40]!r} is no number that is read; write it anew, or 'điền' as its type"
        )
        raise NoItemError("key", message)
    return False


def doubts_of(row: Row) -> tuple[str, ...]:
    """What is to be told of a key that was read as a number."""
    found = _interval(row)
    if found is None:
        return ()
    doubts = tuple(
        f"may be another number; it was read as {one.text}" for one in found.told if one.is_doubtful
    )
    if found.unit and not row.unit:
        doubts += (f"was read as the number {found.text} in {found.unit}",)
    return doubts


def _number(row: Row) -> Asked:
    found = _interval(row)
    if found is None:
        raise NoItemError("key", f"{row.key[:40]!r} is no number" if row.key else "is missing")
    if row.unit and found.unit not in ("", row.unit):
        raise NoItemError("unit", f"{row.unit[:40]!r} is not the unit of the key, {found.unit!r}")
    longest = min(max(4, len(found.text) + (2 if found.tolerance else 0)), MAX_NUMERIC_TEXT)
    unit = (row.unit or found.unit)[:60]
    entry = NumericEntry(max_length=longest, tolerance=found.tolerance, unit=unit)
    return entry, NumericKey(found.value)


def _word(row: Row) -> Asked:
    spellings = [" ".join(part.split()) for part in re.split(r"[|\n]", row.key)]
    accepted = tuple(dict.fromkeys(text for text in spellings if text))
    if not accepted:
        raise NoItemError("key", "is missing")
    length = min(max(20, *(2 * len(text) for text in accepted)), 200)
    return TextEntry(length), TextKey(accepted)


# --- orders and pairs


def _order(row: Row) -> Asked:
    options = tuple(Option(n, c) for n, (_, c) in zip(LETTERS, row.options, strict=False))
    names = [option.id for option in options]
    told = re.findall(r"[A-Z]", row.key.upper()) if row.key else names
    if re.fullmatch(r"[\d\s,;>-]+", row.key):
        told = [LETTERS[int(n) - 1] for n in re.findall(r"\d{1,2}", row.key) if 1 <= int(n) <= 26]
    if len(options) < 2 or sorted(told) != names:
        raise NoItemError("key", f"{row.key[:40]!r} is no order of all the options")
    return Order(options), OrderKey(tuple(told))


def _match(row: Row) -> Asked:
    halves = [_ARROW.split(content, maxsplit=1) for _, content in row.options]
    if len(halves) < 2 or any(len(pair) != 2 or not all(pair) for pair in halves):
        raise NoItemError("option 1", "each option of a matching is written as 'left -> right'")
    targets = list(dict.fromkeys(right for _, right in halves))
    sources = tuple(Piece(f"S{n}", left) for n, (left, _) in enumerate(halves, 1))
    pieces = tuple(Piece(f"T{n}", right, most=0) for n, right in enumerate(targets, 1))
    pairs = tuple(
        (f"S{n}", f"T{targets.index(right) + 1}") for n, (_, right) in enumerate(halves, 1)
    )
    return Match(sources, pieces), PairsKey(pairs)


def points_of(text: str) -> Decimal:
    """A number of points; raises NoItemError."""
    found = written_number(re.sub(r"(?i)\s*(?:điểm|đ|points?|pts?|marks?)\.?$", "", text))
    if found is None or found.unit or found.value < 0:
        raise NoItemError("points", f"{text[:40]!r} is no number of points")
    return found.value
