"""What was believed of a learner on a day, under the version that served then."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.accounts.models import User
from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.tracing.history import beliefs_on


class Command(BaseCommand):
    help = "Print a learner's beliefs at the end of a day, under that day's model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("course", metavar="COURSE", help="The course's id.")
        parser.add_argument("day", metavar="YYYY-MM-DD", type=date.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:
        learner = User.objects.filter(username=options["username"]).first()
        if learner is None:
            raise CommandError(f"no account has the username {options['username']!r}")
        course = Course.objects.filter(key=options["course"]).first()
        if course is None:
            raise CommandError(f"no course has the id {options['course']!r}")
        beliefs = beliefs_on(learner, course, day=options["day"])
        self.stdout.write(
            f"{beliefs.at:%Y-%m-%d %H:%M %Z}, version {beliefs.version.uuid} "
            f"({beliefs.version.model_name})"
        )
        for skill in course_graph(course).skills:
            belief = beliefs.of(skill.id)
            self.stdout.write(
                f"{skill.key:30} P(correct) {belief.p_correct:.3f} "
                f"[{belief.lower:.3f}, {belief.upper:.3f}]  n {belief.n_observations}"
            )
