"""The files of the Logical Data Structure (ICAO 9303-10), one module for each."""

from dataclasses import dataclass

APPLICATION_ID = bytes.fromhex("A0000002471001")  # eMRTD application, ICAO 9303-10 §3.11.1


@dataclass(frozen=True, slots=True)
class ElementaryFile:
    """Name, file identifier, short identifier and outer tag of one file (9303-10 table 38)."""

    name: str
    file_id: int
    short_id: int
    tag: int


_DATA_GROUP_TAGS = (
    0x61, 0x75, 0x63, 0x76, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70,
)  # fmt: skip

EF_COM = ElementaryFile("EF.COM", 0x011E, 0x1E, 0x60)
EF_SOD = ElementaryFile("EF.SOD", 0x011D, 0x1D, 0x77)
DATA_GROUPS = {
    number: ElementaryFile(f"EF.DG{number}", 0x0100 + number, number, tag)
    for number, tag in enumerate(_DATA_GROUP_TAGS, start=1)
}
# The files of the master file (ICAO 9303-10 §3.11.2, ISO 7816-4 §12.2). Their contents are rows of
# data objects or a bare SET or SEQUENCE; `tag` is that of the first object.
EF_CARD_ACCESS = ElementaryFile("EF.CardAccess", 0x011C, 0x1C, 0x31)
EF_CARD_SECURITY = ElementaryFile("EF.CardSecurity", 0x011D, 0x1D, 0x30)
EF_ATR_INFO = ElementaryFile("EF.ATR/INFO", 0x2F01, 0x01, 0x43)
EF_DIR = ElementaryFile("EF.DIR", 0x2F00, 0x1E, 0x61)
MASTER_FILE_EFS = (EF_CARD_ACCESS, EF_CARD_SECURITY, EF_ATR_INFO, EF_DIR)

FILES_BY_NAME = {item.name: item for item in (EF_COM, EF_SOD, *DATA_GROUPS.values())}
FILES_BY_TAG = {item.tag: item for item in FILES_BY_NAME.values()}
MASTER_FILES_BY_NAME = {item.name: item for item in MASTER_FILE_EFS}
DATA_GROUP_BY_NAME = {item.name: number for number, item in DATA_GROUPS.items()}
