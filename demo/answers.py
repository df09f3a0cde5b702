"""What the candidates answer, from files in fixtures: JSON that was made, TOML written by hand."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures"
MATHS = FIXTURES / "demo" / "answers.json"
SCIENCE = FIXTURES / "science" / "answers.toml"


def personas(path: Path) -> Mapping[str, Any]:
    """By name: `answers` (words of a stem → the answer), and what they are expected to earn."""
    text = path.read_text("utf-8")
    read = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    found: Mapping[str, Any] = read["personas"]
    return found
