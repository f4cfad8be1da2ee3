"""Draw docs/psi-kt.svg: what is believed of one skill of two learners, in practice and at rest.

OMP_NUM_THREADS=1 python benchmarks/psi_kt_picture.py docs/psi-kt.svg
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kt_models.protocol import Observation
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.state import PSIKTState
from kt_models.psi_kt.tracer import PSIKTTracer
from kt_models.synthetic_psi_kt import simulate_psi_kt

BEGIN, DAYS = 20_000.0, 40
WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 320, 50, 60, 380
STYLE = "font-family='sans-serif' font-size='12' fill='#222'"


def main(path: Path) -> None:
    """Fit on simulated learners, follow two made-up ones, and write the picture."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(5)
    data = simulate_psi_kt(rng, n_learners=150, n_responses=40, n_skills=6).data
    config = replace(CONFIGS["psi_kt"], starts_at_target=True, steps=60, learning_rate=0.06)
    fitted = PSIKTTracer("psi_kt", config=config).fit(data, seed=0)
    # Every fourth day some answers: one learner comes back as good as before, the other does not.
    parts = [
        panel(fitted, "keeps what was learned", forgets=False, left=LEFT),
        panel(fitted, "loses it between sittings", forgets=True, left=LEFT + GAP),
    ]
    body = "\n".join(parts)
    path.write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>"
        "<title>P(correct) of two learners with its 80 % interval</title>"
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>\n{body}\n</svg>\n",
        encoding="utf-8",
    )


def panel(fitted: FittedPSIKT, title: str, *, forgets: bool, left: int) -> str:
    """Return one learner's curve, band and answers."""
    state, answers = fitted.init_state(), []
    times = [day + 0.01 * number for day in (0.0, 4.0, 8.0, 12.0, 16.0) for number in range(6)]
    days = np.linspace(0.0, DAYS, 321)
    rows = []
    pending = list(times)
    for day in days.tolist():
        while pending and pending[0] <= day:
            at = pending.pop(0)
            is_correct = not (forgets and round(100 * (at % 4.0)) < 3)
            told = Observation(("s0",), None, is_correct, BEGIN + at)
            state = fitted.update(state, told)
            answers.append((at, is_correct))
        beliefs = fitted.forecast(state, ["s0"], at=BEGIN + day)
        rows.append((day, beliefs.p_correct[0], beliefs.lower[0], beliefs.upper[0]))
    return _svg(rows, answers, (f"A learner who {title}", _half_life(fitted, state)), left)


def _half_life(fitted: FittedPSIKT, state: PSIKTState) -> str:
    one = fitted.traits(state).half_life_days
    return f"half-life {one.value:.0f} days ({one.lower:.0f} to {one.upper:.0f})"


def _svg(
    rows: list[tuple[float, float, float, float]],
    answers: list[tuple[float, bool]],
    titles: tuple[str, str],
    left: int,
) -> str:
    wide, high = 300, 200

    def x(day: float) -> float:
        return left + wide * day / DAYS

    def y(p: float) -> float:
        return TOP + high * (1.0 - p)

    line = " ".join(f"{x(day):.1f},{y(p):.1f}" for day, p, _, _ in rows)
    band = [f"{x(day):.1f},{y(upper):.1f}" for day, _, _, upper in rows]
    band += [f"{x(day):.1f},{y(lower):.1f}" for day, _, lower, _ in reversed(rows)]
    dots = "".join(
        f"<circle cx='{x(day) + 3 * (number % 6):.1f}' cy='{y(1.0 if right else 0.0):.1f}' r='2.5' "
        f"fill='{'#1a7f37' if right else '#cf222e'}'/>"
        for number, (day, right) in enumerate(answers)
    )
    ticks = "".join(
        f"<text x='{left - 8}' y='{y(p) + 4:.0f}' text-anchor='end' {STYLE}>{p:g}</text>"
        f"<line x1='{left}' x2='{left + wide}' y1='{y(p):.0f}' y2='{y(p):.0f}' stroke='#ddd'/>"
        for p in (0.0, 0.5, 1.0)
    )
    days = "".join(
        f"<text x='{x(day):.0f}' y='{TOP + high + 20}' text-anchor='middle' {STYLE}>{day}</text>"
        for day in range(0, DAYS + 1, 10)
    )
    heads = "".join(
        f"<text x='{left}' y='{TOP - 32 + 16 * number}' {STYLE}>{title}</text>"
        for number, title in enumerate(titles)
    )
    middle = f"x='{left + wide / 2}' text-anchor='middle'"
    return (
        f"{heads}{ticks}{days}"
        f"<text y='{TOP + high + 40}' {middle} {STYLE}>days</text>"
        f"<polygon points='{' '.join(band)}' fill='#0969da' fill-opacity='0.15'/>"
        f"<polyline points='{line}' fill='none' stroke='#0969da' stroke-width='2'/>{dots}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
