"""CAKT beside its rivals under one protocol at a time, and its ablations: step by step, resumable.

A system is a model's name with settings, "cakt_small,window=current". Each is fitted once for every
(protocol, data, learners, seed, fold); its predictions are kept in a file of their own and not made
again, and a network's training goes on from its last epoch. Called by benchmarks/cakt.py.
"""

import ast
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cakt_data import has_twin, load
from benchmarks.cakt_peers import CONFIGS as PEERS
from benchmarks.cakt_peers import PeerTracer
from kt_models.arrays import ResponseArrays
from kt_models.cli.plots import draw_reliability
from kt_models.evaluate.bootstrap import paired_difference, score_intervals
from kt_models.evaluate.compare import peak_memory_mib, reset_peak_memory
from kt_models.evaluate.metrics import score
from kt_models.evaluate.protocols import (
    PUBLISHED_LENGTHS,
    ProtocolConfig,
    ProtocolName,
    Trial,
    trials,
)
from kt_models.protocol import Tracer
from kt_models.registry import load_tracer, settings_of

SYSTEMS = ("das3h_items", "bkt_plus", "psi_kt_extended", "dkt", "cakt_plus", "cakt_small")
PUBLISHED = ("cakt_small,predict_fold=200", "dkt,predict_fold=200")
_PARTS = ("", "window=current", "decays=False", "convolves=False", "has_gates=False")
# By whether the model is cakt_plus, which has more parts.
ABLATIONS = {
    False: _PARTS,
    True: (*_PARTS, "base=das3h", "base=''", "dropout=0.0", "weight_decay=1e-5"),
}
CLEAN = "assist2009_clean"
REPLICATES = 200


