"""Ask the log what another weighting of the scheduler's terms would have brought."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from tutor.content.models import Course
from tutor.scheduling.evaluating import decisions_logged
from tutor.scheduling.off_line import Estimate, TargetPolicy, evaluate
from tutor.scheduling.policies import StepwisePolicy
from tutor.scheduling.scoring import TERMS
from tutor.scheduling.statuses import PolicyConfig

# Estimates from fewer effective sittings are called what they are.
FEW = 30


class Command(BaseCommand):
    help = "Estimate from logged plans what a changed policy would have brought in right answers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        config = PolicyConfig()
        parser.add_argument("course", metavar="COURSE", help="The course's id.")
        parser.add_argument(
            "--factor",
            metavar="TERM=NUMBER",
            type=_factor,
            action="append",
            default=[],
            help=f"A term's weight against the logged one; terms: {', '.join(TERMS)}.",
        )
        parser.add_argument("--temperature", type=_above_zero, default=config.temperature)
        parser.add_argument("--policy", default=StepwisePolicy().name, help="Whose log to read.")
        parser.add_argument("--decisions", type=int, default=10, help="The first of each sitting.")
        parser.add_argument("--seed", type=int, default=0, help="Of the bootstrap.")

    def handle(self, *args: Any, **options: Any) -> None:
        course = Course.objects.filter(key=options["course"]).first()
        if course is None:
            raise CommandError(f"no course has the id {options['course']!r}")
        if options["decisions"] < 1:
            raise CommandError(f"--decisions is {options['decisions']}, expected at least 1")
        target = TargetPolicy(
            factors=dict(options["factor"]),
            temperature=options["temperature"],
            epsilon=PolicyConfig().epsilon,
        )
        try:
            found = evaluate(
                decisions_logged(course, policy=options["policy"]),
                target,
                most_decisions=options["decisions"],
                rng=np.random.default_rng(options["seed"]),
            )
        except ValueError as error:
            raise CommandError(f"the log of {course.key} cannot be used: {error}") from error
        self.stdout.write(f"{found.n_decisions} decisions in {found.n_sittings} sittings")
        self._line("as logged", found.logged)
        self._line("target, plain", found.plain)
        self._line("target, weighted", found.weighted)
        sizes = ", ".join(f"{size:.0f}" for size in found.effective_sizes)
        self.stdout.write(f"effective sittings, decision by decision: {sizes}")
        if min(found.effective_sizes) < FEW:
            self.stdout.write(
                f"Some are below {FEW}: the estimates rest on few sittings and say little."
            )

    def _line(self, name: str, estimate: Estimate) -> None:
        self.stdout.write(
            f"{name:17} {estimate.value:.4f} right a decision "
            f"[{estimate.low:.4f}, {estimate.high:.4f}]"
        )


def _factor(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if name not in TERMS or not 0 <= value < 1e6:
        raise ArgumentTypeError(
            f"{text!r} is no factor, expected TERM=NUMBER with TERM one of {', '.join(TERMS)}"
        )
    return name, value


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise ArgumentTypeError(f"the temperature is {text!r}, expected a number above 0")
    return value
