"""Which near-duplicates are found, and what is taken for one: recall and precision of the bank's
thresholds (`question_bank.duplicates.likeness`).

Writes build/bench/duplicates_found.json. Measured are pairs written by hand: `pairs.json`, from
which the thresholds were chosen, and `held_out.json`, written for checking them; where the shared
vectors are at hand, every two of the 260 items of six real papers, which are all different; and
copies of items of a made bank. `value` is the share of the held-out paraphrases that are found,
`ceiling` the same by rapidfuzz at the score at which it takes as many real items for duplicates.
"""

import itertools
import json
import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rapidfuzz import fuzz

from benchmarks._alike_items import FOLDER, ROOT, WAYS, Writer, by_hand, made, text_of
from question_bank.duplicates import Index, Likeness, compare, sketch_of, traits_of
from question_bank.duplicates.index import candidates
from question_bank.interchange.word import read_word
from question_bank.item import Item

VECTORS = ROOT / "../shared/vectors/vn"
FILES = ("pairs.json", "held_out.json")
BANK, COPIES, SEED = 1000, 300, 7
Pair = tuple[Item, Item]


def main() -> None:
    real = _real_pairs(VECTORS)
    scores = sorted((_peer(*pair) for pair in real), reverse=True)
    taken = sum(_taken(*pair) for pair in real)
    # rapidfuzz at the score at which it takes just as many of the real pairs
    score = scores[taken] + 1e-9 if real else 90.0
    details: dict[str, object] = {"folder": str(FOLDER.relative_to(ROOT))}
    for file in FILES:
        for kind in ("paraphrases", "others"):
            pairs = by_hand(file, kind)
            details[f"{file} {kind}"] = {
                "pairs": len(pairs),
                "taken": sum(_taken(*pair) for pair in pairs),
                "by_traits": sum(_by_traits(*pair) for pair in pairs),
                "rapidfuzz": sum(_peer(*pair) >= score for pair in pairs),
            }
    details["real_papers"] = {"pairs": len(real), "taken": taken, "rapidfuzz_from": round(score, 1)}
    details["copies"] = _copies()
    held = details["held_out.json paraphrases"]
    assert isinstance(held, dict)
    value, ceiling = held["taken"] / held["pairs"], held["rapidfuzz"] / held["pairs"]
    result = {
        "name": "duplicates_found",
        "value": round(value, 3),
        "unit": "share of the held-out paraphrases that are found",
        "ceiling": round(ceiling, 3),
        "ratio": round(value / ceiling, 3) if ceiling else None,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": details,
    }
    target = ROOT / "build" / "bench" / "duplicates_found.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def _taken(a: Item, b: Item) -> bool:
    """Whether they are told as one question, not only as having the same stem."""
    alike = compare(sketch_of(a), sketch_of(b))
    return alike is not None and alike.likeness is not Likeness.SAME_STEM


def _by_traits(a: Item, b: Item) -> bool:
    """Whether `a` is among those that `b` is compared with in a bank."""
    holders = dict.fromkeys(traits_of(sketch_of(a)).all, ("a",))
    return "a" in candidates(traits_of(sketch_of(b)), holders).names


def _peer(a: Item, b: Item) -> float:
    return fuzz.token_sort_ratio(text_of(a), text_of(b))


def _real_pairs(folder: Path) -> Sequence[Pair]:
    """Every two items of the papers in the folder; none where it is not at hand."""
    if not folder.exists():
        return ()
    names: Iterable[str] = json.loads((folder / "expected.json").read_text())
    files = [folder / f"{name}.docx" for name in names]
    items = [item for file in files for item in read_word(file.read_bytes(), file.name).items]
    return list(itertools.combinations(items, 2))


def _copies() -> dict[str, str]:
    """Copies of a made bank's items, by how they were made: how many are named as its."""
    writer = Writer(SEED)
    told = dict(writer.bank(BANK))
    index = Index()
    for name, (stem, options) in told.items():
        index.add(name, sketch_of(made(name, stem, options)))
    found, asked = Counter[str](), Counter[str]()
    for number, name in enumerate(list(told)[:COPIES]):
        how = WAYS[number % len(WAYS)]
        copy = writer.copy(how, "copy", told[name])
        asked[how] += 1
        found[how] += name in {one.name for one in index.like(sketch_of(copy)).listed}
    return {how: f"{found[how]} of {asked[how]}" for how in WAYS}


if __name__ == "__main__":
    main()
