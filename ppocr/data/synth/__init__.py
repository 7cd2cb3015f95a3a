"""Synthetic text from fonts, corpora and backgrounds: lines to read, lines to turn, pages to search.

The way of a line: `corpus` says what is written, `fonts` finds a font that has every character, `ink` draws the
glyphs, `backgrounds` gives them something to stand on, `warp` bends them and `effects` spoils the picture as cameras,
printers and screens do. `lines`, `directions` and `pages` put these together; `datasets` is what YAML files name.

Every sample is a pure function of its random generator and the fonts that are installed.
"""
