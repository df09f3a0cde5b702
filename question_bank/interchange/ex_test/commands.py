"""What the commands of text mean: signs, formats, accents, and layout that means nothing here."""

# Formats with one argument, as XHTML has them; an empty name keeps the words alone.
FORMATS = {
    "textbf": "b", "textit": "i", "emph": "i", "textsl": "i", "underline": "u", "uline": "u",
    "textsubscript": "sub", "textsuperscript": "sup", "texttt": "code", "text": "", "textrm": "",
    "textsf": "", "textsc": "", "textup": "", "textmd": "", "textnormal": "", "mbox": "",
    "hbox": "", "fbox": "", "framebox": "", "makebox": "", "centerline": "", "indam": "b",
    "indamm": "b", "boxed": "", "ensuremath": "", "sout": "", "uppercase": "", "MakeUppercase": "",
    "textquote": "", "leftline": "", "rightline": "", "colorunderline": "u",
}  # fmt: skip
# The same for the rest of the group they stand in.
DECLARATIONS = {
    "bf": "b", "bfseries": "b", "it": "i", "itshape": "i", "em": "i", "sl": "i", "slshape": "i",
    "tt": "code", "ttfamily": "code",
}  # fmt: skip
SIGNS = {
    "%": "%", "&": "&", "#": "#", "_": "_", "$": "$", "{": "{", "}": "}", " ": " ", ",": " ",
    ";": " ", ":": " ", "!": "", "/": "", "-": "", "@": "", "\n": " ", "quad": " ", "qquad": " ",
    "enspace": " ", "thinspace": " ", "space": " ", "ldots": "…", "dots": "…", "textellipsis": "…",
    "dotfill": "…", "cdots": "⋯", "lq": "‘", "rq": "’", "og": "«", "fg": "»", "guillemotleft": "«",
    "guillemotright": "»", "textquotedblleft": "“", "textquotedblright": "”", "textquoteleft": "‘",
    "textquoteright": "’", "textendash": "–", "textemdash": "—", "textbackslash": "\\",
    "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "textless": "<",
    "textgreater": ">", "textbar": "|", "textdegree": "°", "degree": "°", "copyright": "©",
    "pounds": "£", "euro": "€", "S": "§", "P": "¶", "dag": "†", "ddag": "‡", "slash": "/",
    "LaTeX": "LaTeX", "TeX": "TeX", "checkmark": "✓", "bullet": "•", "textbullet": "•", "i": "ı",
    "dj": "đ", "DJ": "Đ", "ohorn": "ơ", "OHORN": "Ơ", "uhorn": "ư", "UHORN": "Ư", "abreve": "ă",
    "ABREVE": "Ă", "acircumflex": "â", "ACIRCUMFLEX": "Â", "ecircumflex": "ê", "ECIRCUMFLEX": "Ê",
    "ocircumflex": "ô", "OCIRCUMFLEX": "Ô", "ae": "æ", "oe": "œ", "ss": "ß", "o": "ø", "aa": "å",
    "celsius": "°C", "percent": "%", "ohm": "Ω", "textmu": "µ", "rightarrow": "→", "to": "→",
}  # fmt: skip
ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304",
    ".": "\u0307", "h": "\u0309", "d": "\u0323", "u": "\u0306", "v": "\u030c", "H": "\u030b",
    "c": "\u0327", "k": "\u0328", "r": "\u030a", "b": "\u0331",
}  # fmt: skip
# Layout: how many arguments go with it ("o" optional, "m" mandatory), all without a meaning.
LAYOUT = {
    "noindent": "", "indent": "", "hfill": "", "vfill": "", "hfil": "", "vfil": "", "hss": "",
    "smallskip": "", "medskip": "", "bigskip": "", "centering": "", "raggedright": "",
    "raggedleft": "", "newpage": "", "clearpage": "", "cleardoublepage": "", "pagebreak": "o",
    "nopagebreak": "o", "linebreak": "o", "nolinebreak": "o", "allowdisplaybreaks": "o",
    "columnbreak": "", "tiny": "", "scriptsize": "", "footnotesize": "", "small": "",
    "normalsize": "", "large": "", "Large": "", "LARGE": "", "huge": "", "Huge": "", "rm": "",
    "sf": "", "sc": "", "normalfont": "", "rmfamily": "", "sffamily": "", "mdseries": "",
    "upshape": "", "scshape": "", "selectfont": "", "displaystyle": "", "protect": "", "null": "",
    "strut": "", "relax": "", "boldmath": "", "unboldmath": "", "sloppy": "", "fussy": "",
    "vspace": "m", "hspace": "m", "vskip": "", "phantom": "m", "hphantom": "m", "vphantom": "m",
    "setcounter": "mm", "addtocounter": "mm", "stepcounter": "m", "refstepcounter": "m",
    "label": "m", "setlength": "mm", "addtolength": "mm", "needspace": "m", "color": "m",
    "pagecolor": "m", "fontsize": "mm", "linespread": "m", "baselineskip": "", "parindent": "",
    "Opensolutionfile": "mo", "Closesolutionfile": "m", "hideansEX": "m", "hideans": "",
    "showansEX": "m", "hideloigiai": "", "dongcham": "m", "dotlineEX": "m", "dotline": "m",
    "dotEX": "", "lamnhe": "", "graphicspath": "m", "rule": "omm", "captionsetup": "om",
    "arraystretch": "", "tabcolsep": "", "thispagestyle": "m", "pagestyle": "m", "def": "",
    "tikzsetnextfilename": "m", "index": "m", "markboth": "mm", "markright": "m", "maketitle": "",
    "tableofcontents": "", "hline": "", "toprule": "", "midrule": "", "bottomrule": "",
    "cline": "m", "cmidrule": "m", "hskip": "", "immediate": "", "ignorespaces": "",
    "footnotemark": "", "appendix": "", "frontmatter": "", "mainmatter": "", "backmatter": "",
    "cautn": "", "cauds": "", "caukq": "", "caulc": "", "hetde": "", "dapan": "",
    "bangdapan": "m", "inputansbox": "omm", "inputans": "om", "GiamKhoangTrangThua": "",
}  # fmt: skip
# Commands that wrap words: which of their arguments is shown, the last.
WRAPPERS = {
    "textcolor": "omm", "colorbox": "mm", "fcolorbox": "mmm", "scalebox": "mom",
    "resizebox": "mmm", "raisebox": "moom", "rotatebox": "omm", "parbox": "ooomm",
    "framebox": "oom", "makebox": "oom", "highlight": "om", "href": "mm", "caption": "om",
    "captionof": "mom", "foreignlanguage": "mm", "tcbox": "om", "adjustbox": "mm",
    "minibox": "om",
}  # fmt: skip
# Environments that only place what they hold, with the arguments they begin with.
PLACING = {
    "center": "", "flushleft": "", "flushright": "", "figure": "o", "figure*": "o", "table": "o",
    "table*": "o", "wrapfigure": "omom", "wraptable": "omom", "minipage": "ooom", "multicols": "mo",
    "multicols*": "mo", "quote": "", "quotation": "", "verse": "", "tcolorbox": "o", "boxed": "",
    "spacing": "m", "small": "", "footnotesize": "", "large": "", "document": "", "adjustbox": "m",
    "mdframed": "o", "sloppypar": "", "titlepage": "", "columns": "o", "column": "m",
    "indapan": "m", "onehalfspace": "", "singlespace": "", "landscape": "", "framed": "",
}  # fmt: skip
# Lists, with the arguments they begin with, and how ex_test or LaTeX numbers their points.
LISTS = {
    "itemize": ("o", ""), "enumerate": ("o", "1"), "description": ("o", ""), "listEX": ("oo", "a"),
    "enumEX": ("om", "a"), "enumex": ("om", "a"), "itemchoice": ("o", "a"), "tasks": ("o", "a"),
    "cacbuoc": ("o", "1"), "compactitem": ("o", ""), "compactenum": ("o", "1"),
    "inparaenum": ("o", "a"),
}  # fmt: skip
ITEMS = frozenset(("item", "itemch", "task"))
TABLES = {"tabular": "om", "tabular*": "mom", "tabularx": "mom", "longtable": "om", "tabu": "om",
          "tblr": "om", "NiceTabular": "om"}  # fmt: skip
