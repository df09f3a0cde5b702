"""Cases that failed, kept as files of their own, named by target and digest."""

from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUZZ = ROOT / "build" / "fuzz"
FOLDER = FUZZ / "findings"


def keep(target: str, case: bytes) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    safe = target.replace("/", "-")
    path = FOLDER / f"{safe}-{sha256(case).hexdigest()[:16]}"
    path.write_bytes(case)
    return path


def named(target: str, path: Path, error: BaseException) -> dict[str, str]:
    """One finding for people, with the way to see it again."""
    lines = str(error).splitlines() or [""]
    return {
        "target": target,
        "what": f"{type(error).__name__}: {lines[0][:200]}",
        "again": f"python -m fuzzing --target {target} --case {path.relative_to(ROOT)}",
    }
