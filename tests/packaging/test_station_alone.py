"""The station installs and runs from its own dependencies, without the server's."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVER_ONLY = ("fastapi", "sqlmodel", "sqlalchemy", "starlette", "uvicorn", "jinja2", "openpyxl")

#: `dlib-bin` provides the module that `face-recognition` asks for as `dlib`.
PROVIDED = {"dlib": "dlib-bin"}


def closure(name: str, extras: set[str]) -> set[str]:
    """The names of all distributions that `name` with `extras` needs, itself left out."""
    found: set[str] = set()
    open_ends = [(name, extras)]
    while open_ends:
        current, wanted = open_ends.pop()
        for text in metadata.requires(current) or []:
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in wanted or {""}]
            marker = requirement.marker
            if marker and not any(marker.evaluate(each) for each in environments):
                continue
            needed = canonicalize_name(requirement.name)
            needed = PROVIDED.get(needed, needed)
            if needed not in found:
                found.add(needed)
                open_ends.append((needed, set(requirement.extras)))
    return found


def put(source: str, target: str) -> None:
    """A hard link where the file system allows one: some packages look where they really lie."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def put_distribution(name: str, target: Path) -> None:
    """Puts everything there that the distribution put into site-packages."""
    distribution = metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or () if ".." not in file.parts}
    for top in tops - {"__pycache__"}:
        source = Path(str(distribution.locate_file(top)))
        place = target / top
        if place.exists():
            continue
        if source.is_dir():
            shutil.copytree(source, place, copy_function=put)
        elif source.exists():
            put(str(source), str(place))


@pytest.fixture(scope="module")
def station_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = tmp_path_factory.mktemp("sources")
    for package in ("card_reader", "question_bank", "exam_server", "exam_station"):
        shutil.copytree(
            ROOT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, sources / file)
    target = tmp_path_factory.mktemp("station")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*command, str(sources)], check=True, capture_output=True)
    for name in closure("truong-thi", {"station"}):
        put_distribution(name, target)
    return target


def run_alone(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` with Python's own library and `folder`, nothing else."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    command = [sys.executable, "-I", "-S", "-c", program]
    environment = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=280, check=False, env=environment
    )


@pytest.mark.slow
@pytest.mark.parametrize("package", SERVER_ONLY)
def test_the_servers_packages_are_really_absent(station_folder: Path, package: str) -> None:
    done = run_alone(station_folder, f"import {package}")
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.slow
def test_every_module_of_the_station_imports(station_folder: Path) -> None:
    code = (
        "import pkgutil, importlib, exam_station\n"
        "names = [m.name for m in pkgutil.walk_packages(exam_station.__path__, 'exam_station.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))"
    )
    done = run_alone(station_folder, code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


@pytest.mark.slow
def test_the_stations_command_runs(station_folder: Path, tmp_path: Path) -> None:
    call = f"['selftest', '--json', '--data', {str(tmp_path)!r}]"
    code = f"from exam_station.cli import main; sys.exit(main({call}))"
    done = run_alone(station_folder, code)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
