"""The signs of formulas in LaTeX: operators, letters, accents, fences, alphabets."""

_GREEK = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi o pi rho varsigma "
    "sigma tau upsilon varphi chi psi omega"
)
GREEK = _GREEK.split()
CAPITALS = {
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma",
    "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
SIGNS = {
    **{chr(0x3B1 + place): f"\\{name}" for place, name in enumerate(GREEK) if name != "o"},
    **{sign: f"\\{name}" for sign, name in CAPITALS.items()},
    "ϵ": r"\epsilon", "ϑ": r"\vartheta", "ϕ": r"\phi", "ϱ": r"\varrho", "ϖ": r"\varpi",
    "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "⋅": r"\cdot", "·": r"\cdot",
    "∗": r"\ast", "∘": r"\circ", "°": r"^{\circ}", "∙": r"\bullet", "≤": r"\leq", "≥": r"\geq",
    "≠": r"\neq", "≈": r"\approx", "≡": r"\equiv", "≅": r"\cong", "∼": r"\sim", "≃": r"\simeq",
    "∝": r"\propto", "≪": r"\ll", "≫": r"\gg", "∈": r"\in", "∉": r"\notin", "∋": r"\ni",
    "⊂": r"\subset", "⊃": r"\supset", "⊆": r"\subseteq", "⊇": r"\supseteq", "∪": r"\cup",
    "∩": r"\cap", "∅": r"\varnothing", "∖": r"\setminus", "∀": r"\forall", "∃": r"\exists",
    "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee", "→": r"\rightarrow", "←": r"\leftarrow",
    "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow",
    "↑": r"\uparrow", "↓": r"\downarrow", "↦": r"\mapsto", "⇌": r"\rightleftharpoons",
    "∞": r"\infty", "∂": r"\partial", "∇": r"\nabla", "∠": r"\angle", "⊥": r"\perp",
    "∥": r"\parallel", "∣": r"\mid", "△": r"\triangle", "□": r"\square", "…": r"\ldots",
    "⋯": r"\cdots", "⋮": r"\vdots", "⋱": r"\ddots", "′": "'", "″": "''", "ℏ": r"\hbar",
    "ℓ": r"\ell", "ℕ": r"\mathbb{N}", "ℤ": r"\mathbb{Z}", "ℚ": r"\mathbb{Q}", "ℝ": r"\mathbb{R}",
    "ℂ": r"\mathbb{C}", "−": "-", "∕": "/", "√": r"\surd", "∫": r"\int", "∬": r"\iint",
    "∭": r"\iiint", "∮": r"\oint", "∯": r"\oiint", "∑": r"\sum", "∏": r"\prod", "∐": r"\coprod",
    "⋃": r"\bigcup", "⋂": r"\bigcap", "⋁": r"\bigvee", "⋀": r"\bigwedge", "⊕": r"\oplus",
    "⊗": r"\otimes", "⨁": r"\bigoplus", "⨂": r"\bigotimes", "⟂": r"\perp", "ı": r"\imath",
    "\\": r"\backslash", "{": r"\{", "}": r"\}", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$",
    "_": r"\_", "^": r"\hat{\:}", "~": r"\sim",
}  # fmt: skip
# Spaces of other widths than the run's own, and signs that only tell how things hang together.
SPACES = {"\u2002": r"\;", "\u2003": r"\quad", "\u2004": r"\;", "\u2005": r"\:", "\u2009": r"\,",
          "\u200a": r"\,", "\u202f": r"\,", "\u205f": r"\:", "\xa0": r"\:", " ": r"\:"}  # fmt: skip
WIDTHS = {"\u2003": "1em"}  # others are as wide as any space
INVISIBLE = frozenset("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff")

ACCENTS = {
    "\u0302": ("^", "hat", "widehat"), "^": ("^", "hat", "widehat"),
    "\u0303": ("~", "tilde", "widetilde"), "~": ("~", "tilde", "widetilde"),
    "\u0304": ("¯", "bar", "overline"), "\u0305": ("¯", "bar", "overline"),
    "¯": ("¯", "bar", "overline"), "\u20d7": ("→", "vec", "overrightarrow"),
    "→": ("→", "vec", "overrightarrow"), "\u20d6": ("←", "overleftarrow", "overleftarrow"),
    "\u20d1": ("⇀", "overrightarrow", "overrightarrow"),
    "\u20d0": ("↼", "overleftarrow", "overleftarrow"),
    "\u20e1": ("↔", "overleftrightarrow", "overleftrightarrow"),
    "\u0307": ("˙", "dot", "dot"), "\u0308": ("¨", "ddot", "ddot"),
    "\u20db": ("\u20db", "dddot", "dddot"), "\u030c": ("ˇ", "check", "check"),
    "\u0301": ("´", "acute", "acute"), "\u0300": ("`", "grave", "grave"),
    "\u0306": ("˘", "breve", "breve"), "\u030a": ("˚", "mathring", "mathring"),
    "\u033f": ("‗", "overline", "overline"), "\u0332": ("_", "underline", "underline"),
    "⏞": ("⏞", "overbrace", "overbrace"), "⏜": ("⏜", "overparen", "overparen"),
}  # fmt: skip
GROUPS = {
    ("⏟", False): "underbrace", ("⏞", True): "overbrace", ("→", True): "overrightarrow",
    ("←", True): "overleftarrow", ("↔", True): "overleftrightarrow", ("⏜", True): "overparen",
    ("⏝", False): "underparen",
}  # fmt: skip
FENCES = {
    "": ".", "{": r"\{", "}": r"\}", "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil",
    "⌉": r"\rceil", "〈": r"\langle", "〉": r"\rangle", "⟨": r"\langle", "⟩": r"\rangle",
    "‖": r"\|", "∥": r"\|", "|": "|", "∣": "|", "(": "(", ")": ")", "[": "[", "]": "]", "/": "/",
    "\\": r"\backslash", "↑": r"\uparrow", "↓": r"\downarrow", "<": r"\langle", ">": r"\rangle",
}  # fmt: skip
ALPHABETS = {"double-struck": ("double-struck", "mathbb"), "script": ("script", "mathcal"),
             "fraktur": ("fraktur", "mathfrak"), "sans-serif": ("sans-serif", "mathsf"),
             "monospace": ("monospace", "mathtt")}  # fmt: skip
_FUNCTIONS = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp lim max min "
    "sup inf det dim gcd arg ker deg hom Pr"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
LIMITED = frozenset(("lim", "max", "min", "sup", "inf"))


def escaped_words(text: str) -> str:
    """Words as they stand within `\\text{…}`."""
    plain = {"\\": "", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&",
             "_": r"\_", "^": "", "~": " "}  # fmt: skip
    return "".join(plain.get(character, character) for character in text)
