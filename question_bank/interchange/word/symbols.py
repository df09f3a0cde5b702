"""Characters that Word keeps as places in a symbol font, in Unicode.

The table is Adobe's Symbol encoding as far as school texts use it; Word stores its codes as they
are or shifted to U+F000 (ECMA-376 part 1 §17.3.3.30).
"""

SYMBOL = dict(
    zip(
        range(0x41, 0x5B),
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ",
        strict=True,
    )
)
SYMBOL |= dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
SYMBOL |= {
    0x22: "∀", 0x24: "∃", 0x27: "∋", 0x2D: "−", 0x40: "≅", 0x5C: "∴", 0x5E: "⊥", 0xA2: "′",
    0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓", 0xB0: "°",
    0xB1: "±", 0xB2: "″", 0xB3: "≥", 0xB4: "×", 0xB5: "∝", 0xB6: "∂", 0xB7: "•", 0xB8: "÷",
    0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xBC: "…", 0xC6: "∅", 0xC7: "∩", 0xC8: "∪", 0xC9: "⊃",
    0xCA: "⊇", 0xCB: "⊄", 0xCC: "⊂", 0xCD: "⊆", 0xCE: "∈", 0xCF: "∉", 0xD0: "∠", 0xD1: "∇",
    0xD5: "∏", 0xD6: "√", 0xD7: "⋅", 0xD8: "¬", 0xD9: "∧", 0xDA: "∨", 0xDB: "⇔", 0xDC: "⇐",
    0xDD: "⇑", 0xDE: "⇒", 0xDF: "⇓", 0xE5: "∑", 0xF2: "∫",
}  # fmt: skip
WINGDINGS = {
    0x6C: "●", 0x6E: "■", 0xA8: "☐", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑", 0xE0: "→",
    0xF0: "⇨",
}  # fmt: skip


def symbol(font: str, code: str) -> str | None:
    """The character that `w:sym` names by font and hexadecimal code; None for an unknown one."""
    try:
        place = int(code, 16)
    except ValueError:
        return None
    short = place - 0xF000 if place >= 0xF000 else place
    table = {"symbol": SYMBOL, "wingdings": WINGDINGS}.get(font.strip().lower(), {})
    if short in table:
        return table[short]
    if 0x20 <= short < 0x7F and font.strip().lower() == "symbol":
        return chr(short)
    # outside of the private area the code is Unicode's own
    return chr(place) if 0x20 <= place < 0xD800 and place == short and not table else None
