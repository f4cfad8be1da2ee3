"""How the tests of the ratios part read the demo course: rendered, as a learner sees it."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

from tutor.content.demo.assemble import demo_bundle
from tutor.grading.variants import document_render

SEEDS = range(25)
BUNDLE = demo_bundle()
LESSONS = {lesson["id"] for lesson in BUNDLE["lessons"] if 200 <= lesson["order"] < 300}
PROBLEMS = {p["id"]: p for p in BUNDLE["problems"] if p["lesson"] in LESSONS}
_NUMBER = re.compile(
    r"\\frac\{(?:(?P<top>\d+)|\\square)\}\{(?P<bottom>\d+)\}"
    r"|(?P<over>\d+)/(?P<under>\d+)"
    r"|(?P<grouped>\d{1,3}(?:(?:\{,\}|,)\d{3})+)|(?P<alone>\d+(?:\.\d+)?)"
)


def seen(text: str) -> list[Fraction]:
    """The numbers of a text in reading order; of a fraction with a box, the bottom number."""
    bare = re.sub(r'label="[^"]*"|like this: [\d, ]+|for example: \S+', "", text)
    found = []
    for match in _NUMBER.finditer(bare):
        if match["bottom"]:
            bottom = int(match["bottom"])
            found.append(Fraction(int(match["top"]), bottom) if match["top"] else Fraction(bottom))
        elif match["over"]:
            found.append(Fraction(int(match["over"]), int(match["under"])))
        elif match["grouped"]:
            found.append(Fraction(re.sub(r"\D", "", match["grouped"])))
        else:
            found.append(Fraction(match["alone"]))
    return found


def drawn(text: str) -> tuple[Fraction, Fraction]:
    """The slope of the line in a picture, and where it begins."""
    (slope, start), *_ = re.findall(r'lines="(\S+?),(\S+?)"', text)
    return Fraction(slope), Fraction(start)


def variants(step_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    problem = PROBLEMS[step_id.rpartition("-")[0]]
    for seed in SEEDS:
        variant = document_render(problem, seed)
        steps = cast("list[dict[str, Any]]", variant["steps"])
        yield variant, next(step for step in steps if step["id"] == step_id)


def text_shown(variant: dict[str, Any], step: dict[str, Any]) -> str:
    return f"{variant.get('body', '')}\n{step['prompt']}"
