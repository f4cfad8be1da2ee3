"""Simulated learners behave, policies keep their promises on them, and the command reports."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.tutor.scheduling.graphs import arrays_of
from tutor.scheduling.graph_arrays import F, GraphArrays
from tutor.scheduling.policies import StepwisePolicy
from tutor.scheduling.simulation.learners import SIMULATORS, Learners, able, characters_draw
from tutor.scheduling.simulation.report import (
    METRICS,
    OURS,
    POLICIES,
    Entry,
    Plan,
    entries_of,
    entry_run,
    interval,
    report_run,
)
from tutor.scheduling.simulation.running import Class, Schedule
from tutor.scheduling.situations import NOBODY, Decision, Policy, Situation
from tutor.scheduling.statuses import LOCKED

GRAPH = arrays_of(6, [(0, 1), (1, 2), (0, 3), (2, 4), (3, 4)])
SHORT = Schedule(weeks=1, days_a_week=2)


def entry_of(policy: str, simulator: str = "power_law", *, arrays: GraphArrays = GRAPH) -> Entry:
    plan = Plan(arrays=arrays, seeds=(0,), n_learners=6, schedule=SHORT)
    (entry,) = [
        entry
        for entry in entries_of(plan)
        if entry.policy == policy and entry.setting.simulator == simulator
    ]
    return entry


@pytest.mark.parametrize("simulator", list(SIMULATORS))
class TestLearners:
    def learners(self, simulator: str) -> Learners:
        characters = characters_draw(GRAPH, n=40, rng=np.random.default_rng(1))
        characters.knows_already[:] = False
        return SIMULATORS[simulator](GRAPH, characters)

    def practise(self, learners: Learners, skill: int, times: list[float]) -> None:
        who, skills = np.arange(40), np.full(40, skill)
        for place, at in enumerate(times):
            recall, basis = learners.look(who, skills, at)
            learners.practise(
                who,
                skills,
                recall=recall,
                basis=basis,
                is_right=np.ones(40, dtype=np.bool_),
                is_first=np.full(40, place == 0),
                at=at,
            )

    def test_practice_teaches_and_time_takes(self, simulator: str) -> None:
        learners = self.learners(simulator)
        before = learners.known(0.0)[:, 0].mean()
        self.practise(learners, 0, [0.0, 0.001, 0.002, 0.003, 0.004])
        after, later = learners.known(0.01)[:, 0].mean(), learners.known(40.0)[:, 0].mean()
        assert before < 0.1 < 0.5 < after
        assert later < 0.6 * after

    def test_spaced_practice_lasts_longer_than_massed(self, simulator: str) -> None:
        massed, spaced = self.learners(simulator), self.learners(simulator)
        self.practise(massed, 0, [9.0 + 0.001 * step for step in range(6)])
        self.practise(spaced, 0, [0.0, 0.001, 0.002, 0.003, 4.0, 9.0])
        assert spaced.known(40.0)[:, 0].mean() > massed.known(40.0)[:, 0].mean()

    def test_without_the_prerequisite_little_is_learned(self, simulator: str) -> None:
        ready, unready = self.learners(simulator), self.learners(simulator)
        self.practise(ready, 0, [0.001 * step for step in range(5)])
        for learners in (ready, unready):
            self.practise(learners, 1, [0.01 + 0.001 * step for step in range(5)])
        assert ready.known(0.1)[:, 1].mean() > 2 * unready.known(0.1)[:, 1].mean()

    def test_a_look_says_what_is_known_of_all(self, simulator: str) -> None:
        learners = self.learners(simulator)
        self.practise(learners, 0, [0.0, 0.001, 0.002])
        self.practise(learners, 1, [1.0, 1.001, 1.002])
        who = np.arange(40)
        recall, basis = learners.look(who, np.full(40, 1), 3.0)
        np.testing.assert_allclose(able(recall, basis), learners.known(3.0)[:, 1], rtol=1e-5)


class Watching:
    """A policy that looks on at another, and keeps what was chosen and what was locked."""

    def __init__(self, inner: Policy) -> None:
        self.inner, self.name, self.locked_chosen, self.n_chosen = inner, inner.name, 0, 0

    def decide(self, situation: Situation, *, u: F) -> Decision:
        decision = self.inner.decide(situation, u=u)
        chosen = decision.chosen
        some = np.flatnonzero(chosen != NOBODY)
        codes = situation.statuses.code[some, chosen[some]]
        self.locked_chosen += int((codes == LOCKED).sum())
        self.n_chosen += len(some)
        return decision


def test_ours_never_chooses_a_locked_skill() -> None:
    setting = entry_of(OURS).setting
    watching = Watching(StepwisePolicy(config=setting.config))
    characters = characters_draw(GRAPH, n=8, rng=np.random.default_rng(2))
    group = Class(setting, characters, watching, rng=np.random.default_rng(3))
    for day in (0.0, 1.0, 4.0):
        group.sitting(day)
    assert watching.n_chosen > 100
    assert watching.locked_chosen == 0


def test_a_run_is_repeated_by_its_seeds_and_differs_by_them() -> None:
    once, again = entry_run(entry_of(OURS)), entry_run(entry_of(OURS))
    assert (once.outcome.retention_exam == again.outcome.retention_exam).all()


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_fills_the_schedule_with_sound_outcomes(policy: str) -> None:
    outcome = entry_run(entry_of(policy, "half_life")).outcome
    for name in METRICS:
        assert np.isfinite(getattr(outcome, name)).all()
    assert ((outcome.retention_exam >= 0) & (outcome.retention_exam <= 1)).all()
    assert (outcome.retention_30d <= outcome.retention_exam + 1e-9).all()
    assert ((outcome.unreachable_share >= 0) & (outcome.unreachable_share <= 1)).all()


def test_a_row_has_each_metric_with_an_interval_and_the_paired_difference() -> None:
    plan = Plan(
        arrays=GRAPH,
        seeds=(0, 1),
        n_learners=4,
        schedule=SHORT,
        policies=(OURS, "random"),
        simulators=("half_life",),
    )
    said: list[str] = []
    report = report_run(
        plan, n_workers=1, progress=lambda done, of, ran: said.append(f"{done}/{of} {ran.policy}")
    )
    assert said == ["1/2 stepwise", "2/2 random"]
    ours, random = report["rows"]
    for metric in METRICS:
        assert ours[metric]["low"] <= ours[metric]["mean"] <= ours[metric]["high"]
    difference = random["ours_minus_this"]["retention_exam"]["mean"]
    expected = ours["retention_exam"]["mean"] - random["retention_exam"]["mean"]
    assert difference == pytest.approx(expected, abs=2e-5)


def test_an_interval_is_the_normal_one() -> None:
    assert interval(np.array([0.0, 1.0, 0.0, 1.0])) == {
        "mean": 0.5,
        "low": pytest.approx(0.5 - 1.959964 * 0.57735 / 2, abs=1e-4),
        "high": pytest.approx(0.5 + 1.959964 * 0.57735 / 2, abs=1e-4),
    }


class TestCommand:
    def graph(self, folder: Path, document: object) -> Path:
        path = folder / "graph.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def test_it_writes_rows_and_a_plot(self, tmp_path: Path) -> None:
        graph = self.graph(
            tmp_path,
            {
                "nodes": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
                "edges": [{"from": "a", "to": "b"}],
            },
        )
        out, plot = tmp_path / "out.json", tmp_path / "out.svg"
        arguments = ["--graph", str(graph), "--learners", "2", "--seeds", "0,1", "--weeks", "1"]
        arguments += ["--policies", "stepwise,random", "--workers", "1", "--placement"]
        call_command("simulate_policies", *arguments, "--json", str(out), "--plot", str(plot))
        report = json.loads(out.read_text(encoding="utf-8"))
        assert {(row["simulator"], row["policy"]) for row in report["rows"]} == {
            (simulator, policy) for simulator in SIMULATORS for policy in ("stepwise", "random")
        }
        assert set(report["rows"][0]["retention_30d"]) == {"mean", "low", "high"}
        assert [row["placement"] for row in report["placement"]] == ["nothing", "fixed", "adaptive"]
        assert plot.read_text(encoding="utf-8").lstrip().startswith("<?xml")

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({"nodes": []}, "not a graph"),
            ({"nodes": [], "edges": []}, "no nodes"),
            ({"nodes": [{"id": "a"}], "edges": [{"from": "a", "to": "x"}]}, "no node 'x'"),
            (
                {
                    "nodes": [{"id": "a"}, {"id": "b"}],
                    "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}],
                },
                "circle",
            ),
        ],
    )
    def test_a_bad_graph_is_refused_in_words(
        self, tmp_path: Path, document: object, said: str
    ) -> None:
        with pytest.raises(CommandError, match=said):
            call_command("simulate_policies", "--graph", str(self.graph(tmp_path, document)))

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--learners", "0"], "the number of learners is '0'"),
            (["--seeds", "0,x"], "a seed is 'x'"),
            (["--policies", "best"], "'best' is not known"),
            (["--plot", "picture.gif"], r"expected \.svg or \.png"),
            (["--json", "/no/such/folder/out.json"], "does not exist"),
        ],
    )
    def test_bad_options_are_refused_before_anything_runs(
        self, arguments: list[str], said: str
    ) -> None:
        with pytest.raises(CommandError, match=said):
            call_command("simulate_policies", *arguments)

    @pytest.mark.django_db
    def test_an_unknown_course_is_named(self) -> None:
        with pytest.raises(CommandError, match="no course has the id 'nowhere'"):
            call_command("simulate_policies", "--course", "nowhere")
