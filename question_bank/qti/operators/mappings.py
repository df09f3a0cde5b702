"""Mappings of responses, lookup tables, and areas of pictures."""

from typing import cast

from question_bank.qti.operators.arithmetic import total
from question_bank.qti.operators.table import IllTypedError, Operands, Operator
from question_bank.qti.program import (
    AreaMapping,
    Expression,
    InterpolationTable,
    MapEntry,
    MatchTable,
    Shape,
    Table,
    ValueMapping,
)
from question_bank.qti.run import Run
from question_bank.qti.values import (
    MAX_COORDINATE,
    NUMERIC,
    TEXTUAL,
    Single,
    Value,
    boolean,
    identity,
    members_of,
    number,
)

Point = tuple[float, float]
MAX_COORDS = 1000


def _map_response(expression: Expression, _: Operands, run: Run) -> Value | None:
    identifier = expression.attributes.get("identifier", "")
    value, declaration = run.variable(identifier), run.declarations.get(identifier)
    if declaration is None or declaration.mapping is None:
        run.notice(f"mapResponse: {identifier[:60]} has no mapping; its responses are worth 0")
        return Single("float", 0.0)
    if value is None and declaration.cardinality == "single":
        mapping = declaration.mapping
        return number(mapping.bounds.kept(mapping.default))
    members = members_of(value)
    run.spend(len(members) * len(declaration.mapping.entries))
    return number(float(mapped(declaration.mapping, members)))


def mapped(mapping: ValueMapping, members: tuple[Single, ...]) -> float:
    """What the values are worth together: each counts once, however often it is there."""
    distinct = {identity(member): member for member in members}
    return mapping.bounds.kept(total(_worth(mapping, member) for member in distinct.values()))


def _worth(mapping: ValueMapping, value: Single) -> float:
    for entry in mapping.entries:
        if _is_key(entry, value):
            return entry.worth
    return mapping.default


def _is_key(entry: MapEntry, value: Single) -> bool:
    if not entry.case_sensitive and value.base_type in TEXTUAL:
        return str(entry.key.data).casefold() == str(value.data).casefold()
    return identity(entry.key) == identity(value)


def _map_response_point(expression: Expression, _: Operands, run: Run) -> Value | None:
    identifier = expression.attributes.get("identifier", "")
    value, declaration = run.variable(identifier), run.declarations.get(identifier)
    if declaration is None or declaration.areas is None:
        run.notice(f"mapResponsePoint: {identifier[:60]} has no areaMapping; it is worth 0")
        return Single("float", 0.0)
    points = [cast("Point", m.data) for m in members_of(value) if m.base_type == "point"]
    run.spend(len(points) * len(declaration.areas.areas))
    return number(_mapped_points(declaration.areas, points))


def _mapped_points(mapping: AreaMapping, points: list[Point]) -> float:
    """Each area counts once; a point belongs to the first area it is in."""
    used: set[int] = set()
    worths = [0.0 if points else mapping.default]
    for point in points:
        for index, (shape, worth) in enumerate(mapping.areas):
            if is_inside(shape, point):
                worths.append(0.0 if index in used else worth)
                used.add(index)
                break
        else:
            worths.append(mapping.default)
    return mapping.bounds.kept(total(worths))


def is_inside(shape: Shape, point: Point) -> bool:
    """Whether a point is in a region; its edge belongs to it."""
    x, y = point
    match shape.name, shape.coords:
        case "default", _:
            return True
        case "circle", (cx, cy, radius):
            return (x - cx) ** 2 + (y - cy) ** 2 <= radius**2
        case "ellipse", (cx, cy, rx, ry):
            return (x - cx) ** 2 * ry**2 + (y - cy) ** 2 * rx**2 <= (rx * ry) ** 2
        case "rect", (left, top, right, bottom):
            between_x = min(left, right) <= x <= max(left, right)
            return between_x and min(top, bottom) <= y <= max(top, bottom)
        case "poly", coords:
            return _is_in_polygon(list(zip(coords[::2], coords[1::2], strict=True)), point)
        case _:
            return False


def _is_in_polygon(corners: list[Point], point: Point) -> bool:
    """Even-odd rule; points on an edge are inside."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        turn = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        on_edge = min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)
        if turn == 0 and on_edge:
            return True
        if (y1 > y) != (y2 > y) and (turn > 0) == (y2 > y1):
            inside = not inside
    return inside


def _inside(expression: Expression, operands: Operands, _: Run) -> Value | None:
    """Whether any of the points is in the shape."""
    value = operands[0]
    if value is None:
        return None
    points = [cast("Point", m.data) for m in members_of(value) if m.base_type == "point"]
    shape = shape_of(
        expression.attributes.get("shape", ""), expression.attributes.get("coords", "")
    )
    if not points or shape is None:
        raise IllTypedError
    return boolean(any(is_inside(shape, point) for point in points))


def shape_of(name: str, coords: str) -> Shape | None:
    """The region that the attributes describe; None where they describe none."""
    try:
        places = tuple(float(part) for part in coords.split(",") if part.strip())
    except ValueError:
        return None
    if len(places) > MAX_COORDS or not all(abs(place) <= MAX_COORDINATE for place in places):
        return None
    match name:
        case "default":
            return Shape("default", ())
        case "circle" if len(places) == 3 and places[2] >= 0:
            return Shape("circle", places)
        case "rect" if len(places) == 4:
            return Shape("rect", places)
        case "ellipse" if len(places) == 4 and min(places[2:]) >= 0:
            return Shape("ellipse", places)
        case "poly" if len(places) >= 6 and len(places) % 2 == 0:
            return Shape("poly", places)
        case _:
            return None


def looked_up(table: Table, value: Value | None) -> Value | None:
    """What the table says of a number; the default where it says nothing, or of NULL."""
    if not isinstance(value, Single) or value.base_type not in NUMERIC:
        return table.default
    source = value.data
    if not isinstance(source, int | float):
        return table.default
    match table:
        case MatchTable(entries=entries, default=default):
            return entries[int(source)] if source in entries else default
        case InterpolationTable(entries=steps, default=default):
            for lower, includes, target in steps:
                if source > lower or (includes and source == lower):
                    return target
            return default


def _lookup_table(expression: Expression, operands: Operands, _: Run) -> Value | None:
    """Beyond the standard: a lookup with a table of its own."""
    return None if expression.table is None else looked_up(expression.table, operands[0])


MAPPINGS = {
    "mapresponse": Operator(_map_response, 0, 0),
    "mapresponsepoint": Operator(_map_response_point, 0, 0),
    "inside": Operator(_inside, 1, 1),
    "lookuptable": Operator(_lookup_table, 1, 1),
}
