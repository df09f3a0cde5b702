"""Who sits where, as far as the harness has moved them."""

import json
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Move:
    """`source` and `target` are groups of stations; `seat` is the name of a free one."""

    placement: str
    attempt: str
    source: int
    target: int
    seat: str


class Seats:
    """Every group keeps somebody, so that each of them goes on writing."""

    def __init__(
        self, groups: dict[str, int], placed: dict[str, str], attempts: dict[str, str]
    ) -> None:
        """`groups` by seat; `placed` (the seat) and `attempts` by placement."""
        self._groups, self._placed, self._attempts = groups, placed, attempts

    @classmethod
    def of(cls, plan: Path, members: int) -> "Seats":
        """As the plan has it: so many candidates a group, and one spare seat each."""
        document = json.loads(plan.read_text("utf-8"))
        people = [one for one in document["candidates"] if one["attempt"] is not None]
        groups = {one["seat"]: number // members for number, one in enumerate(people)}
        groups |= {one["seat"]: number for number, one in enumerate(document["spare"])}
        placed = {one["placement"]: one["seat"] for one in people}
        return cls(groups, placed, {one["placement"]: one["attempt"] for one in people})

    def draw(self, rng: random.Random) -> Move:
        """A move that can be made now, from one group to another."""
        free = sorted(set(self._groups) - set(self._placed.values()))
        here = [self._groups[seat] for seat in self._placed.values()]
        possible = [
            Move(placement, self._attempts[placement], source, self._groups[target], target)
            for placement, seat in sorted(self._placed.items())
            for target in free
            if here.count(source := self._groups[seat]) > 1 and self._groups[target] != source
        ]
        return rng.choice(possible)

    @property
    def anybody(self) -> str:
        """The placement of somebody."""
        return min(self._placed)

    def moved(self, move: Move) -> None:
        self._placed[move.placement] = move.seat