@dataclass(frozen=True, slots=True)
class Where:
    """What systems are compared on; learners is how many are drawn to fit on, 0 for all."""

    protocol: ProtocolName
    data: str
    learners: int
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """Return the directory of its predictions."""
        drawn = f"-{self.learners}" if self.learners else ""
        return f"{self.protocol}-{self.data}{drawn}-seed{self.seed}-fold{self.fold}"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One system's predictions (n,), whose rows they are, what they cost, and the code's commit."""

    system: str
    learner: NDArray[np.int32]
    correct: NDArray[np.int8]
    is_alone: NDArray[np.bool_]
    p: NDArray[np.float64]
    cpu_seconds: float
    peak_mib: float
    validation_auc: float
    made_by: str


def trial_of(where: Where) -> Trial:
    """Return the fold; with `learners`, those to fit on (on one log: all) are drawn with seed 0."""
    rng = np.random.default_rng(0)

    def some(data: ResponseArrays) -> ResponseArrays:
        codes = np.flatnonzero(np.diff(data.learner_slices()))
        if not where.learners or where.learners >= len(codes):
            return data
        return data.take_learners(np.sort(rng.permutation(codes)[: where.learners]))

    if where.protocol == "published":
        # The paper's files as shipped: a row is a response.
        train, test = (load(f"cakt/{where.data}_{part}", merge=False) for part in ("train", "test"))
    elif where.data == CLEAN:
        train, test = (load(f"{CLEAN}_{part}", merge=True) for part in ("train", "test"))
    else:
        train, test = load(where.data, merge=True), None
    drawn = trials(
        ProtocolConfig(name=where.protocol),
        some(train),
        test=test,
        # Folds are the same for every seed, so that seeds differ by the fit alone.
        rng=np.random.default_rng(0),
    )
    for trial in drawn:
        if trial.fold == where.fold:
            return trial
    raise SystemExit(f"protocol {where.protocol} on {where.data} has no fold {where.fold}")


def tracer_of(system: str, *, time_unit: str) -> Tracer | PeerTracer:
    """Return the model of "name,setting=value,..."; an index log's steps are PSI-KT's days."""
    name, *pairs = system.split(",")
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            settings[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[key] = value
    if name in PEERS:
        return PeerTracer(name, config=replace(PEERS[name], **settings))
    if time_unit == "index" and "unit_steps" in settings_of(name):
        settings["unit_steps"] = True
    return load_tracer(name, **settings)


def run(where: Where, systems: Sequence[str], *, out: Path) -> None:
    """Fit and predict what is not there yet."""
    trial: Trial | None = None
    for system in systems:
        path = _path(where, system, out=out)
        if path.exists():
            continue
        trial = trial or trial_of(where)
        print(f"{where.name}: {system}, {trial.train.n_responses} responses to fit on", flush=True)
        checkpoint = path.with_suffix(".checkpoint")
        reset_peak_memory()
        is_resumed, commit = checkpoint.exists(), _commit()
        cpu = time.process_time()
        fitted = tracer_of(system, time_unit=trial.train.time_unit).fit(
            trial.train,
            seed=where.seed,
            checkpoint=checkpoint,
            progress=_Told(system),
        )
        p = fitted.predict(trial.test)[trial.is_scored]
        cpu = time.process_time() - cpu
        learner = trial.test.learner[trial.is_scored]
        alone = np.ones(len(trial.test.learners), dtype=np.bool_)
        if where.data == CLEAN and where.protocol == "honest":
            alone = ~has_twin(trial.test, load(f"{CLEAN}_train", merge=True))
        scratch = path.with_suffix(".part.npz")
        np.savez_compressed(
            scratch,
            learner=learner,
            correct=trial.test.correct[trial.is_scored],
            is_alone=alone[learner],
            p=p,
            # A fit that was gone on with has its earlier time in no clock.
            cost=np.array([np.nan if is_resumed else cpu, peak_memory_mib()]),
            validation_auc=1.0 - min(getattr(fitted, "validation_misses", ()), default=np.nan),
            made_by=commit,
        )
        scratch.replace(path)
        shutil.rmtree(checkpoint, ignore_errors=True)
        print(f"{where.name}: {system} took {cpu:.0f} s CPU", flush=True)


class _Told:
    """Prints progress by epochs, with the processor's time since the last."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._last = ""
        self._cpu = time.process_time()

    def __call__(self, share: float, text: str) -> None:
        if "epoch" in text and text != self._last:
            cpu = time.process_time()
            print(f"  {self._system}: {text} ({cpu - self._cpu:.0f} s CPU)", flush=True)
            self._last, self._cpu = text, cpu


def table(where: Where, *, out: Path, against: str) -> None:
    """Print what is there of a fold: scores with 95 % intervals over learners, and differences."""
    found = list(_kept(where, out=out))
    if not found:
        print(f"{where.name}: nothing is there yet")
        return
    for name, rows in _subsets(where, found[0]):
        n_learners = len(np.unique(found[0].learner[rows]))
        print(f"\n{where.name}, {name}: {rows.sum()} predictions of {n_learners} learners\n")
        rival = next((one for one in found if one.system == against), None)
        if rival is None:
            print(f"(no differences: {against} is not there)\n")
        print(f"| system | AUC (95 %) | log loss (95 %) | ECE | minus {against}: AUC | log loss "
              "| validation AUC | s CPU | peak MiB | commit |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|---|")
        for one in sorted(found, key=lambda one: -score(one.correct[rows], one.p[rows]).auc):
            print(_line(one, rival, rows), flush=True)


def spread(places: Sequence[Where], *, out: Path) -> None:
    """Print mean and standard deviation over seeds, of the systems that were run with them all."""
    if len(places) < 2:
        return
    runs = [{one.system: one for one in _kept(where, out=out)} for where in places]
    seeds = ", ".join(str(where.seed) for where in places)
    for system in sorted(set.intersection(*(set(kept) for kept in runs))):
        scores: dict[str, list[tuple[float, float, float]]] = {}
        for where, kept in zip(places, runs, strict=True):
            one = kept[system]
            for name, rows in _subsets(where, one):
                found = score(one.correct[rows], one.p[rows])
                scores.setdefault(name, []).append((found.auc, found.log_loss, found.ece))
        for name, values in scores.items():
            mean, sd = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
            print(f"{system}, {name}, seeds {seeds}: "
                  f"AUC {mean[0]:.4f} (sd {sd[0]:.4f}), log loss {mean[1]:.4f} (sd {sd[1]:.4f}), "
                  f"ECE {mean[2]:.4f} (sd {sd[2]:.4f})", flush=True)  # fmt: skip


