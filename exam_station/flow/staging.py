"""What has to lie on the station before the start: the room kit and its sealed packages."""

from dataclasses import replace

from exam_server.contract.api import ShiftState
from exam_station.flow import effects, events
from exam_station.flow.effects import Effect
from exam_station.flow.states import State

Step = tuple[State, tuple[Effect, ...]]


def due(state: State) -> Step:
    """Fetches what the seat's news say is missing here."""
    state, equipping = _equip(state)
    state, staging = _stage(state)
    return state, (*equipping, *staging)


def _equip(state: State) -> Step:
    present = state.seat.kit if state.seat else None
    here = state.kit.version if state.kit else None
    if present is None or present == here or state.fetching_kit:
        return state, ()
    return replace(state, fetching_kit=True), (effects.FetchKit(present),)


def _stage(state: State) -> Step:
    wanted = tuple(state.seat.packages) if state.seat else ()
    if not missing(state) or state.staging:
        return state, ()
    return replace(state, staging=True), (effects.StagePackages(wanted, state.staged),)


def kit_kept(state: State, event: events.KitKept) -> Step:
    return replace(state, kit=event.kit, fetching_kit=False), ()


def packages_staged(state: State, event: events.PackagesStaged) -> State:
    state = replace(state, staged=event.packages, staging=False)
    return counted(replace(state, staging_failed=bool(missing(state))))


def missing(state: State) -> frozenset[str]:
    """The packages that should be here and are not."""
    wanted = state.seat.packages if state.seat else ()
    return frozenset(package.id for package in wanted) - state.staged


def counted(state: State) -> State:
    """`state` with the number of packages that idle screens show."""
    wanted = len(state.seat.packages) if state.seat else 0
    packages = (wanted - len(missing(state)), wanted)
    return replace(state, status=replace(state.status, packages=packages))


def is_wanting(state: State) -> bool:
    """Whether the station says, before the candidates come, that it could not get its packages.
    Later it serves all the same, for it gets the one that it needs at the start."""
    if state.seat is None or state.seat.frozen is None or state.seat.shift is None:
        return False
    early = state.seat.shift.state is ShiftState.PLANNED
    return early and state.staging_failed and bool(missing(state))


def whole_kit(state: State) -> bytes | None:
    """The version of the kit here, once every package of it is here, too."""
    kit = state.kit
    return kit.version if kit is not None and kit.packages <= state.staged else None
