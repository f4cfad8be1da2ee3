"""How well a placement finds where learners stand: against nothing, and against a fixed test."""

from typing import Any

import numpy as np

from tutor.scheduling.graph_arrays import F, GraphArrays, Mask
from tutor.scheduling.placement import PlacementConfig, PlacementTest, fringe_of
from tutor.scheduling.simulation.learners import GUESS, SLIP
from tutor.scheduling.simulation.report import interval


def starts_draw(arrays: GraphArrays, *, n: int, rng: np.random.Generator) -> Mask:
    """Draw what newcomers know, (n, n_skills), from nothing to all: each set holds the
    prerequisites of its members, and no learner follows the course's order."""
    deepest = max(int(arrays.depth.max(initial=0)), 1)
    ability = rng.normal(0.0, 1.2, n)
    difficulty = 3.0 * arrays.depth / deepest - 1.5 + rng.normal(0.0, 0.6, arrays.n)
    wants = rng.random((n, arrays.n)) < 1 / (1 + np.exp(-3.0 * (ability[:, None] - difficulty)))
    known = np.zeros((n, arrays.n), dtype=np.bool_)
    for row in arrays.order.tolist():
        before = arrays.parents_padded[row][arrays.parents_padded[row] >= 0]
        known[:, row] = wants[:, row] & known[:, before].all(axis=1)
    return known


def placement_report(
    arrays: GraphArrays,
    *,
    n_learners: int,
    seeds: tuple[int, ...],
    config: PlacementConfig | None = None,
) -> list[dict[str, Any]]:
    """Return a row per way to place: questions used, skills misjudged, skills of the starting
    fringe that are wrong or missing. The fixed test reads its answers just as the adaptive does."""
    config = config or PlacementConfig()
    found: dict[str, list[tuple[int, int, int]]] = {"nothing": [], "fixed": [], "adaptive": []}
    for seed in seeds:
        rng = np.random.default_rng([seed, 3])
        for known in starts_draw(arrays, n=n_learners, rng=rng):
            begin = np.zeros(arrays.n)
            found["nothing"].append((0, *_errors(arrays, begin, known, config=config)))
            for name in ("fixed", "adaptive"):
                test = PlacementTest(arrays, rng=rng, config=config)
                _take(test, known, is_fixed=name == "fixed", rng=rng)
                errors = _errors(arrays, test.p_known, known, config=config)
                found[name].append((test.n_answers, *errors))
    return [
        {
            "placement": name,
            "questions": interval(np.array([row[0] for row in rows], dtype=np.float64)),
            "misjudged": interval(np.array([row[1] for row in rows], dtype=np.float64)),
            "fringe_error": interval(np.array([row[2] for row in rows], dtype=np.float64)),
        }
        for name, rows in found.items()
    ]


def _take(test: PlacementTest, known: Mask, *, is_fixed: bool, rng: np.random.Generator) -> None:
    n = test.arrays.n
    most = test.config.most_questions
    spread = np.unique(np.linspace(0, n - 1, most).astype(np.int64))
    fixed = test.arrays.order[spread].tolist()
    while True:
        if is_fixed:
            row = fixed[test.n_answers] if test.n_answers < len(fixed) else None
        else:
            row = test.question()
        if row is None:
            return
        p = 1 - SLIP if known[row] else GUESS
        test.answer(row, is_right=bool(rng.random() < p))


def _errors(
    arrays: GraphArrays, p_known: F, known: Mask, *, config: PlacementConfig
) -> tuple[int, int]:
    judged = p_known >= config.knows_at
    found = fringe_of(arrays, p_known, config=config)
    true = fringe_of(arrays, known.astype(np.float64), config=config)
    return int((judged != known).sum()), int((found != true).sum())
