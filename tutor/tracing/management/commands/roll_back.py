"""Go back to the version that served before."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.content.models import Course
from tutor.tracing.models import ModelRole
from tutor.tracing.promotion import roll_back


class Command(BaseCommand):
    help = "Make the model version serve again that served before; workers replay the log first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("course", metavar="COURSE", help="The course's id.")
        parser.add_argument("--role", choices=ModelRole.values, default=ModelRole.MASTERY)

    def handle(self, *args: Any, **options: Any) -> None:
        course = Course.objects.filter(key=options["course"]).first()
        if course is None:
            raise CommandError(f"no course has the id {options['course']!r}")
        try:
            promotion = roll_back(course, role=options["role"], by=None, now=now_utc())
        except TutorError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"going back to version {promotion.version.uuid} ({promotion.version.model_name})"
        )
