"""EF.DG2 part by part, right or wrong (ICAO 9303-10 §4.7.2, ISO/IEC 19794-5 §5.4 to §5.7)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

from card_reader import tlv

SIZE = (60, 80)
PATRON, TYPE, OWNER, FORMAT = 0x80, 0x81, 0x87, 0x88
HEADER: Mapping[int, bytes] = {
    PATRON: b"\x01\x01",
    TYPE: b"\x02",
    OWNER: b"\x01\x01",
    FORMAT: b"\x00\x08",
}
JPEG, JPEG2000 = 0, 1
POINT = bytes.fromhex("01B1001000140000")  # type, code, x, y, reserved


def picture(kind: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", SIZE, "tan").save(out, "JPEG" if kind == JPEG else "JPEG2000")
    return out.getvalue()


@dataclass(frozen=True)
class Face:
    """Every part of the file that a test may change; an empty part is left out."""

    tag: int = 0x75
    instances: bytes = b"\x01"
    header: Mapping[int, bytes] = field(default_factory=lambda: HEADER)
    record_format: bytes = b"FAC\x00"
    record_version: bytes = b"010\x00"
    points: bytes = b""
    stated_points: int | None = None
    gender: int = 1
    eyes: int = 1
    hair: int = 1
    angles: bytes = bytes(3)
    uncertainties: bytes = bytes(3)
    image_type: int = 1  # full frontal
    data_type: int = JPEG
    stated_data_type: int | None = None
    block: bool = True
    missing_length: int = 0  # bytes by which the image's block states too few

    def file(self) -> bytes:
        header = tlv.encode(0xA1, b"".join(tlv.encode(*row) for row in self.header.items()))
        block = tlv.encode(0x5F2E, self._record()) if self.block else b""
        count = tlv.encode(0x02, self.instances) if self.instances else b""
        group = tlv.encode(0x7F61, count + tlv.encode(0x7F60, header + block))
        return tlv.encode(self.tag, group)

    def _record(self) -> bytes:
        face = self._face()
        length = 14 + len(face)
        return self.record_format + self.record_version + struct.pack(">IH", length, 1) + face

    def _face(self) -> bytes:
        data = picture(self.data_type)
        stated = self.data_type if self.stated_data_type is None else self.stated_data_type
        points = len(self.points) // 8 if self.stated_points is None else self.stated_points
        image = struct.pack(">BBHHBBHH", self.image_type, stated, *SIZE, 1, 0, 0, 0)
        length = 20 + len(self.points) + len(image) + len(data) - self.missing_length
        described = struct.pack(">BBB", self.gender, self.eyes, self.hair) + bytes(3) + bytes(2)
        described += self.angles + self.uncertainties
        return struct.pack(">IH", length, points) + described + self.points + image + data
