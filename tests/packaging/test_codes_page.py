"""docs/codes.md lists the codes as they are."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_codes_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("codes_page", ROOT / "scripts" / "codes_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "codes.md").read_text("utf-8")
    assert written == module.page(), "run scripts/codes_page.py"
    assert "|  |\n" not in written, "a code without a meaning"
