"""Simulated classes whose truth is known, and counts of hits: what teacher_flags.py judges on."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from tutor.content.graph import CourseGraph
    from tutor.scheduling.graph_arrays import GraphArrays
    from tutor.tracing.selectors import ClassBeliefs

N_SKILLS, WEEKS, SITTINGS, STEPS = 18, 6, 3, 12
ITEMS_A_SKILL, BROKEN_SHARE, EARLIER_SHARE = 4, 0.08, 0.2
NOT_KNOWN, LACKS, NOT_YET = 0.4, 0.5, 0.6
PRECISION_ONLY = ("lacks the skill", "earlier is lacking", "on a true path")
RECALL_ONLY = ("is in one",)
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NOW_DAYS = NOW.timestamp() / 86_400


@dataclass
class Played:
    """One run: rows are answers in order of time; `known` is the truth at the end."""

    learner: np.ndarray
    skill: np.ndarray
    item: np.ndarray
    is_right: np.ndarray
    would_be_right: np.ndarray
    days: np.ndarray
    known: np.ndarray
    broken: frozenset[int]
    beliefs: Any


class Tally:
    """Counts of hits, false alarms and misses by run."""

    def __init__(self) -> None:
        self.runs: dict[str, list[tuple[int, int, int]]] = defaultdict(list)

    def add(self, name: str, flagged: set[Any], true: set[Any]) -> None:
        hits = len(flagged & true)
        self.runs[name].append((hits, len(flagged) - hits, len(true) - hits))

    def rows(self) -> list[dict[str, Any]]:
        """Precision and recall over all runs together, with the spread over runs."""
        rows = []
        for name, runs in self.runs.items():
            hits, false, missed = (sum(run[place] for run in runs) for place in range(3))
            precision = [h / (h + f) for h, f, _m in runs if h + f]
            recall = [h / (h + m) for h, _f, m in runs if h + m]
            row: dict[str, Any] = {"flag": name, "hits": hits}
            if not name.endswith(RECALL_ONLY):
                row |= {"flagged": hits + false, "precision": _share(hits, hits + false)}
                row["precision_90"] = _spread(precision)
            if not name.endswith(PRECISION_ONLY):
                row |= {"true": hits + missed, "recall": _share(hits, hits + missed)}
                row["recall_90"] = _spread(recall)
            rows.append(row)
        return rows


def demo_arrays() -> "tuple[GraphArrays, list[tuple[int, int]]]":
    """Return the first skills of the demo course's graph in topological order, and its edges."""
    from tutor.scheduling.simulation.graphs import arrays_make, arrays_of_demo

    whole = arrays_of_demo()
    edges = [
        (int(a), int(b))
        for a, b in zip(whole.edge_parent, whole.edge_child, strict=True)
        if a < N_SKILLS and b < N_SKILLS
    ]
    # Names that sort as they stand keep the order.
    names = [f"s{row:02}" for row in range(N_SKILLS)]
    arrays = arrays_make(names, [(names[a], names[b]) for a, b in edges])
    pairs = zip(arrays.edge_parent.tolist(), arrays.edge_child.tolist(), strict=True)
    return arrays, sorted(pairs)


def demo_graph(edges: list[tuple[int, int]]) -> "CourseGraph":
    from tutor.content.graph import CourseGraph, SkillNode

    rows = range(N_SKILLS)
    return CourseGraph(
        course_id=0,
        version_number=0,
        skills=tuple(SkillNode(row, UUID(int=row), f"s{row}", f"Skill {row}") for row in rows),
        parents={row: tuple(a for a, b in edges if b == row) for row in rows},
        children={row: tuple(b for a, b in edges if a == row) for row in rows},
        encompassed=dict.fromkeys(rows, ()),
        steps_by_skill=dict.fromkeys(rows, ()),
        lessons_by_skill=dict.fromkeys(rows, ()),
    )


def play(
    simulator: str,
    arrays: "GraphArrays",
    *,
    n: int,
    rng: np.random.Generator,
    broken: frozenset[int],
) -> Played:
    from tutor.scheduling.simulation.learners import (
        GUESS,
        SIMULATORS,
        SLIP,
        able,
        characters_draw,
    )
    from tutor.tracing import engine

    learners = SIMULATORS[simulator](arrays, characters_draw(arrays, n=n, rng=rng))
    table = engine.cold_start_table(n_learners=n, n_skills=arrays.n)
    who = np.arange(n)
    seen = np.zeros((n, arrays.n), dtype=bool)
    easiness = rng.normal(0.0, 0.08, arrays.n * ITEMS_A_SKILL)
    is_broken = np.isin(np.arange(arrays.n * ITEMS_A_SKILL), list(broken))
    a_week = arrays.n // WEEKS
    parts: list[tuple[np.ndarray, ...]] = []
    begin = NOW_DAYS - 7 * WEEKS
    for sitting in range(WEEKS * SITTINGS):
        week = sitting // SITTINGS
        at = begin + 7 * week + 2 * (sitting % SITTINGS) + 1.0
        for step in range(STEPS):
            now = at + step / 1440
            unit = rng.integers(week * a_week, (week + 1) * a_week, n)
            earlier = rng.integers(0, max(week * a_week, 1), n)
            skill = np.where((rng.random(n) < EARLIER_SHARE) & (week > 0), earlier, unit)
            item = skill * ITEMS_A_SKILL + rng.integers(0, ITEMS_A_SKILL, n)
            recall, basis = learners.look(who, skill, now - begin)
            can = np.clip(able(recall, basis) + easiness[item], 0.0, 1.0)
            truth = rng.random(n) < GUESS + (1 - SLIP - GUESS) * can
            lucky = ~truth & (rng.random(n) < 0.1)
            judged = np.where(is_broken[item], lucky, truth)
            learners.practise(
                who,
                skill,
                recall=recall,
                basis=basis,
                is_right=truth,
                is_first=~seen[who, skill],
                at=now - begin,
            )
            seen[who, skill] = True
            table.update(who, skill, judged, at=now)
            parts.append((who.copy(), skill, item, judged, truth, np.full(n, now)))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    learner, skill, item, is_right, would_be_right, days = columns
    return Played(
        learner=learner,
        skill=skill,
        item=item,
        is_right=is_right,
        would_be_right=would_be_right,
        days=days,
        known=learners.known(NOW_DAYS - begin),
        broken=broken,
        beliefs=beliefs_of_table(table, n=n, n_skills=arrays.n),
    )


def beliefs_of_table(table: Any, *, n: int, n_skills: int) -> "ClassBeliefs":
    from tutor.tracing.models import ModelVersion
    from tutor.tracing.selectors import ClassBeliefs

    found = table.forecast(at=NOW_DAYS)
    return ClassBeliefs(
        version=ModelVersion(),
        at=NOW,
        learner_ids=tuple(range(n)),
        skill_ids=tuple(range(n_skills)),
        p_correct=found.p_correct,
        p_mastery=found.p_mastery,
        lower=found.lower,
        upper=found.upper,
        n_observations=found.n_observations,
        last_at_days=found.last_at,
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _spread(values: list[float]) -> list[float] | None:
    if not values:
        return None
    return [round(float(value), 2) for value in np.percentile(values, [5, 95])]
