"""Takes the photographs used by the demo and the tests from face_recognition's source archive.

They show real people, so they are fetched, checked against a pinned hash and kept outside git.
Usage: photographs.py FOLDER
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REQUIREMENT = Path(__file__).parent.parent / "requirements" / "photographs.txt"
WANTED = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")


def fetch_archive(folder: Path) -> Path:
    """Downloads the pinned source archive into `folder` and returns its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes"]
    subprocess.run([*command, "-d", str(folder), "-r", str(REQUIREMENT)], check=True)
    return next(folder.glob("face*recognition-*.tar.gz"))


def extract(archive: Path, target: Path) -> None:
    """Copies the wanted pictures, by name only, from `archive` to `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name)
            if name.parent.name == "test_images" and name.name in WANTED:
                content = tar.extractfile(member)
                if content is not None:
                    (target / name.name).write_bytes(content.read())
    missing = [name for name in WANTED if not (target / name).exists()]
    if missing:
        raise SystemExit(f"photographs: the archive lacks {', '.join(missing)}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        extract(fetch_archive(Path(folder)), Path(sys.argv[1]))


if __name__ == "__main__":
    main()
