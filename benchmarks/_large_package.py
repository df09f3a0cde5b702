"""A QTI package of 200 MB of pictures, and its import in a process of its own.

Run as a program (`python -m benchmarks._large_package FILE BANK`) it is that process: it does what
`question-bank import` does and prints the most memory that it ever had resident.
"""

import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from question_bank.cli import main

MEGABYTE = 1_000_000
SIZE = 200 * MEGABYTE
LIMIT = 500 * MEGABYTE
SIDE = 512
_STATUS = Path("/proc/self/status")
_ITEM = """<?xml version="1.0" encoding="UTF-8"?>
<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="hinh-{n}"
 title="Hình {n}" time-dependent="false"><qti-response-declaration identifier="RESPONSE"
 cardinality="single" base-type="identifier"><qti-correct-response><qti-value>A</qti-value>
</qti-correct-response></qti-response-declaration><qti-outcome-declaration identifier="SCORE"
 cardinality="single" base-type="float"/><qti-item-body><p>Hình {n}: <img src="../hinh/{n}.png"
 alt="hình {n}"/></p><qti-choice-interaction response-identifier="RESPONSE" max-choices="1">
<qti-simple-choice identifier="A">đúng</qti-simple-choice><qti-simple-choice identifier="B">sai
</qti-simple-choice></qti-choice-interaction></qti-item-body><qti-response-processing
 template="https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct.xml"/>
</qti-assessment-item>"""
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest xmlns="http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1" identifier="M"><resources>
{}</resources></manifest>"""
_RESOURCE = (
    '<resource identifier="r{n}" type="imsqti_item_xmlv3p0" href="cau/{n}.xml">'
    '<file href="cau/{n}.xml"/><file href="hinh/{n}.png"/></resource>\n'
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What the process said: how many items, and its peak of resident memory in bytes."""

    items: int
    resident: int


def write_package(file: Path, size: int = SIZE) -> int:
    """Writes a package of at least `size` bytes; gives how many items it has."""
    noise = random.Random(5)
    count = 0
    with zipfile.ZipFile(file, "w") as archive:
        while archive.fp is not None and archive.fp.tell() < size:
            count += 1
            archive.writestr(f"hinh/{count}.png", _png(noise))
            archive.writestr(f"cau/{count}.xml", _ITEM.format(n=count), zipfile.ZIP_DEFLATED)
        listed = "".join(_RESOURCE.format(n=n) for n in range(1, count + 1))
        archive.writestr("imsmanifest.xml", _MANIFEST.format(listed), zipfile.ZIP_DEFLATED)
    return count


def _png(noise: random.Random) -> bytes:
    """A picture that cannot be compressed: grey noise."""
    rows = b"".join(b"\0" + noise.randbytes(SIDE) for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def figures(folder: Path) -> Mapping[str, object]:
    """Makes the package in `folder`, imports it, removes both; what that took."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        file, bank = Path(made) / "large.zip", Path(made) / "bank"
        wanted, size = write_package(file), file.stat().st_size
        command = [sys.executable, "-m", "benchmarks._large_package", str(file), str(bank)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = Imported(**json.loads(done.stdout))
    return {
        "items": found.items,
        "wanted": wanted,
        "bytes": size,
        "resident_bytes": found.resident,
        "limit_bytes": LIMIT,
        "within_limit": found.resident <= LIMIT and found.items == wanted,
    }


def import_here(file: str, bank: str) -> Imported:
    """Imports in this process."""
    printed = StringIO()
    with redirect_stdout(printed):
        main(["import", file, "--bank", bank, "--json"])
    peak = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    return Imported(json.loads(printed.getvalue())["imported"], int(peak[1]) * 1024 if peak else 0)


if __name__ == "__main__":
    taken = import_here(sys.argv[1], sys.argv[2])
    print(json.dumps({"items": taken.items, "resident": taken.resident}))
