"""Draw the architecture of CAKT as docs/cakt.svg.

Run: python benchmarks/cakt_picture.py docs/cakt.svg
"""

import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 760, 430
BOX_W, BOX_H = 190, 50

# name: (x, y, first line, second line); x and y are the box's middle.
BOXES = {
    "past": (130, 390, "responses 1 ... t", "skill, right or wrong"),
    "lstm1": (130, 270, "LSTM 1", "ability so far: h"),
    "window": (380, 390, "last k responses", "to the skill asked next"),
    "decay": (380, 320, "scaled by exp(-theta gap)", "k frames of H x H"),
    "conv": (380, 240, "4 residual 3-D blocks", "attention over frames, mean: m"),
    "gates": (255, 160, "two gates", "f = z1 m + z2 h"),
    "lstm2": (255, 90, "LSTM 2", ""),
    "out": (255, 25, "P(correct) of the skill asked", ""),
    "base": (630, 320, "logistic with items", "log odds (plus only)"),
}
ARROWS = (
    ("past", "lstm1"), ("window", "decay"), ("decay", "conv"), ("lstm1", "gates"),
    ("conv", "gates"), ("gates", "lstm2"), ("lstm2", "out"),
)  # fmt: skip
DASHED = (("base", "lstm2"), ("base", "out"))


def draw() -> str:
    """Return the picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"',
        'font-family="sans-serif" font-size="13" text-anchor="middle">',
        "<title>CAKT: history, window of the next skill, gates, second LSTM</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"',
        'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for start, end in (*ARROWS, *DASHED):
        (x1, y1), (x2, y2) = BOXES[start][:2], BOXES[end][:2]
        dash = ' stroke-dasharray="5 4"' if (start, end) in DASHED else ""
        is_aside = start == "base"
        to_x, to_y = (x2 + BOX_W / 2, y2) if is_aside else (x2, y2 + BOX_H / 2)
        parts.append(
            f'<path d="M{x1},{y1 - BOX_H / 2} L{to_x},{to_y}" stroke="black"{dash} fill="none" '
            'marker-end="url(#tip)"/>'
        )
    for x, y, first, second in BOXES.values():
        parts.append(
            f'<rect x="{x - BOX_W / 2}" y="{y - BOX_H / 2}" width="{BOX_W}" height="{BOX_H}" '
            'rx="6" fill="#eef3fb" stroke="#33507a"/>'
        )
        lines = ((first, y - 4), (second, y + 14)) if second else ((first, y + 5),)
        parts += [f'<text x="{x}" y="{at}">{escape(line)}</text>' for line, at in lines]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(), encoding="utf-8")
