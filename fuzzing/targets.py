"""All targets, in the groups that a coverage-guided run takes one after another."""

from collections.abc import Mapping

from fuzzing.conversation import CONVERSATION
from fuzzing.forgeries import FORGERIES
from fuzzing.parsers import PARSERS
from fuzzing.readers import READERS
from fuzzing.target import Target

GROUPS: Mapping[str, tuple[Target, ...]] = {
    "parsers": PARSERS,
    "forgeries": FORGERIES,
    "conversation": (CONVERSATION,),
    "readers": READERS,
}
TARGETS: Mapping[str, Target] = {
    target.name: target for group in GROUPS.values() for target in group
}
