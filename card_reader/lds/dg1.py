"""EF.DG1: the machine readable zone (ICAO 9303-10 §4.7.1)."""

from card_reader import tlv
from card_reader.errors import MalformedFileError
from card_reader.lds import mrz
from card_reader.lds.mrz import Mrz

TAG = 0x61
_MRZ = 0x5F1F


def parse(raw: bytes) -> Mrz:
    outer = tlv.parse(raw)
    if outer.tag != TAG:
        raise MalformedFileError(f"EF.DG1 starts with tag {outer.tag:X}, not 61")
    return mrz.parse(tlv.find(outer.children(), _MRZ).value)


def encode(zone: Mrz) -> bytes:
    return tlv.encode(TAG, tlv.encode(_MRZ, mrz.encode(zone)))
