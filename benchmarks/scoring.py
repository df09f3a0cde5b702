"""Responses to choice items scored a second: by the bank's own policies and by the QTI engine.

Writes build/bench/scoring.json. `value` is the slower of the two on one core; `ceiling` what the
same core does of the least that any scoring in Python must do (a response looked up in a table of
marks, and the mark added up), measured in the same run.
"""

import json
import os
import platform
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median

from question_bank.interchange.qti3_writer import write_item
from question_bank.item import AllOrNothing, ChoiceKey, Item, ItemMetadata, Option, SingleChoice
from question_bank.qti import processed, read_program
from question_bank.qti.values import Single
from question_bank.response import ChoiceResponse
from question_bank.scoring import score

ROOT = Path(__file__).parents[1]
BUDGET = 20_000
RESPONSES = 20_000
ROUNDS = 5
LETTERS = "ABCD"
# match_correct is what the writer makes of a choice item; the others are the engine's other ways.
MAPPED = b"""<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="m"
 title="m" adaptive="false" timeDependent="false">
 <responseDeclaration identifier="RESPONSE" cardinality="multiple" baseType="identifier">
 <mapping lowerBound="0" defaultValue="0"><mapEntry mapKey="A" mappedValue="0.5"/>
 <mapEntry mapKey="B" mappedValue="0.5"/><mapEntry mapKey="C" mappedValue="-0.5"/></mapping>
 </responseDeclaration>
 <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>
 <responseProcessing template="http://www.imsglobal.org/question/qti_v2p2/rptemplates/map_response"/>
</assessmentItem>"""


def choice_item() -> Item:
    options = tuple(Option(letter, f"<p>{letter}</p>") for letter in LETTERS)
    return Item(
        id="bench",
        version=1,
        stem="<p>?</p>",
        interaction=SingleChoice(options),
        key=ChoiceKey(("B",)),
        scoring=AllOrNothing(),
        points=Decimal("0.25"),
        metadata=ItemMetadata(),
    )


def per_second(work: Callable[[], object]) -> float:
    """Responses a second: the median of several rounds."""
    work()
    rates = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        rates.append(RESPONSES / (time.perf_counter() - begin))
    return median(rates)


def measure() -> dict[str, float]:
    item = choice_item()
    letters = [LETTERS[number % 4] for number in range(RESPONSES)]
    program = read_program(write_item(item), "bench.xml")
    mapped = read_program(MAPPED, "mapped.xml")
    table = {letter: Decimal("0.25") if letter == "B" else Decimal(0) for letter in LETTERS}

    def by_policies() -> Decimal:
        return sum((score(item, ChoiceResponse((one,))).raw for one in letters), Decimal(0))

    def by_engine() -> float:
        total = 0.0
        for one in letters:
            mark = processed(program, {"RESPONSE": one}, seed=b"bench").outcomes["SCORE"]
            assert isinstance(mark, Single) and isinstance(mark.data, float)
            total += mark.data
        return total

    def by_mapping() -> None:
        for one in letters:
            processed(mapped, {"RESPONSE": ["A", one]}, seed=b"bench")

    def least() -> Decimal:
        return sum((table[one] for one in letters), Decimal(0))

    right = Decimal(RESPONSES) / 4 * Decimal("0.25")
    if not by_policies() == least() == right or by_engine() != float(right):
        raise SystemExit("scoring: the marks of the benchmark are wrong")
    return {
        "policies_per_second": per_second(by_policies),
        "engine_per_second": per_second(by_engine),
        "engine_map_response_per_second": per_second(by_mapping),
        "least_per_second": per_second(least),
    }


def main() -> None:
    details = measure()
    value = min(details["policies_per_second"], details["engine_per_second"])
    ceiling = details["least_per_second"]
    result = {
        "name": "scoring",
        "value": round(value),
        "unit": "responses to choice items per second on one core",
        "ceiling": round(ceiling),
        "ratio": round(value / ceiling, 4),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {name: round(rate) for name, rate in details.items()}
        | {
            "responses": RESPONSES,
            "rounds": ROUNDS,
            "budget": BUDGET,
            "in_budget": value >= BUDGET,
        },
    }
    target = ROOT / "build" / "bench" / "scoring.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
