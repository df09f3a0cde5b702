"""The standard response processing templates, by the last word of their address.

The same words name the same templates in all versions (…/qti_v2p1/rptemplates/match_correct,
…/v3p0/rptemplates/match_correct.xml). Written here in QTI 3's names.
"""

_SCORE = '<qti-set-outcome-value identifier="SCORE">{}</qti-set-outcome-value>'
_FEEDBACK = '<qti-set-outcome-value identifier="{}">{}</qti-set-outcome-value>'
_RESPONSE = '<qti-variable identifier="RESPONSE"/>'
_SCORE_NOW = '<qti-variable identifier="SCORE"/>'
_MAXSCORE = '<qti-variable identifier="MAXSCORE"/>'
_IS_RIGHT = f'<qti-match>{_RESPONSE}<qti-correct identifier="RESPONSE"/></qti-match>'
_IS_NULL = f"<qti-is-null>{_RESPONSE}</qti-is-null>"


def _value(base_type: str, text: str) -> str:
    return f'<qti-base-value base-type="{base_type}">{text}</qti-base-value>'


def _if(condition: str, then: str, otherwise: str) -> str:
    return (
        f"<qti-response-condition><qti-response-if>{condition}{then}</qti-response-if>"
        f"<qti-response-else>{otherwise}</qti-response-else></qti-response-condition>"
    )


def _score(text: str) -> str:
    return _SCORE.format(_value("float", text))


def _judged(identifier: str, word: str) -> str:
    return _FEEDBACK.format(identifier, _value("identifier", word))


_MAP_RESPONSE = _if(
    _IS_NULL, _score("0"), _SCORE.format('<qti-map-response identifier="RESPONSE"/>')
)

# Name → rules. CC2_… are those of Common Cartridge; match_nothing (beyond the standard) gives
# the point to who leaves the item blank.
TEMPLATES: dict[str, str] = {
    "match_correct": _if(_IS_RIGHT, _score("1"), _score("0")),
    "map_response": _MAP_RESPONSE,
    "map_response_point": _if(
        _IS_NULL, _score("0"), _SCORE.format('<qti-map-response-point identifier="RESPONSE"/>')
    ),
    "match_nothing": _if(_IS_NULL, _score("1"), _score("0")),
    "CC2_match": _if(_IS_RIGHT, _score("1"), _score("0")),
    "CC2_match_basic": _if(
        _IS_RIGHT,
        _SCORE.format(_MAXSCORE) + _judged("FEEDBACKBASIC", "correct"),
        _judged("FEEDBACKBASIC", "incorrect"),
    ),
    "CC2_map_response": _MAP_RESPONSE
    + _if(
        f"<qti-equal>{_MAXSCORE}{_SCORE_NOW}</qti-equal>",
        _judged("FEEDBACK", "correct"),
        _judged("FEEDBACK", "incorrect"),
    ),
}


def template_named(address: str) -> bytes | None:
    """A responseProcessing element with the rules of the template at `address`, or None."""
    rules = TEMPLATES.get(address.strip().rpartition("/")[2].removesuffix(".xml"))
    if rules is None:
        return None
    return f"<qti-response-processing>{rules}</qti-response-processing>".encode()
