"""How often are the teacher's flags right? On simulated classes whose truth is known.

    python benchmarks/teacher_flags.py [--classes 20] [--learners 30] [--edge-learners 600 2400]
        [--seed 1] [--json FILE]

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
  contradicted are judged by what PSI-KT keeps of the log with its graph, over all pairs.

Intervals are the middle 90 % over runs.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.flags_playing import (  # noqa: E402
    BROKEN_SHARE,
    ITEMS_A_SKILL,
    LACKS,
    N_SKILLS,
    NOT_KNOWN,
    NOT_YET,
    NOW,
    NOW_DAYS,
    Played,
    Tally,
    demo_arrays,
    demo_graph,
    play,
)

if TYPE_CHECKING:
    from tutor.content.graph import CourseGraph


def main() -> None:
    """Simulate, ask, hold to the truth, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--edge-learners", type=int, nargs="+", default=[600, 2400])
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
    arrays, edges = demo_arrays()
    graph = demo_graph(edges)
    tally = Tally()
    classes = []
    items = np.random.default_rng([options.seed, 99])
    n_items = N_SKILLS * ITEMS_A_SKILL
    broken = frozenset(items.choice(n_items, round(BROKEN_SHARE * n_items), replace=False).tolist())
    for number in range(options.classes):
        rng = np.random.default_rng([options.seed, number])
        clean = play(simulator, arrays, n=options.learners, rng=rng, broken=frozenset())
        _judge_learners(tally, clean, graph)
        rng = np.random.default_rng([options.seed, number])
        played = play(simulator, arrays, n=options.learners, rng=rng, broken=broken)
        classes.append(played)
        _judge_learners(tally, played, graph, suffix=", with broken keys")
        _judge_items(tally, "broken item, one class", [played])
    half = max(options.classes // 4, 1)
    for begin in range(0, options.classes, half):
        part = classes[begin : begin + half]
        _judge_items(tally, f"broken item, {half} classes", part)
    for number in range(max(options.classes // 4, 1)):
        for n in options.edge_learners:
            rng = np.random.default_rng([options.seed, 1000 + number])
            played = play(simulator, arrays, n=n, rng=rng, broken=frozenset())
            _judge_edges(tally, played, edges, rng=rng)
    return tally.rows()


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
    from kt_models.psi_kt.gains import edge_gains
    from tutor.dashboards.edge_review import EdgeSays, edges_judge
    from tutor.tracing.edges import Contingency, EdgeEvidence

    hidden = {edges[row] for row in rng.choice(len(edges), len(edges) // 3, replace=False)}
    true_graph = demo_graph(edges)
    unrelated = [
        (a, b)
        for a in range(N_SKILLS)
        for b in range(a + 1, N_SKILLS)
        if a not in true_graph.ancestors(b)
    ]
    picks = rng.choice(len(unrelated), min(len(hidden), len(unrelated)), replace=False)
    false = {unrelated[row] for row in picks.tolist()}
    believed = (set(edges) - hidden) | false
    graph = demo_graph(sorted(believed))
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
    gains = edge_gains(data.merged().data, names)
    nobody = Contingency(n=0, n_right=0)
    evidence = [
        EdgeEvidence(
            parent_id=a,
            child_id=b,
            weight=0.5,
            lower=0.0,
            upper=1.0,
            n_learners=0,
            after_strong=nobody,
            after_weak=nobody,
            is_prerequisite=(a, b) in believed,
            was_prior=False,
            gain=_told(gains["gain"][a, b]),
            gain_sd=_told(gains["gain_sd"][a, b]),
        )
        for a in range(N_SKILLS)
        for b in range(N_SKILLS)
        if a != b
    ]
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


def _told(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


if __name__ == "__main__":
    main()
