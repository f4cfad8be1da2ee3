"""How often are the teacher's flags right? On simulated classes whose truth is known.

    python benchmarks/teacher_flags.py [--classes 20] [--learners 30] [--seed 1] [--json FILE]

Two simulators of the scheduling room that share nothing with the model which the site believes
(power-law memory; half-lives) play classes on the first 18 skills of the demo course: three skills
a week for six weeks, three sittings a week of twelve steps, a fifth of them on earlier skills,
whatever anybody knows: the teacher sets the pace. Each class is played twice: with sound items, and
with a broken key in 6 of 72 (what is right is judged wrong; one in ten wrong answers happens to be
what the key wants). Beliefs are those of
the cold start (BKT with defaults), as on a course without a fit. At the end the site's own rules
are asked, and held to the truth:

- needs help: the learner has at least 4 answers on the skill in the window; truth: can do it with a
  chance below 0.4. Flagged: stuck, or much practice and little progress.
- wheel-spinning: the same truth, of pairs with at least 10 answers; flagged by that rule.
- broken item: truth is planted. Flagged by any rule; answers of all classes of a run together
  ("course"), and of one class alone.
- groups: a member truly lacks (below 0.5) the skill that the group works on; and of the learners
  who truly lack a skill practised lately, how many are in a group that works on a skill which they
  truly lack at or before it.
- edges: a third of the true prerequisites is hidden and as many false ones are added; suggested and
  contradicted are judged by the counts that PSI-KT keeps with its graph, over all pairs.

Intervals are the middle 90 % over runs.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

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


def main() -> None:
    """Simulate, ask, hold to the truth, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--edge-learners", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sw-flags-") as directory:
        os.environ |= {
            "STEPWISE_VAR_DIR": directory,
            "STEPWISE_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tutor.settings",
        }
        import django

        django.setup()
        from tutor.scheduling.simulation.learners import SIMULATORS

        found = {}
        for simulator in SIMULATORS:
            found[simulator] = _runs(simulator, options)
            print(simulator)
            for row in found[simulator]:
                print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _runs(simulator: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    arrays, edges = _arrays()
    graph = _graph(edges)
    tally = Tally()
    classes = []
    items = np.random.default_rng([options.seed, 99])
    n_items = N_SKILLS * ITEMS_A_SKILL
    broken = frozenset(items.choice(n_items, round(BROKEN_SHARE * n_items), replace=False).tolist())
    for number in range(options.classes):
        rng = np.random.default_rng([options.seed, number])
        clean = _play(simulator, arrays, n=options.learners, rng=rng, broken=frozenset())
        _judge_learners(tally, clean, graph)
        rng = np.random.default_rng([options.seed, number])
        played = _play(simulator, arrays, n=options.learners, rng=rng, broken=broken)
        classes.append(played)
        _judge_learners(tally, played, graph, suffix=", with broken keys")
        _judge_items(tally, "broken item, one class", [played])
    half = max(options.classes // 4, 1)
    for begin in range(0, options.classes, half):
        part = classes[begin : begin + half]
        _judge_items(tally, f"broken item, {half} classes", part)
    for number in range(max(options.classes // 4, 1)):
        rng = np.random.default_rng([options.seed, 1000 + number])
        played = _play(simulator, arrays, n=options.edge_learners, rng=rng, broken=frozenset())
        _judge_edges(tally, played, edges, rng=rng)
    return tally.rows()


def _arrays() -> "tuple[GraphArrays, list[tuple[int, int]]]":
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


def _graph(edges: list[tuple[int, int]]) -> "CourseGraph":
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


def _play(
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
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Played(
        *columns,
        known=learners.known(NOW_DAYS - begin),
        broken=broken,
        beliefs=_beliefs(table, n=n, n_skills=arrays.n),
    )


def _beliefs(table: Any, *, n: int, n_skills: int) -> "ClassBeliefs":
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


def _judge_learners(
    tally: Tally, played: Played, graph: "CourseGraph", *, suffix: str = ""
) -> None:
    from tutor.dashboards.flags import NEWEST, STUCK_LEAST, WINDOW, FlagKind, Seen, flags_of_learner
    from tutor.dashboards.groups import RECENT, groups_suggest
    from tutor.scheduling.policies import is_wheel_spinning
    from tutor.scheduling.statuses import PolicyConfig

    config = PolicyConfig()
    flagged, spinning = set(), set()
    looked, practised = set(), set()
    for learner in range(len(played.known)):
        rows = np.flatnonzero(played.learner == learner)[::-1]
        rows = rows[played.days[rows] > NOW_DAYS - WINDOW / timedelta(days=1)][:NEWEST]
        newest = [
            Seen(
                (int(played.skill[row]),),
                bool(played.is_right[row]),
                "answer",
                NOW - timedelta(days=NOW_DAYS - float(played.days[row])),
            )
            for row in rows.tolist()
        ]
        beliefs = played.beliefs.of_row(learner)
        mastered = {
            skill
            for skill in range(N_SKILLS)
            if beliefs.p_mastery[skill] >= config.mastery_enter
            and beliefs.n_observations[skill] >= config.mastery_min_observations
        }
        for flag in flags_of_learner(newest, beliefs, mastered, graph):
            if flag.skill is not None and flag.kind in {FlagKind.STUCK, FlagKind.NO_PROGRESS}:
                flagged.add((learner, flag.skill.id))
        for skill in range(N_SKILLS):
            outcomes = [seen.is_correct for seen in newest if seen.skill_ids == (skill,)]
            if len(outcomes) >= STUCK_LEAST:
                looked.add((learner, skill))
            if len(outcomes) >= config.wheel_opportunities:
                practised.add((learner, skill))
                if is_wheel_spinning(outcomes, config=config):
                    spinning.add((learner, skill))
    lacking = {
        (learner, skill) for learner, skill in looked if played.known[learner, skill] < NOT_KNOWN
    }
    tally.add(f"needs help{suffix}", flagged, lacking)
    unsure = {pair for pair in looked if played.known[pair] < NOT_YET}
    tally.add(f"needs help{suffix} (truth: below 0.6)", flagged, unsure)
    tally.add(f"wheel-spinning{suffix}", spinning, {pair for pair in practised if pair in lacking})
    if not suffix:
        _judge_groups(tally, played, graph, groups_suggest(played.beliefs, graph), RECENT.days)


def _judge_groups(
    tally: Tally, played: Played, graph: "CourseGraph", groups: Any, recent_days: int
) -> None:
    known = played.known
    members = {(one.learner_id, group.skill.id) for group in groups for one in group.members}
    truly = {(learner, skill) for learner, skill in members if known[learner, skill] < LACKS}
    lately = played.days > NOW_DAYS - recent_days
    struggling: dict[int, set[int]] = defaultdict(set)
    for learner, skill in set(
        zip(played.learner[lately].tolist(), played.skill[lately].tolist(), strict=True)
    ):
        if known[learner, skill] < LACKS:
            struggling[learner].add(skill)
    helped = {
        learner
        for learner, skill in truly
        if any(skill in graph.ancestors(one) | {one} for one in struggling[learner])
    }
    hits, n_members = len(truly), len(members)
    tally.runs["groups: member lacks the skill"].append((hits, n_members - hits, 0))
    tally.runs["groups: learner in need is in one"].append(
        (len(helped), 0, len(struggling) - len(helped & struggling.keys()))
    )
    earliest = {
        (learner, skill)
        for learner, skill in truly
        if not any(known[learner, one] < LACKS for one in graph.ancestors(skill))
    }
    tally.runs["groups: nothing earlier is lacking"].append(
        (len(earliest), len(members) - len(earliest), 0)
    )


def _judge_items(tally: Tally, name: str, parts: list[Played]) -> None:
    from tutor.dashboards.item_facts import (
        ItemLog,
        Written,
        facts_by,
        item_flags,
        levels,
        wrong_answers,
    )

    learner = np.concatenate([part.learner + 10_000 * number for number, part in enumerate(parts)])
    item = np.concatenate([part.item for part in parts])
    right = np.concatenate([part.is_right for part in parts])
    would = np.concatenate([part.would_be_right for part in parts])
    log = ItemLog(
        learner=learner,
        item=item,
        skill=item // ITEMS_A_SKILL,
        is_right=right,
        is_help=np.zeros(len(item), dtype=bool),
        elapsed_ms=np.full(len(item), np.nan),
    )
    level_of = levels(log)
    rng = np.random.default_rng(len(item))
    flagged = set()
    for code, facts in facts_by(log, item).items():
        rows = np.flatnonzero((item == code) & ~right)
        # What is truly right is written alike; mistakes are one of three, or anything.
        texts = np.where(would[rows], 0, rng.choice([1, 2, 3, 4], len(rows)))
        written = [
            Written(int(who), f"{text}" if text < 4 else f"other {row}", "")
            for row, (who, text) in enumerate(zip(learner[rows], texts, strict=True))
        ]
        common = wrong_answers(written)
        gave = {one.learner for one in written if common and one.text == common[0].text}
        everybody = set(learner[item == code].tolist())
        from dataclasses import replace

        flags = item_flags(
            replace(facts, wrong=common),
            level_of_commonest=_mean([level_of[who] for who in gave]),
            level=_mean([level_of[who] for who in everybody]),
        )
        if flags:
            flagged.add(code)
    tally.add(name, flagged, set(parts[0].broken))


def _judge_edges(
    tally: Tally, played: Played, edges: list[tuple[int, int]], *, rng: np.random.Generator
) -> None:
    from kt_models.arrays import ResponseArrays
    from kt_models.psi_kt.evidence import edge_evidence
    from kt_models.psi_kt.forecast import ENOUGH_RETURNS
    from tutor.dashboards.edge_review import EdgeSays, edges_judge
    from tutor.tracing.edges import Contingency, EdgeEvidence

    hidden = {edges[row] for row in rng.choice(len(edges), len(edges) // 3, replace=False)}
    true_graph = _graph(edges)
    unrelated = [
        (a, b)
        for a in range(N_SKILLS)
        for b in range(a + 1, N_SKILLS)
        if a not in true_graph.ancestors(b)
    ]
    picks = rng.choice(len(unrelated), min(len(hidden), len(unrelated)), replace=False)
    false = {unrelated[row] for row in picks.tolist()}
    believed = sorted((set(edges) - hidden) | false)
    graph = _graph(believed)
    data = ResponseArrays.from_columns(
        learner=played.learner.astype(str),
        item=None,
        skills=[[name] for name in played.skill.astype(str).tolist()],
        correct=played.is_right.astype(np.int8),
        time=played.days,
        time_unit="days",
        sort=True,
    )
    names = np.array([str(row) for row in range(N_SKILLS)])
    counts = edge_evidence(data, names)
    evidence = []
    for a in range(N_SKILLS):
        for b in range(N_SKILLS):
            if a == b:
                continue
            strong = int(counts["n_strong"][a, b]), int(counts["right_strong"][a, b])
            weak = int(counts["n_weak"][a, b]), int(counts["right_weak"][a, b])
            evidence.append(
                EdgeEvidence(
                    parent_id=a,
                    child_id=b,
                    weight=0.5,
                    lower=0.0,
                    upper=1.0,
                    n_learners=strong[0] + weak[0],
                    after_strong=Contingency(*strong),
                    after_weak=Contingency(*weak),
                    is_prerequisite=(a, b) in set(believed),
                    was_prior=False,
                    is_enough_evidence=min(strong[0], weak[0]) >= ENOUGH_RETURNS,
                )
            )
    judged = edges_judge(evidence, graph)
    suggested = {(case.parent.id, case.child.id) for case in judged.that(EdgeSays.SUGGESTED)}
    n = len(np.unique(played.learner))
    tally.add(f"suggested, {n} learners: is a hidden edge", suggested, hidden)
    on_a_path = {(a, b) for a, b in suggested if a in true_graph.ancestors(b)}
    tally.runs[f"suggested, {n} learners: lies on a true path"].append(
        (len(on_a_path), len(suggested) - len(on_a_path), 0)
    )
    against = {(case.parent.id, case.child.id) for case in judged.that(EdgeSays.CONTRADICTED)}
    tally.add(f"contradicted, {n} learners: is a false edge", against, false)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _spread(values: list[float]) -> list[float] | None:
    if not values:
        return None
    return [round(float(value), 2) for value in np.percentile(values, [5, 95])]


if __name__ == "__main__":
    main()
