"""Fit PSI-KT on ASSISTments 2017: inference variants, streaming against refits, whole histories.

    python benchmarks/psi_kt_fits.py variants --seeds 0,1,2
    python benchmarks/psi_kt_fits.py streaming --seeds 0,1,2
    python benchmarks/psi_kt_fits.py full --out DIR

Set OMP_NUM_THREADS=1, and STEPWISE_DATA to where the logs are. Times of fits are CPU seconds of one
thread; the tables of models come from psi_kt_tables.py.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kt_models.arrays import ResponseArrays
from kt_models.evaluate.metrics import score
from kt_models.evaluate.protocols import ProtocolConfig, Trial, predict_trial, trials
from kt_models.psi_kt.config import CONFIGS, PSIKTConfig
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.model import shares_of
from kt_models.psi_kt.parameters import strongest_parents
from kt_models.psi_kt.tracer import PSIKTTracer
from kt_models.registry import load_tracer
from kt_models.split import positions

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.psi_kt import EXTENDED, assist2017, graph_fitted, numbers  # noqa: E402


def main() -> None:
    """Run the part that was asked for."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "variants": variants,
        "streaming": streaming,
        "full": full,
    }
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--settings", default="", help="run only variants whose name holds this")
    parser.add_argument("--protocol", choices=("honest", "future"), default="honest")
    parser.add_argument("--model", choices=tuple(CONFIGS), default=EXTENDED)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    parts[arguments.part](arguments)


def variants(arguments: argparse.Namespace) -> None:
    """Compare ways to fit, and parts of the model, on cohorts of 100."""
    settings: dict[str, tuple[str, dict[str, Any]]] = {
        "paper, collapsed, no transfer": ("psi_kt", {"transfer": "none"}),
        "paper, structured guide": (
            "psi_kt",
            {"transfer": "none", "inference": "structured", "steps": 600},
        ),
        "paper": ("psi_kt", {}),
        "paper, starts at the level": ("psi_kt", {"starts_at_target": True}),
        "extended": (EXTENDED, {}),
        "extended, no transfer": (EXTENDED, {"transfer": "none"}),
        "extended, structured guide": (
            EXTENDED,
            {"transfer": "none", "inference": "structured", "steps": 600},
        ),
        "extended, no history": (EXTENDED, {"history": False}),
        "extended, no items": (EXTENDED, {"item_offsets": False}),
    }
    data = assist2017()
    for label, (name, changes) in settings.items():
        if arguments.settings not in label:
            continue
        found: dict[str, list[tuple[float, float]]] = {"multistep": [], "onestep": []}
        spent = []
        for seed in numbers(arguments.seeds):
            # Both protocols fit on the same ten answers of the same learners.
            both = {protocol: _trial(data, protocol, seed) for protocol in found}
            tracer = load_tracer(name, **changes)
            begin = time.process_time()
            fitted = tracer.fit(both["onestep"].train, seed=seed)
            spent.append(time.process_time() - begin)
            for protocol, trial in both.items():
                scores = score(trial.test.correct[trial.is_scored], predict_trial(fitted, trial))
                found[protocol].append((scores.auc, scores.log_loss))
        shown = "  ".join(
            f"{protocol} {np.mean(rows, axis=0)[0]:.4f} / {np.mean(rows, axis=0)[1]:.4f}"
            for protocol, rows in found.items()
        )
        print(f"{label}: {shown}  fit {np.mean(spent):.1f} CPU s", flush=True)


def _trial(data: ResponseArrays, protocol: str, seed: int) -> Trial:
    config = ProtocolConfig(name=protocol)  # type: ignore[arg-type]
    return next(iter(trials(config, data, test=None, rng=np.random.default_rng(seed))))


def streaming(arguments: argparse.Namespace) -> None:
    """Compare one fit that only streams with a warm-started refit every ten responses."""
    data = assist2017()
    losses: dict[str, list[list[float]]] = {"streaming": [], "refitted": []}
    config: PSIKTConfig = CONFIGS[EXTENDED]
    for seed in numbers(arguments.seeds):
        trial = _trial(data, "onestep", seed)
        test, at = trial.test, positions(trial.test)
        first = PSIKTTracer(EXTENDED, config=config).fit(trial.train, seed=seed)
        fitted, rows = first, {name: list[float]() for name in losses}
        for begin in (10, 20, 30, 40):
            if begin > 10:
                known = test.take(at < begin)
                brief = replace(config, steps=60, epochs=1)
                tracer = PSIKTTracer(EXTENDED, config=brief, start=fitted)
                fitted = tracer.fit(known, seed=seed)
            asked = (at >= begin) & (at < begin + 10)
            for name, model in (("streaming", first), ("refitted", fitted)):
                p = model.predict(test.take(at < begin + 10))
                is_asked = asked[at < begin + 10]
                rows[name].append(score(test.correct[asked], p[is_asked]).log_loss)
        for name, one in rows.items():
            losses[name].append(one)
    for name, each in losses.items():
        print(name, "log loss of steps 11-20, 21-30, 31-40, 41-50:", np.mean(each, axis=0).round(4))


def full(arguments: argparse.Namespace) -> None:
    """Fit on whole histories of four fifths of the learners; score the others, or what is later."""
    data = assist2017()
    config = ProtocolConfig(name=arguments.protocol)
    trial = next(iter(trials(config, data, test=None, rng=np.random.default_rng(0))))
    begin = time.process_time()
    tracer = load_tracer(arguments.model, device=arguments.device)
    fitted = tracer.fit(trial.train, seed=0, progress=lambda _, text: print(text, flush=True))
    spent = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scores = score(trial.test.correct[trial.is_scored], predict_trial(fitted, trial))
    print(
        f"{arguments.model}, {arguments.protocol}: {trial.train.n_responses:,} responses, fit "
        f"{spent:.0f} CPU s, {peak:.0f} MiB; AUC {scores.auc:.4f}, log loss {scores.log_loss:.4f}, "
        f"accuracy {scores.accuracy:.4f}, F1 {scores.f1:.4f}, ECE {scores.ece:.4f}"
    )
    assert isinstance(fitted, FittedPSIKT)
    for edge in fitted.edges()[:10]:
        print(
            f"  {edge.parent} -> {edge.child}: {edge.weight:.2f} ({edge.lower:.2f}-"
            f"{edge.upper:.2f}), {edge.n_learners} learners, right {edge.right_after_strong:.2f} "
            f"after strong, {edge.right_after_weak:.2f} after weak; the data {edge.says}"
        )
    whole = score(trial.test.correct[trial.is_scored], predict_trial(_unpruned(fitted), trial))
    print(f"  log loss with every parent kept {whole.log_loss:.5f}, pruned {scores.log_loss:.5f}")
    if arguments.out is not None:
        fitted.save(arguments.out)


def _unpruned(fitted: FittedPSIKT) -> FittedPSIKT:
    """Return the same model with all parents of every skill."""
    p = fitted.parameters
    share = shares_of(torch.as_tensor(graph_fitted(fitted)), config=p.config).numpy()[:-1].T
    parents, kept, rest, rest_square = strongest_parents(share, len(p.skills))
    return FittedPSIKT(
        replace(p, parents=parents, parent_share=kept, rest=rest, rest_square=rest_square)
    )


if __name__ == "__main__":
    main()
