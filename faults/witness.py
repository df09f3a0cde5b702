"""What robots have written down as it happened, outside of what is killed."""

import json
from pathlib import Path
from typing import Any


def witness_lines(path: Path, after: int = 0) -> list[dict[str, Any]]:
    """The whole lines behind the first `after` bytes; a last one that was cut short is none."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(after)
        lines = file.read().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]
