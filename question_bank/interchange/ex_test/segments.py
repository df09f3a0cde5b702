"""A file's text in pieces: its items, and what stands between them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from question_bank.errors import FormulaError
from question_bank.interchange.ex_test import commands
from question_bank.interchange.ex_test.source import Source
from question_bank.interchange.problems import ProblemLog
from question_bank.latex import bracket_end, group_end, skip_blank

ITEMS = ("ex", "bt", "vd")
_VERBATIM = ("verbatim", "comment", "lstlisting")
_WORDS = re.compile(
    r"%[^\n]*\n?|\n[ \t]*\n\s*|\\(?:begin|end)\s*\{[^{}\n]*\}|\\(?:[A-Za-z@]+\*?|.)|\\|[{}&]"
    r"|[^\\%{}&\n]+|\n",
    re.DOTALL,
)
_HEADING = re.compile(
    r"(phần|chương|chủ đề|chuyên đề|dạng|đề|sở|phòng gd|trường|tổ |bộ gi|bộ đề|k[ỳì] thi|môn|"
    r"mã đề|họ |số báo danh|thời gian|năm học|câu hỏi trắc nghiệm|câu trắc nghiệm|trắc nghiệm|"
    r"tự luận|bài \d|bài tập|thí sinh|mỗi câu|cán bộ|học sinh|đáp án|bảng đáp án|lời giải|"
    r"hướng dẫn giải|ôn tập|kiểm tra|khảo sát|trang|ngày|part|section|questions?\b|[ivx]+[.)]|"
    r"[a-d]\.|[-–—\s.*]*(hết|end|the end)\b|[\W\d_]*$)",
    re.IGNORECASE,
)
MAX_HEADING = 400
MAX_PROBLEMS = 10_000
MAX_ENDLESS = 1_000


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]`, the inside of an environment that begins at `at`; without a name it
    stands outside of items. `before`: the comment on the line above."""

    name: str
    at: int
    start: int
    end: int
    before: str = ""


