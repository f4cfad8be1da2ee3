"""The command line: fit | predict | evaluate | compare | simulate | inspect.

`compare` and `predict` are a stable contract: their options, the fields of `rows` in the JSON that
compare writes, and the columns of the CSV that predict writes do not change their meaning.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kt_models.cli import commands
from kt_models.cli.comparing import run_compare, run_evaluate
from kt_models.datasets.read import FORMATS
from kt_models.errors import KTModelsError

PROTOCOLS = ("published", "honest", "future", "multistep", "onestep", "between")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after a sentence on stderr that says what was wrong."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KTModelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kt_models", description="Fit, compare and use knowledge-tracing models."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    _fit_options(_command(subparsers, "fit", "fit a model on a log and save it"))
    _predict_options(
        _command(subparsers, "predict", "fit on one log, write P(correct) of each row of another")
    )
    _evaluate_options(
        _command(subparsers, "evaluate", "score one model by name, or a saved one on a log")
    )
    _compare_options(_command(subparsers, "compare", "run several models on the same folds"))
    _simulate_options(_command(subparsers, "simulate", "write a simulated log"))
    _inspect_options(_command(subparsers, "inspect", "say what a log or a saved model holds"))
    return parser


def _command(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    return subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def _fit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    _reading_options(parser, blank_skill="drop")
    parser.set_defaults(run=commands.run_fit)


def _predict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="PREDS.csv")
    parser.add_argument("--seed", type=int, default=0)
    _reading_options(parser, blank_skill="unknown")
    parser.set_defaults(run=commands.run_predict)


def _evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model's name, or the directory of a saved model")
    _comparison_options(parser, default_protocol="honest")
    parser.set_defaults(run=run_evaluate)


def _compare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", required=True, metavar="A,B,C", help="names, by commas")
    _comparison_options(parser, default_protocol=None)
    parser.set_defaults(run=run_compare)


def _comparison_options(parser: argparse.ArgumentParser, *, default_protocol: str | None) -> None:
    parser.add_argument("--data", type=Path, metavar="FILE", help="one log, split here")
    parser.add_argument("--train", type=Path, metavar="FILE", help="with --test: split as given")
    parser.add_argument("--test", type=Path, metavar="FILE")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        required=default_protocol is None,
        default=default_protocol,
    )
    parser.add_argument("--folds", type=int, default=5, metavar="N")
    parser.add_argument("--cohort", type=int, default=100, metavar="N", help="learners fitted on")
    parser.add_argument("--horizon", type=int, default=10, metavar="N", help="open-loop steps")
    parser.add_argument("--learner-filter", choices=("all", "10-201"), default="all")
    parser.add_argument("--seeds", type=_integers, default=(0,), metavar="0,1,2")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="reliability, ROC, learning")
    parser.add_argument(
        "--max-fits", type=int, metavar="N", help="stop after N fits of each model and seed"
    )
    _reading_options(parser, blank_skill="drop")


def _simulate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=("bkt", "ou", "practice"), default="bkt")
    parser.add_argument("--learners", type=int, default=1000, metavar="N")
    parser.add_argument("--responses", type=int, default=50, metavar="N", help="of each learner")
    parser.add_argument("--skills", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv[.gz]")
    parser.set_defaults(run=commands.run_simulate)


def _inspect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a response log, or a saved model's directory")
    _reading_options(parser, blank_skill="drop")
    parser.set_defaults(run=commands.run_inspect)


def _reading_options(parser: argparse.ArgumentParser, *, blank_skill: str) -> None:
    group = parser.add_argument_group("reading logs")
    group.add_argument("--format", choices=("auto", *FORMATS), default="auto")
    group.add_argument("--time-unit", choices=("auto", "index", "seconds", "days"), default="auto")
    group.add_argument("--blank-skill", choices=("refuse", "drop", "unknown"), default=blank_skill)
    group.add_argument("--sort", action="store_true", help="sort rows by learner and time")
    group.add_argument("--keep-scaffolds", action="store_true")
    group.add_argument("--kc-column", metavar="NAME", help="which KC column of a step export")


def _integers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of integers") from error
    if any(one < 0 for one in found) or len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"'{text}' must hold different integers from 0")
    return found
