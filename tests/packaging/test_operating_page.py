"""docs/operating.md names what there is: every option, setting and metric, and a lawful unit."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import exam_server.metrics
from exam_server.serving import metrics_listener
from exam_server.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")


def test_the_page_names_every_metric_and_no_other() -> None:
    named = {name.removesuffix("_total") for name in re.findall(r"`(exam_\w+)", PAGE)}
    instruments = {family.name for family in REGISTRY.collect() if family.name.startswith("exam_")}
    listened = re.findall(r'"(exam_\w+)"', Path(metrics_listener.__file__).read_text("utf-8"))
    assert named == instruments | set(listened)
    assert exam_server.metrics.ACCEPTED == "accepted"


@pytest.mark.slow
def test_the_page_names_options_and_settings_that_exist() -> None:
    table = PAGE[PAGE.index("| option") : PAGE.index("## Several")]
    for setting in re.findall(r"`(\w+_?\w+)`", table):
        assert setting in Settings.model_fields or setting in ("text", "json"), setting
    help_text = subprocess.run(
        [sys.executable, "-m", "exam_server.cli", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in set(re.findall(r"`(--\w+)", table)):
        assert option in help_text


@pytest.mark.slow
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd here")
    block = re.search(r"```\n# /etc/systemd/system/exam-server.service\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    unit = tmp_path / "exam-server.service"
    # The program lies elsewhere here, and other services are not installed.
    text = block[1].replace("/opt/exam/.venv/bin/exam-server", sys.executable)
    unit.write_text(re.sub(r"(?m)^(After|Wants|User)=.*\n", "", text), "utf-8")
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "exam-server.service" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr
