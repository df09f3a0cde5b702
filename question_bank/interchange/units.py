"""Units as schools write them behind a number: "12,5 m/s", "30°", "10 triệu đồng".

Any words may stand behind a number in a running text; only these are its unit.
"""

import re
import unicodedata

_NAMES = (
    "km m dm cm mm µm μm nm ha g kg mg tấn tạ yến s ms min h phút giờ giây ngày tuần tháng năm "
    "Hz kHz MHz GHz N kN Pa kPa MPa atm bar mmHg J kJ MJ cal kcal eV keV MeV W kW MW kWh Wh V kV "
    "mV A mA C μC µC nC F μF µF nF pF Ω kΩ MΩ ôm T mT Wb H mH K °C °F mol mmol M l L lít ml mL u "
    "rad độ phần vòng lần mét đồng nghìn triệu tỉ tỷ VND VNĐ USD dB cd lm lx Bq Ci"
)


def _spelled(*words: str) -> str:
    """Any of the words, in either Unicode spelling."""
    longest = sorted(words, key=len, reverse=True)
    both = (unicodedata.normalize(form, word) for word in longest for form in ("NFC", "NFD"))
    return "|".join(dict.fromkeys(both))


_ONE = rf"(?:{_spelled(*_NAMES.split())})(?:\^?\{{?[23]\}}?|[²³])?(?![\w\u0300-\u036f])"
#: A unit as a pattern; its letters are as they are, capital or small.
UNIT = rf"(?-i:%|‰|°(?![CF])|{_ONE}(?:[ ]?[/.·*][ ]?{_ONE})*(?:[ ](?:{_spelled('đồng')}))?)"
_UNIT = re.compile(rf"[^\S\n]*(?P<open>\()?(?P<unit>{UNIT})(?(open)\))")
#: Behind a unit another number: "12 giờ 30 phút", "2 kg và 3 kg".
_GOES_ON = re.compile(rf"[^\S\n]*(?:(?:{_spelled('và', 'hoặc', 'hay', 'đến')}|[-–+±])\s*)?\d")


def unit_behind(text: str) -> str | None:
    """The unit that a running text begins with; empty where there is none, None where the text
    goes on with another number."""
    found = _UNIT.match(text)
    if found is None:
        return ""
    if _GOES_ON.match(text, found.end()):
        return None
    unit = re.sub(r"\s*([/·*.])\s*", r"\1", unicodedata.normalize("NFC", found["unit"]))
    return re.sub(r"(?<=\w)\^?\{?([23])\}?", lambda power: "²³"[int(power[1]) - 2], unit)
