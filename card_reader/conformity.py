"""Whether files keep the form that their standards demand, beyond what their trust rests on.

Real issuers depart from it, and a genuine document is not refused for that: a signature says more
than a version number, and EF.COM and EF.ATR/INFO are signed by nobody.  An inspection that is to
refuse such documents all the same asks here (:attr:`card_reader.examination.Policy.strict`).
"""

from collections.abc import Iterable, Mapping, Sequence

from card_reader import tlv
from card_reader.errors import CardError
from card_reader.lds import EF_ATR_INFO, EF_COM, atr_info, com
from card_reader.lds.dg2 import FaceImage
from card_reader.lds.sod import Sod
from card_reader.trust.certificates import Certificate

FIRST_LDS_VERSION, FIRST_SIGNED_LDS_VERSION = "0107", "0108"
UNICODE_VERSION = "040000"
_VERSION, _EXTENSIONS, _VERSION_3 = 0xA0, 0xA3, b"\x02\x01\x02"
_BOOLEAN, _UTC_TIME, _GENERALISED_TIME = 0x01, 0x17, 0x18
_FIRST_GENERALISED_YEAR = b"2050"
_KEY_USAGE, _COUNTRY = bytes.fromhex("551D0F"), bytes.fromhex("550406")


def files_are_regular(
    files: Mapping[str, bytes], sod: Sod | None, portraits: Sequence[FaceImage]
) -> bool:
    """EF.SOD, the portraits of EF.DG2, EF.COM, and EF.ATR/INFO where it was read."""
    return (
        not any(portrait.deviations for portrait in portraits)
        and (sod is None or _is_regular_sod(sod))
        and (sod is None or _is_regular_com(files.get(EF_COM.name), sod))
        and _is_regular_atr_info(files.get(EF_ATR_INFO.name))
    )


def signer_is_regular(signer: Certificate, anchors: Iterable[Certificate]) -> bool:
    """The document signer's profile of ICAO 9303-12 §7.1, as far as it bears on trust.

    ``anchors`` vouch for the signer; its issuer has to be one of their names.
    """
    body = tlv.parse(signer.tbs).children()
    versions = [item.value for item in body if item.tag == _VERSION]
    validity = body[len(versions) + 3].children()
    return (
        versions == [_VERSION_3]
        and all(_is_regular_time(item) for item in validity)
        and _has_regular_country(signer.issuer_raw)
        and signer.issuer in {anchor.subject for anchor in anchors}
        and signer.authority_key_id is not None
        and _has_critical_key_usage(body)
    )


def _is_regular_sod(sod: Sod) -> bool:
    """ICAO 9303-10 §4.6.2.3: version 1 states its LDS version, from 1.8 on; version 0 none."""
    if not sod.signed_data.has_right_versions:
        return False
    if sod.version == 0:
        return sod.lds_version is None
    return (
        sod.lds_version is not None
        and len(sod.lds_version) == len(FIRST_SIGNED_LDS_VERSION)
        and sod.lds_version.isdigit()
        and sod.lds_version >= FIRST_SIGNED_LDS_VERSION
    )


def _is_regular_com(content: bytes | None, sod: Sod) -> bool:
    """EF.COM, which every document has, says what EF.SOD says (ICAO 9303-10 §4.6.1)."""
    if content is None:
        return False
    try:
        stated = com.parse(content)
    except CardError:
        return False
    signed = (sod.lds_version or FIRST_LDS_VERSION, sod.unicode_version or UNICODE_VERSION)
    return (stated.lds_version, stated.unicode_version) == signed and set(
        stated.data_groups
    ) == set(sod.data_group_hashes)


def _is_regular_atr_info(content: bytes | None) -> bool:
    """It states the lengths of commands and responses (ICAO 9303-10 §3.11.2.1)."""
    if content is None:
        return True
    try:
        return atr_info.parse(content).max_command is not None
    except CardError:
        return False


def _is_regular_time(time: tlv.Tlv) -> bool:
    """RFC 5280 §4.1.2.5: two digits of the year through 2049, four from then on."""
    if time.tag == _GENERALISED_TIME:
        return time.value[:4] >= _FIRST_GENERALISED_YEAR
    return time.tag == _UTC_TIME


def _has_regular_country(name: bytes) -> bool:
    """ICAO 9303-12 §7.1.1.1: the issuer's country in two upper-case letters."""
    attributes = [
        item.children() for part in tlv.parse(name).children() for item in part.children()
    ]
    countries = [pair[1].value for pair in attributes if pair[0].value == _COUNTRY]
    return len(countries) == 1 and len(countries[0]) == 2 and _is_upper(countries[0])


def _is_upper(text: bytes) -> bool:
    return text.isalpha() and text.isupper()


def _has_critical_key_usage(body: Sequence[tlv.Tlv]) -> bool:
    rows = [
        row.children()
        for item in body
        if item.tag == _EXTENSIONS
        for row in tlv.parse(item.value).children()
    ]
    usages = [row for row in rows if row[0].value == _KEY_USAGE]
    if len(usages) != 1 or len(usages[0]) != 3:  # the flag is left out where it is false
        return False
    critical = usages[0][1]
    return critical.tag == _BOOLEAN and any(critical.value)
