"""Make a version serve, whatever its back-test said: a person's decision."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tutor.common.clock import now_utc
from tutor.common.errors import TutorError
from tutor.tracing.models import ModelVersion
from tutor.tracing.promotion import promotion_start


class Command(BaseCommand):
    help = "Make a model version serve; workers replay the log first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="VERSION_UUID", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        version = ModelVersion.objects.filter(uuid=options["version"]).first()
        if version is None:
            raise CommandError(f"no model version has the id {options['version']}")
        try:
            promotion = promotion_start(version, by=None, now=now_utc())
        except TutorError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"promotion {promotion.uuid}: {promotion.shards.count()} shards wait")
