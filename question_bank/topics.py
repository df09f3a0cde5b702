"""The tree of a subject's topics: what hangs below what, so that items are found by a chapter or by
a whole grade.

A tree is a TOML file: `subject`, and tables `[[topic]]` with `code`, `name` and, below another,
`parent`. Trees that come with the program are in `question_bank/topic_trees`.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from question_bank.errors import FileRefusedError

MAX_TOPICS = 5000
MAX_NAME = 200
MAX_CODE = 60


@dataclass(frozen=True, slots=True)
class Topic:
    """A node; `parent` is the code of the one above, empty at the top."""

    code: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class TopicTree:
    """The topics of a subject, every parent before its children. Raises FileRefusedError."""

    subject: str
    topics: tuple[Topic, ...]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for topic in self.topics:
            if topic.code in known:
                raise FileRefusedError(f"topic {topic.code}: stands in the tree twice")
            if topic.parent and topic.parent not in known:
                raise FileRefusedError(f"topic {topic.code}: {topic.parent} does not stand above")
            known.add(topic.code)

    def below(self, wanted: str) -> frozenset[str]:
        """All by which an item may name the topic `wanted` (a code or a name) or one below it."""
        inside: set[str] = set()
        named = {wanted}
        for topic in self.topics:
            if wanted in (topic.code, topic.name) or topic.parent in inside:
                inside.add(topic.code)
                named |= {topic.code, topic.name}
        return frozenset(named)

    def lines(self) -> Iterator[tuple[int, Topic]]:
        """(depth, topic), each followed by what is below it."""
        below: dict[str, list[Topic]] = {}
        for topic in self.topics:
            below.setdefault(topic.parent, []).append(topic)
        waiting = [(0, topic) for topic in reversed(below.get("", []))]
        while waiting:
            depth, topic = waiting.pop()
            yield depth, topic
            waiting += [(depth + 1, one) for one in reversed(below.get(topic.code, []))]


def read_topics(data: bytes, file: str) -> TopicTree:
    """The tree of a TOML file; raises FileRefusedError."""
    try:
        plain = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileRefusedError(f"{file}: no TOML: {' '.join(str(error).split())[:100]}") from None
    entries = plain.get("topic")
    if not isinstance(entries, list) or set(plain) != {"subject", "topic"}:
        raise FileRefusedError(f"{file}: write subject and [[topic]] tables, and nothing else")
    if len(entries) > MAX_TOPICS:
        raise FileRefusedError(f"{file}: more than {MAX_TOPICS} topics")
    subject = _text(plain["subject"], "subject", file, MAX_NAME)
    return TopicTree(subject, tuple(_topic(entry, file) for entry in entries))


def _topic(entry: object, file: str) -> Topic:
    if not isinstance(entry, dict) or not {"code", "name"} <= set(entry) <= {
        "code", "name", "parent",
    }:  # fmt: skip
        raise FileRefusedError(f"{file}: a topic has code and name, and may have a parent")
    return Topic(
        _text(entry["code"], "code", file, MAX_CODE),
        _text(entry["name"], "name", file, MAX_NAME),
        _text(entry["parent"], "parent", file, MAX_CODE) if "parent" in entry else "",
    )


def _text(value: object, what: str, file: str, most: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise FileRefusedError(f"{file}: {what} {str(value)[:40]!r}: write 1 to {most} characters")
    return value.strip()


def known_trees() -> tuple[TopicTree, ...]:
    """The trees that come with the program."""
    folder = files("question_bank") / "topic_trees"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=str)
    return tuple(read_topics(one.read_bytes(), one.name) for one in found)
