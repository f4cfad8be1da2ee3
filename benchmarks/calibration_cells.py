"""Cells of a heatmap read from a real log, and the answers that came next, for two protocols."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kt_models.arrays import ResponseArrays
from kt_models.protocol import AnyFittedTracer, Observation

MOMENTS = (0.3, 0.45, 0.6, 0.75, 0.9)
EVIDENCE_MIN, WITHIN_DAYS = 3, 7.0
BANDS = tuple((low / 10, (low + 1) / 10) for low in range(10))
LEAST_CELLS, DRAWS = 30, 1000

F = NDArray[np.float64]
Cell = tuple[float, float, float, float, float]
# Columns of cells: the learner, what three numbers said, and whether the answer was right.
LEARNER, MASTERY, NEXT_RIGHT, THEN, RIGHT = range(5)
NUMBERS = {NEXT_RIGHT: "next right", MASTERY: "mastery", THEN: "next right, at the answer"}


def cells_of_learners(model: AnyFittedTracer, data: ResponseArrays) -> F:
    """Return the cells of learners whom no fit has seen, each looked at five times.

    The page is opened after some share of the learner's answers; a cell counts when it has enough
    evidence and the learner meets the skill again within seven days.
    """
    rows: list[Cell] = []
    for learner, begin, end in _learners(data):
        looks = {begin + int(share * (end - begin)) for share in MOMENTS}
        history = _History(model)
        for row in range(begin, end):
            if row in looks and row > begin:
                # As of the last answer: the page is opened after it, before the next.
                now = float(data.time[row - 1])
                last = int(np.searchsorted(data.time[row:end], now + WITHIN_DAYS, side="right"))
                rows += history.cells(data, range(row, row + last), learner=learner, now=now)
            history.add(data, row)
    return np.array(rows).reshape(-1, 5)


def cells_of_week(model: AnyFittedTracer, data: ResponseArrays, *, begin: float, days: int) -> F:
    """Return the cells of a week's mornings, each held to that day's first answer on the skill.

    The learners are those of the site, with all that they answered before.
    """
    rows: list[Cell] = []
    for learner, first, end in _learners(data):
        times = data.time[first:end]
        stop = first + int(np.searchsorted(times, begin + days))
        if stop == first or data.time[stop - 1] < begin:
            continue
        history, day = _History(model), begin - 1.0
        for row in range(first, stop):
            today = float(np.floor(data.time[row]))
            if today >= begin and today > day:
                day = today
                last = first + int(np.searchsorted(times, day + 1.0))
                rows += history.cells(data, range(row, last), learner=learner, now=day)
            history.add(data, row)
    return np.array(rows).reshape(-1, 5)


def report(cells: F, *, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return, for each number and band with enough cells, the share of answers that were right."""
    rows = []
    for column, what in NUMBERS.items():
        for low, high in BANDS:
            inside = (cells[:, column] >= low) & (
                (cells[:, column] < high) | ((high == 1.0) & (cells[:, column] <= 1.0))
            )
            part = cells[inside]
            if len(part) < LEAST_CELLS:
                continue
            ends = _interval(part, rng)
            rows.append(
                {
                    "number": what,
                    "band": f"{low:.0%}-{high:.0%}",
                    "cells": len(part),
                    "mean": round(float(part[:, column].mean()), 3),
                    "next_right": round(float(part[:, RIGHT].mean()), 3),
                    "low": ends[0],
                    "high": ends[1],
                }
            )
    return rows


class _History:
    """One learner's state and how often each skill was met."""

    def __init__(self, model: AnyFittedTracer) -> None:
        self._model, self._state = model, model.init_state()
        self._seen: dict[str, int] = {}

    def add(self, data: ResponseArrays, row: int) -> None:
        """Take one answer."""
        skills = data.skills_of(row)
        item = data.items[data.item[row]] if data.item[row] >= 0 else None
        observation = Observation(skills, item, bool(data.correct[row]), float(data.time[row]))
        self._state = self._model.update(self._state, observation)
        for skill in skills:
            self._seen[skill] = self._seen.get(skill, 0) + 1

    def cells(
        self, data: ResponseArrays, coming: Sequence[int], *, learner: int, now: float
    ) -> list[Cell]:
        """Return what the page says now of the skills that come, with the first answer on each."""
        first: dict[str, int] = {}
        for row in coming:
            for skill in data.skills_of(row):
                if self._seen.get(skill, 0) >= EVIDENCE_MIN:
                    first.setdefault(skill, row)
        if not first:
            return []
        known = list(first)
        beliefs = self._model.forecast(self._state, known, at=now)
        return [
            (
                learner,
                float(beliefs.p_mastery[at]),
                float(beliefs.p_correct[at]),
                float(
                    self._model.forecast(
                        self._state, [skill], at=float(data.time[first[skill]])
                    ).p_correct[0]
                ),
                float(data.correct[first[skill]]),
            )
            for at, skill in enumerate(known)
        ]


def _learners(data: ResponseArrays) -> list[tuple[int, int, int]]:
    starts = data.learner_slices().tolist()
    spans = enumerate(pairwise(starts))
    return [(code, begin, end) for code, (begin, end) in spans if end > begin]


def _interval(part: F, rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of the share right, by bootstrap over learners."""
    learners, at = np.unique(part[:, LEARNER], return_inverse=True)
    n = np.bincount(at).astype(np.float64)
    right = np.bincount(at, weights=part[:, RIGHT])
    pick = rng.integers(0, len(learners), (DRAWS, len(learners)))
    shares = right[pick].sum(axis=1) / n[pick].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return round(float(low), 3), round(float(high), 3)