# Commands that are formulas by themselves, with their arguments.
FORMULAS = {"ce": "m", "ch": "m", "SI": "omm", "qty": "omm", "si": "om", "unit": "om", "num": "om",
            "ang": "om", "heva": "m", "hoac": "m"}  # fmt: skip
# What would read or write files, or run: refused wherever it stands.
ACTIVE = frozenset(
    ("input", "include", "subfile", "write", "openin", "openout", "read", "catcode", "csname",
     "InputIfFileExists", "lstinputlisting", "verbatiminput", "directlua", "luaexec", "special")
)  # fmt: skip
HEADINGS = {
    "part": "om", "chapter": "om", "section": "om", "subsection": "om", "subsubsection": "om",
    "paragraph": "om", "subparagraph": "om", "title": "m", "author": "m", "date": "m", "phan": "m",
    "dangbt": "m", "tieude": "m", "tieudea": "mm", "tieudeb": "mm", "tieudec": "mm", "tieuded": "m",
    "chantrang": "m", "tieudehk": "mmmm", "Noibat": "ooom", "lhead": "om", "rhead": "om",
    "chead": "om", "lfoot": "om", "rfoot": "om", "cfoot": "om", "fancyhead": "om",
    "fancyfoot": "om", "fancyhf": "m",
}  # fmt: skip
PREAMBLE = {
    "documentclass": "om", "usepackage": "om", "RequirePackage": "om", "usetikzlibrary": "m",
    "geometry": "m", "newtheorem": "momo", "theoremstyle": "m", "tikzset": "m", "pgfplotsset": "m",
    "hypersetup": "m", "newcounter": "mo", "newlength": "m", "newenvironment": "moomm",
    "renewenvironment": "moomm", "NewDocumentCommand": "mmm", "definecolor": "mmm",
    "colorlet": "mm", "setmainfont": "om", "setlist": "om", "DeclareMathOperator": "mm",
    "makeatletter": "", "makeatother": "", "AtBeginDocument": "m", "AtEndDocument": "m",
    "everymath": "m", "sisetup": "m", "usetkzobj": "m", "newcommand": "moomm",
    "renewcommand": "moomm", "theorembodyfont": "m", "theoremseparator": "m",
    "theoremheaderfont": "m", "renewtheorem": "momo", "tikzexternalize": "o",
}  # fmt: skip