def marks(*names: str) -> Callable[[str, int, int], Iterator[re.Match[str]]]:
    """Finds where the environments of these names begin and end in `text[start:end]`, as `edge`
    and `name`; what stands in comments or verbatim does not count."""
    mark = re.compile(
        r"\\verb\*?(?P<quote>[^A-Za-z\s*])[^\n]*?(?P=quote)"
        rf"|\\(?P<edge>begin|end)\s*\{{\s*(?P<name>{'|'.join((*names, *_VERBATIM))})\s*\}}"
        r"|\\.|%[^\n]*",
        re.DOTALL,
    )

    def found(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
        at, endless = start, set[str]()
        while match := mark.search(text, at, end):
            at, name = match.end(), match["name"]
            if name not in _VERBATIM:
                if name:
                    yield match
            elif match["edge"] == "begin" and name not in endless:
                closed = text.find(rf"\end{{{name}}}", at, end)
                at = closed if closed >= 0 else at
                endless |= {name} if closed < 0 else set()

    return found


_ITEMS = marks(*ITEMS, "document")


def segments(source: Source, log: ProblemLog) -> Iterator[Segment]:
    """The pieces in order. What is opened twice or never ended is an error in the log."""
    text = source.text
    outside = _body(text)
    last = len(text)
    open_item: re.Match[str] | None = None
    for match in _ITEMS(text, outside, len(text)):
        edge, name = match["edge"], match["name"]
        if len(log.problems) > MAX_PROBLEMS:
            line = source.line_at(match.end())
            log.error(line, "file", "too many problems; the rest is not read")
            return
        if name == "document":
            if edge == "end":
                last = match.end()
                break
        elif edge == "begin":
            if open_item is not None:
                _unended(source, log, open_item)
            else:
                yield Segment("", outside, outside, match.start())
            open_item = match
        elif open_item is None or open_item["name"] != name:
            log.error(source.line_at(match.start()), name, rf"\end{{{name}}} ends nothing")
        else:
            before = _comment_above(text, open_item.start())
            yield Segment(name, open_item.start(), open_item.end(), match.start(), before)
            open_item, outside = None, match.end()
    if open_item is not None:
        _unended(source, log, open_item)
    else:
        yield Segment("", outside, outside, last)
    if text[last:].strip():
        line = source.line_at(last)
        log.warning(line, r"\end{document}", "what stands behind it was left out, as LaTeX does")


def _body(text: str) -> int:
    """Where the document begins: behind its preamble, which tells of its look alone."""
    begin = re.search(r"^[^%\n]*\\begin\s*\{document\}", text, re.MULTILINE)
    return begin.end() if begin else 0


def _unended(source: Source, log: ProblemLog, opened: re.Match[str]) -> None:
    name = opened["name"]
    log.error(source.line_at(opened.start()), name, rf"\begin{{{name}}} is never ended")


def _comment_above(text: str, at: int) -> str:
    above = text[max(at - 400, 0) : at].rstrip(" \t")
    match = re.search(r"(?:^|\n)[ \t]*%([^\n]*)\n$", above)
    return match[1] if match else ""


def report_preamble(source: Source, log: ProblemLog) -> None:
    """Names the files that the preamble would read."""
    preamble = source.text[: _body(source.text)]
    for match in re.finditer(r"%[^\n]*|\\([A-Za-z]+)", preamble):
        if match[1] in commands.ACTIVE:
            message = "was not read; macros that it defines are not known"
            log.warning(source.line_at(match.start()), f"\\{match[1]}", message)


class Outside:
    """Reports what stands between items, headings and layout excepted."""

    def __init__(self, source: Source, log: ProblemLog) -> None:
        self.source = source
        self.text = source.text
        self.log = log
        self.words: list[str] = []
        self.since = 0
        self.endless: set[str] = set()

    def report(self, segment: Segment) -> None:
        """Everything in this segment that is neither heading nor layout is an error."""
        at = segment.start
        while at < segment.end and (match := _WORDS.match(self.text, at, segment.end)):
            at = match.end()
            found = match[0]
            if len(self.log.problems) > MAX_PROBLEMS:
                return
            if found[0] == "%":
                continue
            if found[0] == "\\" and len(found) > 1:
                at = max(at, self._command(match, segment.end))
            elif found.startswith("\n") and found.count("\n") > 1:
                self._flush()
            elif found not in "{}&":
                if not self.words:
                    self.since = match.start() + len(found) - len(found.lstrip())
                self.words.append(found)
        self._flush()

    def _flush(self) -> None:
        text = " ".join("".join(self.words).split())
        self.words.clear()
        if text and not (_HEADING.match(text) and len(text) <= MAX_HEADING):
            message = f"stands outside of items and was left out: {text[:120]!r}"
            self.log.error(self.source.line_at(self.since), "text", message)

    def _command(self, match: re.Match[str], limit: int) -> int:
        """Takes a command; gives the place behind what belongs to it."""
        written = match[0]
        if environment := re.fullmatch(r"\\(begin|end)\s*\{([^{}\n]*)\}", written):
            return self._environment(environment, match, limit)
        name = written[1:].rstrip("*") if written[1].isalpha() else written[1:]
        if name in commands.HEADINGS or name in commands.PREAMBLE:
            self._flush()
            return self._skip((commands.HEADINGS | commands.PREAMBLE)[name], match.end(), limit)
        if name in commands.LAYOUT:
            return self._skip(commands.LAYOUT[name], match.end(), limit)
        if name in commands.ACTIVE:
            self._flush()
            end = self._skip("om", match.end(), limit)
            named = " ".join(self.text[match.start() : end].split())[:100]
            message = "reads or writes files and is refused; give that file by itself"
            self.log.error(self.source.line_at(match.start()), named, message)
            return end
        if name in commands.WRAPPERS:
            return self._skip(commands.WRAPPERS[name][:-1], match.end(), limit)
        if name == "includegraphics":
            end = self._skip("om", match.end(), limit)
            message = "a picture outside of items was left out"
            self.log.warning(self.source.line_at(match.start()), written, message)
            return end
        if name in commands.SIGNS:
            self.words.append(commands.SIGNS[name])
        elif name in ("\\", "par", "newline"):
            self.words.append(" ")
        elif name not in commands.FORMATS and name not in commands.DECLARATIONS:
            if not self.words:
                self.since = match.start()
            self.words.append(written)
        return match.end()

    def _environment(self, found: re.Match[str], match: re.Match[str], limit: int) -> int:
        name = found[2].strip()
        patterns = commands.PLACING | commands.TABLES
        pattern = patterns.get(name, commands.LISTS.get(name, ("", ""))[0])
        known = name in patterns or name in commands.LISTS
        if found[1] == "end" or known:
            self._flush()
            return self._skip(pattern, match.end(), limit) if found[1] == "begin" else match.end()
        self._flush()
        end = -1
        if name not in self.endless and len(self.endless) < MAX_ENDLESS:
            end = self.text.find(rf"\end{{{name}}}", match.end(), limit)
        if end < 0:
            self.endless.add(name)
            message = "is not known; what it holds was read"
            self.log.warning(self.source.line_at(match.start()), match[0][:60], message)
            return match.end()
        message = "stands outside of items and was left out with all it holds"
        self.log.error(self.source.line_at(match.start()), match[0][:60], message)
        return end

    def _skip(self, pattern: str, at: int, limit: int) -> int:
        """The place behind arguments after `pattern` ("o" optional, "m" mandatory)."""
        for kind in pattern:
            start = skip_blank(self.text, at)
            opens = self.text[start : start + 1]
            try:
                if kind == "o" and opens == "[":
                    at = bracket_end(self.text, start)
                elif kind == "m" and opens == "{":
                    at = group_end(self.text, start)
            except FormulaError:
                return limit
        return min(at, limit)
