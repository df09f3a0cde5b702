"""``make demo``: prints a timeline, leaves pictures in ``build/demo/screens``, exits 0 if all went
as it must. DEGRADED (no PC/SC) is said, and is a failure where CI is set."""

import argparse
import os
import sys
from pathlib import Path

from demo.timeline import ActFailedError, Timeline
from rig.processes import ProcessFailedError

FOLDER = Path("build") / "demo"


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--interactive", action="store_true")
    options = parser.parse_args()
    if options.interactive:
        from demo.interactive import run

        return run(FOLDER)
    return _play()


def _play() -> int:
    from demo.journey import play

    timeline = Timeline()
    try:
        play(FOLDER, timeline)
    except (ActFailedError, ProcessFailedError) as error:
        print(f"demo: FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        FOLDER.mkdir(parents=True, exist_ok=True)
        timeline.save(FOLDER / "timeline.json")
    if timeline.degraded:
        print(f"demo: DEGRADED ({'; '.join(timeline.degraded)})", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    print(f"demo: all {len(timeline.acts)} acts went as they must, {timeline.elapsed:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
