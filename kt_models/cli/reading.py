"""Read logs with the options that every command shares."""

import argparse
from pathlib import Path

from kt_models.cli.console import note
from kt_models.datasets.log import Log
from kt_models.datasets.read import read_log


def read_with(arguments: argparse.Namespace, path: Path, *, merge: bool = True) -> Log:
    """Read a log as the command's options say, and say what was not taken as it stood.

    Raises: DataError.
    """
    log = read_log(
        path,
        log_format=arguments.format,
        time_unit=arguments.time_unit,
        blank_skill=arguments.blank_skill,
        merge=merge,
        sort=arguments.sort,
        keep_scaffolds=arguments.keep_scaffolds,
        kc_column=arguments.kc_column,
    )
    for sentence in log.notes():
        note(sentence)
    return log
