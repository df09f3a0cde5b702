"""The commands of the README do what it says, as written."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, f"make {target}"


def test_every_file_that_the_readme_points_to_exists() -> None:
    paths = re.findall(r"\]\(([^):]+)\)", README)
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.slow
def test_the_commands_by_hand_run_as_written(tmp_path: Path) -> None:
    block = re.search(r"<!-- tested -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert block is not None
    for name in (".venv", "fixtures"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block[1]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tt1." in done.stdout
    assert (tmp_path / "build" / "try" / "restored" / "keys.json").exists()
