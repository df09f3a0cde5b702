"""The topic trees of the bank: those of its operator, else those that come with the program."""

from functools import cache

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.items.models import TopicNode
from question_bank.topics import Topic, TopicTree, known_trees


def trees(session: Session) -> dict[str, TopicTree]:
    """The tree of every subject that has one."""
    nodes: dict[str, list[Topic]] = {}
    for row in session.exec(
        select(TopicNode).order_by(col(TopicNode.subject), col(TopicNode.position))
    ):
        nodes.setdefault(row.subject, []).append(Topic(row.code, row.name, row.parent))
    own = {subject: TopicTree(subject, tuple(topics)) for subject, topics in nodes.items()}
    return dict(sorted((_known() | own).items()))


@cache
def _known() -> dict[str, TopicTree]:
    return {tree.subject: tree for tree in known_trees()}


def below(session: Session, subject: str, topic: str) -> frozenset[str]:
    """All by which items may name `topic` or what is below it; of every subject, where none is
    named."""
    found = trees(session)
    chosen = [found[subject]] if subject in found else [] if subject else list(found.values())
    return frozenset([topic]).union(*(tree.below(topic) for tree in chosen))


def put(session: Session, tree: TopicTree) -> None:
    """Makes `tree` the one of its subject."""
    session.exec(sa.delete(TopicNode).where(col(TopicNode.subject) == tree.subject))
    session.add_all(
        TopicNode(
            subject=tree.subject,
            position=position,
            code=topic.code,
            name=topic.name,
            parent=topic.parent,
        )
        for position, topic in enumerate(tree.topics)
    )
    session.flush()
