"""``make bench [NAME=…]``: runs one benchmark, or all; each writes ``build/bench/NAME.json``."""

import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    # a name that Python keeps for itself has an underscore behind it: `import_`
    stems = {file.stem.rstrip("_"): file.stem for file in FOLDER.glob("[!_]*.py")}
    names = sorted(stems)
    wanted = sys.argv[1:] or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        print(
            f"bench: no benchmark {', '.join(unknown)}; there are: {', '.join(names)}",
            file=sys.stderr,
        )
        return 2
    for name in wanted:
        runpy.run_module(f"benchmarks.{stems[name]}", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
