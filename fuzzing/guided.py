"""Coverage-guided fuzzing of one group of targets, with atheris (libFuzzer for Python).

    python -m fuzzing.guided GROUP [libFuzzer's options] CORPUS_FOLDER

A case of a group is one byte that names the target, and the target's case.  A case that fails is
kept without that byte.
"""

import json
import logging
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["card_reader"]):
    from fuzzing import corpus, findings, memory
    from fuzzing.mutation import RECORD, changed, changes_of
    from fuzzing.targets import GROUPS

SCRIPTS = 64
MAX_SEED = 16 * 1024


def write_seeds(group: str, folder: Path) -> None:
    """The cases to start from: the seeds of each target, and some scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    random = corpus.rng_of(corpus.SEED)
    for number, target in enumerate(GROUPS[group]):
        scripts = [random.randbytes(1 + RECORD * (n % 8)) for n in range(SCRIPTS)]
        for at, seed in enumerate(scripts if target.script else target.seeds()):
            if len(seed) < MAX_SEED:
                (folder / f"seed-{number}-{at}").write_bytes(bytes([number]) + seed)


def main() -> None:
    group, *options, folder = sys.argv[1:]
    targets = GROUPS[group]
    write_seeds(group, Path(folder))
    logging.disable(logging.CRITICAL)
    random = corpus.rng_of(corpus.SEED)

    def run(raw: bytes) -> None:
        target, case = targets[(raw[0] if raw else 0) % len(targets)], raw[1:]
        try:
            target.run(case)
        except BaseException as error:
            path = findings.keep(target.name, case)
            finding = json.dumps(findings.named(target.name, path, error))
            print(f"FINDING {finding}", file=sys.stderr)
            raise

    def mutate(raw: bytes, most: int, seed: int) -> bytes:
        """Half the time a change that keeps the lengths right, else libFuzzer's own."""
        random.seed(seed)
        target = targets[(raw[0] if raw else 0) % len(targets)]
        if target.script or not raw or seed & 1:
            mutated: bytes = atheris.Mutate(raw, most)
            return mutated
        return raw[:1] + changed(raw[1:], changes_of(random.randbytes(RECORD)))[: most - 1]

    limit = (memory.resident() + memory.MAX_ABOVE_IDLE) // (1024 * 1024)
    arguments = [sys.argv[0], f"-rss_limit_mb={limit}", *options, folder]
    atheris.Setup(arguments, run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
