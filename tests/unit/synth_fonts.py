"""Fonts made on the spot, so that tests of synthetic text need none of the system's: each character is its own pattern
of bars."""

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from ppocr.data.synth.languages import ASCII, LANGUAGES

CHINESE = "".join(dict.fromkeys(LANGUAGES["zh"].letters + "疗绚诚娇溜题贿者廖更纳加奉公一就汴计与路房原妇"))


def make_font(path, characters=ASCII, *, family="Test Sans", empty=""):
    """Write a TrueType font with a glyph for each of `characters`; those of `empty` get glyphs without ink."""
    glyphs, mapped = {".notdef": _glyph(0x3FFF)}, {}
    for character in dict.fromkeys(" \u3000" + characters + empty):
        name = f"uni{ord(character):04X}"
        mapped[ord(character)] = name
        bare = character.isspace() or character in empty
        glyphs[name] = TTGlyphPen(None).glyph() if bare else _glyph(ord(character))
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(mapped)
    builder.setupGlyf(glyphs)
    wide = {name for code, name in mapped.items() if code >= 0x2E80}
    builder.setupHorizontalMetrics({name: (1000 if name in wide else 600, 50) for name in glyphs})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120)
    builder.setupPost()
    builder.save(path)
    return path


def _glyph(code):
    """A frame's left and lower bar, and one bar for each bit of the code that is set."""
    pen = TTGlyphPen(None)
    width = 900 if code >= 0x2E80 else 500
    boxes = [(50, 0, 110, 760), (50, 0, width, 60)]
    boxes += [(150 + 80 * (bit % 4), 130 + 160 * (bit // 4), 200 + 80 * (bit % 4), 230 + 160 * (bit // 4))
              for bit in range(16) if code >> bit & 1]  # fmt: skip
    for left, bottom, right, top in boxes:
        pen.moveTo((left, bottom))
        for point in ((left, top), (right, top), (right, bottom)):
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


def decode(ink):
    """What a line drawn with one of these fonts says, without its spaces.

    Args:
        ink: uint8[h, w], cut tightly; letters about 50 pixels high or more.
    """
    unit = ink.shape[0] / 760
    dark = ink >= 128
    bars = np.flatnonzero(np.diff(np.concatenate([[0], dark.mean(axis=0) > 0.9]).astype(int)) == 1)
    text = ""
    for start in bars:
        code = 0
        for bit in range(16):
            x = round(start + (125 + 80 * (bit % 4)) * unit)  # 50 units of a glyph's 175 lie left of its bar
            y = round(ink.shape[0] - (180 + 160 * (bit // 4)) * unit)
            code |= int(x < ink.shape[1] and dark[y, x]) << bit
        text += chr(code)
    return text
