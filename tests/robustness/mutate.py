"""Changes to bytes and to trees of values, such as damage and malice make them; the same seed gives the same ones."""

from __future__ import annotations

import random
from typing import Any, Sequence

LENGTHS = (0, 1, 2, 4, 8, 64, 4096, 65_536)
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
VALUES: Sequence[Any] = (
    None, True, False, 0, 1, -1, 2, 255, 65_536, 2**31, 2**63, 2**64, 10**40, 0.0, -0.5, 0.5, 1e308, float("inf"),
    float("nan"), "", "0", " ", "a" * 5000, "\x1b[2J", "a\nb", "\u202e", "\ud800", "a\0b", "~", "/dev/zero", "../..",
    [], {}, [[]], [None], [0], [1, 2], [1, 2, 3], [0, 0, 0], [-1, -1, -1], ["a"], [1e9, 1e9, 1e9], [3, 48, 320],
    [[[0]]], {"a": 1}, {"name": "x"}, {"name": None}, {"name": []}, {0: 1}, {None: None}, {"": ""},
)  # fmt: skip


def mutated_bytes(data: bytes, dice: random.Random, dictionary: Sequence[bytes] = ()) -> bytes:
    """One to eight changes: bits, numbers, cuts, copies, words of the format."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        place = dice.randrange(len(out) + 1)
        length = min(dice.choice(LENGTHS), len(out) - place)
        kind = dice.randrange(8)
        if kind == 0 and place < len(out):
            out[place] ^= 1 << dice.randrange(8)
        elif kind == 1 and place < len(out):
            out[place] = dice.randrange(256)
        elif kind == 2:
            size = dice.choice((1, 2, 4))
            number = (dice.choice(EDGES) & ((1 << 8 * size) - 1)).to_bytes(size, dice.choice(("big", "little")))
            out[place : place + size] = number
        elif kind == 3:
            del out[place:]
        elif kind == 4:
            del out[place : place + length]
        elif kind == 5:
            out[place:place] = out[place : place + length] * dice.choice((1, 2, 16))
        elif kind == 6:
            out[place : place + length] = dice.randbytes(length) if hasattr(dice, "randbytes") else bytes(length)
        elif dictionary:
            word = dice.choice(dictionary)
            out[place : place + dice.choice((0, len(word)))] = word
    return bytes(out[:2_000_000])


def mutated_tree(tree: Any, dice: random.Random) -> Any:
    """A copy of a tree of lists and mappings with one to three of its parts replaced, removed, doubled or renamed."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        tree = _changed(tree, dice)
    return tree


def _changed(node: Any, dice: random.Random) -> Any:
    if isinstance(node, dict) and node and dice.random() < 0.9:
        key, copy = dice.choice(list(node)), dict(node)
        kind = dice.random()
        if kind < 0.06:
            del copy[key]
        elif kind < 0.12:
            copy[dice.choice(("", "nme", 7, None, "name"))] = copy[key]
        else:
            copy[key] = _changed(node[key], dice)
        return copy
    if isinstance(node, list) and node and dice.random() < 0.9:
        index, items = dice.randrange(len(node)), list(node)
        kind = dice.random()
        if kind < 0.06:
            del items[index]
        elif kind < 0.12:
            items.insert(index, items[index])
        else:
            items[index] = _changed(items[index], dice)
        return items
    return dice.choice(VALUES)
