"""Compare ways to choose what is next on simulated learners."""

import json
import os
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.scheduling.graph_arrays import GraphArrays
from tutor.scheduling.simulation.graphs import (
    arrays_of_course,
    arrays_of_demo,
    arrays_of_file,
)
from tutor.scheduling.simulation.learners import SIMULATORS
from tutor.scheduling.simulation.placing import placement_report
from tutor.scheduling.simulation.plot import plot_check, plot_write
from tutor.scheduling.simulation.report import (
    METRICS,
    POLICIES,
    Plan,
    Ran,
    report_run,
    weeks_for,
)
from tutor.scheduling.simulation.running import Schedule

MOST_LEARNERS = 5_000


class Command(BaseCommand):
    help = "Compare the scheduler with known policies on simulated learners: a table, JSON, a plot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--course", metavar="ID", help="A course of this site.")
        where.add_argument(
            "--graph", metavar="FILE", type=Path, help="A graph: nodes with id, edges from, to."
        )
        parser.add_argument(
            "--learners", metavar="N", type=_learners, default=200, help="For each seed."
        )
        parser.add_argument("--seeds", metavar="0,1", type=_seeds, default=(0, 1, 2, 3, 4))
        parser.add_argument("--weeks", type=_weeks, help="Of five sittings of 20 minutes.")
        parser.add_argument("--policies", type=_names(POLICIES), default=POLICIES)
        parser.add_argument("--simulators", type=_names(tuple(SIMULATORS)), default=(*SIMULATORS,))
        parser.add_argument("--workers", type=_workers, default=os.cpu_count() or 1)
        parser.add_argument(
            "--placement", action="store_true", help="Evaluate the placement too (minutes)."
        )
        parser.add_argument("--json", metavar="OUT", type=Path)
        parser.add_argument("--plot", metavar="OUT", type=Path, help="An .svg or .png.")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("json", "plot"):
            out = options[name]
            if out is not None and not out.absolute().parent.is_dir():
                raise CommandError(f"--{name}: the folder {out.parent} does not exist")
        try:
            if options["plot"] is not None:
                plot_check(options["plot"])
            arrays, title = self._graph(options)
        except TutorError as error:
            raise CommandError(error.message) from error
        schedule = Schedule(weeks=options["weeks"] or weeks_for(arrays))
        plan = Plan(
            arrays=arrays,
            seeds=options["seeds"],
            n_learners=options["learners"],
            schedule=schedule,
            policies=options["policies"],
            simulators=options["simulators"],
        )
        n_all = plan.n_learners * len(plan.seeds)
        self.stdout.write(
            f"{title}: {arrays.n} skills, {len(arrays.edge_child)} prerequisites; "
            f"{n_all} learners, {schedule.weeks} weeks of 5 sittings of "
            f"{schedule.minutes:.0f} minutes ({schedule.hours:.1f} h each)"
        )
        began = time.monotonic()
        report = report_run(plan, n_workers=options["workers"], progress=self._progress)
        report = {"graph": title} | report
        report["seconds"] = round(time.monotonic() - began, 1)
        self._table(report)
        if options["placement"]:
            self.stdout.write("placing newcomers ...")
            report["placement"] = placement_report(
                arrays, n_learners=min(plan.n_learners, 40), seeds=plan.seeds
            )
            self._placement(report["placement"])
        if options["json"] is not None:
            options["json"].write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        if options["plot"] is not None:
            plot_write(report, options["plot"], title=f"{title}: {n_all} learners")

    def _graph(self, options: dict[str, Any]) -> tuple[GraphArrays, str]:
        if options["graph"] is not None:
            return arrays_of_file(options["graph"]), options["graph"].stem
        if options["course"] is None:
            return arrays_of_demo(), "demo course"
        course = Course.objects.filter(key=options["course"]).first()
        if course is None:
            raise CommandError(f"no course has the id {options['course']!r}")
        return arrays_of_course(course), course.key

    def _progress(self, done: int, of: int, ran: Ran) -> None:
        mean = float(ran.outcome.retention_exam.mean())
        self.stdout.write(
            f"[{done}/{of}] {ran.simulator} {ran.policy}: retention at the exam {mean:.3f} "
            f"({ran.cpu_seconds:.0f} s of processor time)"
        )
        self.stdout.flush()

    def _table(self, report: dict[str, Any]) -> None:
        self.stdout.write(
            f"\n{'simulator':10} {'policy':24} " + " ".join(f"{m:>22}" for m in METRICS)
        )
        for row in report["rows"]:
            cells = " ".join(f"{_shown(row[metric]):>22}" for metric in METRICS)
            self.stdout.write(f"{row['simulator']:10} {row['policy']:24} {cells}")
        self.stdout.write(
            f"\n{report['seconds']:.0f} s ({report['cpu_seconds']:.0f} s of processor time)"
        )

    def _placement(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.stdout.write(
                f"placement {row['placement']:9} questions {_shown(row['questions'])}  skills "
                f"misjudged {_shown(row['misjudged'])}  of the fringe {_shown(row['fringe_error'])}"
            )


def _shown(value: dict[str, float]) -> str:
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _whole(text: str, *, name: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise ArgumentTypeError(f"{name} is {text!r}, expected a whole number {least} to {most}")
    return number


def _learners(text: str) -> int:
    return _whole(text, name="the number of learners", least=2, most=MOST_LEARNERS)


def _weeks(text: str) -> int:
    return _whole(text, name="the number of weeks", least=1, most=104)


def _workers(text: str) -> int:
    return _whole(text, name="the number of processes", least=1, most=64)


def _seeds(text: str) -> tuple[int, ...]:
    seeds = tuple(_whole(part, name="a seed", least=0, most=2**31) for part in text.split(","))
    if len(set(seeds)) != len(seeds):
        raise ArgumentTypeError(f"a seed stands twice in {text!r}, expected different seeds")
    return seeds


def _names(known: tuple[str, ...]) -> Any:
    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        for name in names:
            if name not in known:
                raise ArgumentTypeError(
                    f"{name!r} is not known, expected some of {', '.join(known)}"
                )
        return names

    return read