def plot(where: Where, systems: Sequence[str], *, out: Path, path: Path) -> None:
    """Draw the reliability curves of the systems that are there of a fold."""
    found = [one for one in _kept(where, out=out) if one.system in systems]
    if found:
        draw_reliability(path, found[0].correct, {one.system: one.p for one in found})
        print(f"drawn to {path}")


def _subsets(where: Where, one: Scored) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield names and rows (n,): all, and what is told apart under this protocol."""
    yield "all", np.ones(len(one.p), dtype=np.bool_)
    if where.protocol == "published":
        low, high = PUBLISHED_LENGTHS
        lengths = np.bincount(one.learner)[one.learner]
        yield f"learners of {low} to {high} responses", (lengths >= low) & (lengths <= high)
    if not one.is_alone.all():
        yield "without twins", one.is_alone


def _line(one: Scored, rival: Scored | None, rows: NDArray[np.bool_]) -> str:
    learner, correct, p = one.learner[rows], one.correct[rows], one.p[rows]
    scores = score(correct, p)
    bounds = score_intervals(
        learner, correct, p, rng=np.random.default_rng(0), replicates=REPLICATES
    )
    cells = [
        one.system,
        f"{scores.auc:.4f} ({bounds.auc.low:.4f}-{bounds.auc.high:.4f})",
        f"{scores.log_loss:.4f} ({bounds.log_loss.low:.4f}-{bounds.log_loss.high:.4f})",
        f"{scores.ece:.4f}",
    ]
    if rival is not None and (
        not np.array_equal(rival.learner, one.learner)
        or not np.array_equal(rival.correct, one.correct)
    ):
        raise SystemExit(f"{one.system} and {rival.system} were scored on different rows")
    if rival is None or rival is one:
        cells += ["", ""]
    else:
        found = paired_difference(
            learner, correct, p, rival.p[rows],
            rng=np.random.default_rng(0), replicates=REPLICATES,
        )  # fmt: skip
        cells += [
            f"{part.value:+.4f} ({part.low:+.4f} to {part.high:+.4f})"
            for part in (found.auc, found.log_loss)
        ]
    cells += ["" if np.isnan(one.validation_auc) else f"{one.validation_auc:.4f}"]
    cells += ["" if np.isnan(one.cpu_seconds) else f"{one.cpu_seconds:.0f}"]
    cells += [f"{one.peak_mib:.0f}", one.made_by]
    return "| " + " | ".join(cells) + " |"


def _kept(where: Where, *, out: Path) -> Iterator[Scored]:
    for path in sorted((out / where.name).glob("*.npz")):
        if path.name.endswith(".part.npz"):
            continue
        with np.load(path) as kept:
            yield Scored(
                system=path.stem,
                learner=kept["learner"],
                correct=kept["correct"],
                is_alone=kept["is_alone"],
                p=kept["p"],
                cpu_seconds=float(kept["cost"][0]),
                peak_mib=float(kept["cost"][1]),
                validation_auc=float(kept.get("validation_auc", np.nan)),
                made_by=str(kept.get("made_by", "")),
            )


def _path(where: Where, system: str, *, out: Path) -> Path:
    directory = out / where.name
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{system}.npz"


def _commit() -> str:
    """Return the commit that the code is of, with a + where files were changed since.

    Empty where there is no git.
    """

    def git(*words: str) -> str:
        told = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()

    try:
        is_changed = git("status", "--porcelain", "--untracked-files=no") != ""
        return git("rev-parse", "--short", "HEAD") + ("+" if is_changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
