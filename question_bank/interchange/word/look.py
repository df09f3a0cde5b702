"""How a written document looks: styles, the page, its footer (ECMA-376 part 1 §17.7, §17.6)."""

from question_bank.interchange.word.names import DATA, KEYS
from question_bank.interchange.word.wordml import DECLARED

FONT = "Times New Roman"
TEXT_WIDTH = 9978  # twentieths of a point between the margins of an A4 page
_MARGINS = 'w:top="851" w:right="851" w:bottom="964" w:left="1077" w:header="510" w:footer="454"'


def styles(language: str) -> str:
    """The styles of a paper."""
    spoken = "en-GB" if language == "en" else "vi-VN"
    fonts = f'<w:rFonts w:ascii="{FONT}" w:hAnsi="{FONT}" w:eastAsia="{FONT}" w:cs="{FONT}"/>'
    defaults = (
        f'<w:docDefaults><w:rPrDefault><w:rPr>{fonts}<w:sz w:val="24"/><w:szCs w:val="24"/>'
        f'<w:lang w:val="{spoken}"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>'
        '<w:spacing w:before="0" w:after="60" w:line="264" w:lineRule="auto"/></w:pPr>'
        "</w:pPrDefault></w:docDefaults>"
    )
    quarter, half = TEXT_WIDTH // 4, TEXT_WIDTH // 2
    stops = "".join(f'<w:tab w:val="left" w:pos="{at}"/>' for at in (quarter, half, 3 * quarter))
    made = [
        _style("Normal", "Normal", '<w:jc w:val="both"/>', default=True),
        _style("Title", "Title", '<w:spacing w:before="0" w:after="60"/><w:jc w:val="center"/>',
               '<w:b/><w:sz w:val="30"/>'),
        _style("About", "About", '<w:jc w:val="center"/>'),
        _style("Who", "Who", '<w:tabs><w:tab w:val="left" w:leader="dot" w:pos="6400"/>'
               f'<w:tab w:val="right" w:leader="dot" w:pos="{TEXT_WIDTH}"/></w:tabs>'
               '<w:spacing w:before="120" w:after="180"/>'),
        _style("Part", "heading 1", '<w:keepNext/><w:spacing w:before="200" w:after="80"/>'
               '<w:outlineLvl w:val="0"/>', "<w:b/>"),
        _style("Apart", "heading 2", '<w:keepNext/><w:spacing w:before="240" w:after="120"/>'
               '<w:jc w:val="center"/><w:outlineLvl w:val="0"/>', '<w:b/><w:sz w:val="28"/>'),
        _style("Question", "Question", '<w:spacing w:before="100" w:after="40"/>'),
        _style("Kept", "Kept", '<w:keepNext/><w:spacing w:before="100" w:after="40"/>'),
        _style("Options", "Options", f'<w:tabs>{stops}</w:tabs><w:spacing w:before="0" '
               'w:after="40"/><w:jc w:val="left"/>'),
        _style("Statement", "Statement", '<w:ind w:left="340" w:hanging="340"/>'),
        _style("Lead", "Lead", '<w:keepNext/><w:spacing w:before="160" w:after="60"/>', "<w:i/>"),
        _style("Passage", "Passage", '<w:pBdr><w:left w:val="single" w:sz="8" w:space="8" '
               'w:color="7F7F7F"/></w:pBdr><w:ind w:left="227" w:right="113"/>'),
        _style("Cell", "Cell", '<w:spacing w:before="20" w:after="20"/><w:jc w:val="center"/>'),
        _style("Ruled", "Ruled", '<w:tabs><w:tab w:val="right" w:leader="dot" '
               f'w:pos="{TEXT_WIDTH}"/></w:tabs>'
               '<w:spacing w:before="80" w:after="0"/>'),
        _style("Gap", "Gap", '<w:spacing w:before="0" w:after="0" w:line="120" '
               'w:lineRule="exact"/>'),
        _style("Footer", "footer", '<w:jc w:val="center"/>', '<w:sz w:val="20"/>'),
    ]  # fmt: skip
    border = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="auto"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    tables = "".join(
        f'<w:style w:type="table" w:styleId="{name}"><w:name w:val="{name}"/><w:tblPr>'
        f"<w:tblBorders>{border}</w:tblBorders></w:tblPr></w:style>"
        for name in ("Lines", DATA, KEYS)
    ) + ('<w:style w:type="table" w:styleId="Bare"><w:name w:val="Bare"/></w:style>')
    return f"<w:styles {DECLARED}>{defaults}{''.join(made)}{tables}</w:styles>"


def _style(key: str, name: str, paragraph: str, run: str = "", *, default: bool = False) -> str:
    based = "" if default else '<w:basedOn w:val="Normal"/>'
    held = f"<w:rPr>{run}</w:rPr>" if run else ""
    first = ' w:default="1"' if default else ""
    return (
        f'<w:style w:type="paragraph"{first} w:styleId="{key}">'
        f'<w:name w:val="{name}"/>{based}<w:qFormat/><w:pPr>{paragraph}</w:pPr>{held}</w:style>'
    )


def settings() -> str:
    """A document of today's Word, whose fields are brought up to date when it is opened."""
    return (
        f'<w:settings {DECLARED}><w:compat><w:compatSetting w:name="compatibilityMode" '
        'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>'
    )


def footer() -> str:
    """The page's number and how many there are."""

    def field(code: str) -> str:
        return f'<w:fldSimple w:instr="{code}"/>'

    return (
        f'<w:ftr {DECLARED}><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr>{field("PAGE")}'
        f'<w:r><w:sym w:font="{FONT}" w:char="002F"/></w:r>{field("NUMPAGES")}</w:p></w:ftr>'
    )


def section(footer_key: str) -> str:
    """A4, upright."""
    return (
        f'<w:sectPr><w:footerReference w:type="default" r:id="{footer_key}"/>'
        f'<w:pgSz w:w="11906" w:h="16838"/><w:pgMar {_MARGINS} w:gutter="0"/></w:sectPr>'
    )
