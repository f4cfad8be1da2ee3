"""BKT against pyBKT on the same rows, one core each, and how a fit grows with the log.

Run: STEPWISE_DATA=../shared python benchmarks/bkt.py --peer PYTHON [--peer-path DIR] [--json OUT]
PYTHON is an interpreter that has pyBKT (`pip install --no-build-isolation` of its sdist compiles
the C++ build; needs scikit-learn < 1.6). --peer-path puts a directory with another build, such as
the pure Python one, before it. --scaling fits 1 to 5 million simulated responses instead;
--agreement compares fitted rates with pyBKT's on 2,000 simulated learners.
"""

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from kt_models.arrays import ResponseArrays
from kt_models.bkt.fit import BKT, BKTConfig
from kt_models.datasets.read import read_log
from kt_models.evaluate.metrics import auc, log_loss
from kt_models.synthetic import simulate_bkt

DATA = Path(os.environ.get("STEPWISE_DATA", "../shared")) / "data"
FILES = {
    "2009 published": (
        "cakt/assist2009_updated_train.csv.gz",
        "cakt/assist2009_updated_test.csv.gz",
    ),
    "2009 clean": ("assist2009_clean_train.csv.gz", "assist2009_clean_test.csv.gz"),
    "2015": ("cakt/assist2015_train.csv.gz", "cakt/assist2015_test.csv.gz"),
    "2017": ("cakt/assist2017_train.csv.gz", "cakt/assist2017_test.csv.gz"),
    "Statics": ("cakt/STATICS_train.csv.gz", "cakt/STATICS_test.csv.gz"),
}
# Name, files it runs on (None: all), starts, ours, theirs (None: they have none).
Case = tuple[str, tuple[str, ...] | None, int, dict[str, Any], dict[str, Any] | None]
CLEAN = ("2009 clean",)
CASES: list[Case] = [
    ("plain, 1 start", None, 1, {}, {}),
    ("plain, 5 starts", None, 5, {}, {}),
    ("textbook, 5 starts", None, 5, {"least_unknown": 0.0}, None),
    ("forgets, 5 starts", None, 5, {"forgets": True}, {"forgets": True}),
    ("item guess and slip", CLEAN, 5, {"item_emissions": True}, {"multigs": True}),
    ("item learn rate", CLEAN, 5, {"item_learning": True}, {"multilearn": True}),
    ("5 learner classes", None, 5, {"learner_classes": 5}, None),
    (
        "all variants", CLEAN, 5,
        {"forgets": True, "item_emissions": True, "item_learning": True, "learner_classes": 5},
        None,
    ),
]  # fmt: skip


def load(name: str) -> ResponseArrays:
    """Read a file, its rows as they are."""
    return read_log(DATA / name, sort=True).data


def run_ours(train: str, test: str, options: dict[str, Any]) -> dict[str, Any]:
    """Fit and predict here; called in a process of its own, so that the peak is this fit's."""
    fit_on, tell = load(train), load(test)
    before = peak_mib()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    # The peer has nothing like holding forecasts to returns, which is a second fit.
    fitted = BKT(BKTConfig(holds_returns=False, **options)).fit(fit_on, seed=0)
    fit_s, fit_cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    begin = time.perf_counter()
    p = fitted.predict(tell)
    predict_s = time.perf_counter() - begin
    return {
        "fit_s": fit_s,
        "fit_cpu_s": fit_cpu_s,
        "predict_s": predict_s,
        "peak_mib": peak_mib(),
        "loaded_mib": before,
        "auc": auc(tell.correct, p),
        "log_loss": log_loss(tell.correct, p),
    }


def peak_mib() -> float:
    """Return the peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process(mode: str, *arguments: str) -> dict[str, Any]:
    """Run this file again on one core and return what it prints."""
    command = [sys.executable, __file__, "--worker", mode, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_core())
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def one_core() -> dict[str, str]:
    """Return an environment in which numeric libraries use one thread."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return os.environ | dict.fromkeys(threads, "1") | {"PYTHONPATH": str(Path.cwd())}


class ItemGroups:
    """The items that pyBKT may tell apart: it refuses an item that it has not seen in the skill.

    A (skill, item) pair with fewer than 20 training responses, or none, goes to "other", or where
    the skill has no such pair in training, to its most frequent item.
    """

    def __init__(self, train: ResponseArrays) -> None:
        counts = Counter(
            (skill, train.item_of(row))
            for row in range(train.n_responses)
            for skill in train.skills_of(row)
        )
        self.kept = {pair for pair, count in counts.items() if count >= 20}
        self.fallback: dict[str, str] = {}
        for (skill, item), _ in counts.most_common():
            self.fallback.setdefault(skill, item or "other")
        for skill, _item in counts.keys() - self.kept:
            self.fallback[skill] = "other"

    def of(self, skill: str, item: str | None) -> str:
        """Return the group of an item within a skill."""
        is_kept = item is not None and (skill, item) in self.kept
        return str(item) if is_kept else self.fallback.get(skill, "other")


def write_csv(data: ResponseArrays, path: Path, groups: ItemGroups) -> None:
    """Write the columns that pyBKT wants; a response of several skills takes a row for each."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["order_id", "user_id", "skill_name", "correct", "item"])
        for row in range(data.n_responses):
            learner = data.learners[data.learner[row]]
            for skill in data.skills_of(row):
                item = groups.of(skill, data.item_of(row))
                out.writerow([row, learner, f"k{skill}", int(data.correct[row]), item])


class Peer:
    """pyBKT under its own interpreter."""

    def __init__(self, python: str, extra_path: str | None) -> None:
        self.python, self.extra_path = python, extra_path
        self.folder = Path(tempfile.mkdtemp(prefix="bkt-peer-"))
        self.written: dict[str, tuple[Path, Path]] = {}

    def csvs_of(self, train: str, test: str) -> tuple[Path, Path]:
        """Return the CSVs of two files, written at the first call."""
        if train not in self.written:
            paths = self.folder / "train.csv", self.folder / "test.csv"
            data = load(train)
            groups = ItemGroups(data)
            write_csv(data, paths[0], groups)
            write_csv(load(test), paths[1], groups)
            self.written = {train: paths}
        return self.written[train]

    def run(self, train: Path, test: Path, options: dict[str, Any]) -> dict[str, Any]:
        """Fit and predict; "error" holds the last line of what went wrong."""
        options_path, out = self.folder / "options.json", self.folder / "p.txt"
        options_path.write_text(json.dumps(options))
        script = Path(__file__).with_name("bkt_peer.py")
        command = [self.python, str(script), *map(str, (train, test, options_path, out))]
        environment = one_core() | {"PYTHONPATH": self.extra_path or ""}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1]}
        return dict(json.loads(done.stdout.strip().splitlines()[-1])) | {
            # Some of its forecasts exceed 1 by a rounding.
            "p": np.clip(np.loadtxt(out), 0.0, 1.0)
        }


def compare(
    peer: Peer | None, *, repeats: int, wanted: list[str], cases: list[str]
) -> list[dict[str, Any]]:
    """Run the cases on the files (none named: all), ours and theirs in turn."""
    rows = []
    for file, (train, test) in FILES.items():
        if wanted and file not in wanted:
            continue
        for case, files, starts, ours, theirs in CASES:
            if (files is not None and file not in files) or (cases and case not in cases):
                continue
            options = json.dumps(ours | {"n_starts": starts})
            runs = [in_process("ours", train, test, options) for _ in range(repeats)]
            rows.append({"file": file, "case": case, "who": "ours"} | middle(runs))
            show(rows[-1])
            if peer is None or theirs is None:
                continue
            asked = {"seed": 42, "num_fits": starts, "fit": theirs}
            paths = peer.csvs_of(train, test)
            found = [peer.run(*paths, asked) for _ in range(repeats)]
            if "error" not in found[0]:
                right = load(test).correct
                for run in found:
                    p = run.pop("p")
                    run |= {"auc": auc(right, p), "log_loss": log_loss(right, p)}
            rows.append({"file": file, "case": case, "who": "pyBKT"} | middle(found))
            show(rows[-1])
    return rows


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure."""
    if "error" in runs[0]:
        return {"error": runs[0]["error"]}
    numbers = {key for key, value in runs[0].items() if isinstance(value, float)}
    return {key: statistics.median(run[key] for run in runs) for key in sorted(numbers)}


def show(row: dict[str, Any]) -> None:
    head = f"{row['file']:15} {row['case']:20} {row['who']:6}"
    if "error" in row:
        print(f"{head} {row['error'][:90]}", flush=True)
        return
    print(
        f"{head} AUC {row['auc']:.4f}  log loss {row['log_loss']:.4f}  fit {row['fit_s']:7.2f} s"
        f" ({row['fit_cpu_s']:.2f} CPU)"
        f"  predict {row['predict_s']:5.2f} s  peak {row['peak_mib']:5.0f} MiB",
        flush=True,
    )


def run_scaling(n_millions: int) -> dict[str, Any]:
    """Load and fit so many million simulated responses of 100 skills."""
    path = Path(tempfile.mkdtemp(prefix="bkt-scaling-")) / "log.npz"
    command = [sys.executable, __file__, "--worker", "simulate", str(n_millions), str(path)]
    subprocess.run(command, check=True, env=one_core(), capture_output=True)
    begin = time.perf_counter()
    data = ResponseArrays.load(path)
    load_s, loaded = time.perf_counter() - begin, peak_mib()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    fitted = BKT(BKTConfig(n_starts=1)).fit(data, seed=0)
    fit_s, fit_cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    fit_peak = peak_mib()
    begin, begin_cpu = time.perf_counter(), time.process_time()
    fitted.predict(data)
    predict_s, predict_cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    size = path.stat().st_size / 2**20
    path.unlink()
    return {"responses": data.n_responses, "file_mib": size, "load_s": load_s,
            "loaded_mib": loaded, "fit_s": fit_s, "fit_peak_mib": fit_peak,
            "predict_s": predict_s, "fit_cpu_s": fit_cpu_s, "predict_cpu_s": predict_cpu_s,
            "peak_mib": peak_mib()}  # fmt: skip


def simulate(n_millions: int, path: Path) -> dict[str, Any]:
    """Write a simulated log."""
    rng = np.random.default_rng(0)
    log = simulate_bkt(rng, n_learners=n_millions * 5_000, n_responses=200, n_skills=50)
    log.data.save_npz(path)
    return {}


def agreement(peer: Peer) -> dict[str, Any]:
    """Compare fitted rates with pyBKT's and with the truth on 2,000 simulated learners."""
    log = simulate_bkt(np.random.default_rng(0), n_learners=2000, n_responses=60, n_skills=5)
    path = peer.folder / "simulated.csv"
    write_csv(log.data, path, ItemGroups(log.data))
    options = {"seed": 42, "num_fits": 5, "fit": {}, "wants_rates": True}
    theirs = peer.run(path, path, options)["rates"]
    ours = BKT().fit(log.data, seed=0).parameters
    names = {"prior": "prior", "learn": "learns", "guess": "guesses", "slip": "slips"}
    found: dict[str, Any] = {}
    for name, their_name in names.items():
        mine = np.asarray(getattr(ours, name)).reshape(len(ours.skills) + 1, -1)[:-1, 0]
        peers = np.array([theirs[f"k{skill}"][their_name] for skill in ours.skills])
        truth = getattr(log.truth, name)
        found[name] = {
            "ours_minus_pybkt": float(np.abs(mine - peers).max()),
            "ours_minus_truth": float(np.abs(mine - truth).max()),
            "pybkt_minus_truth": float(np.abs(peers - truth).max()),
        }
    return found


def worker(mode: str, arguments: list[str]) -> dict[str, Any]:
    """Do one job in this process."""
    if mode == "ours":
        return run_ours(arguments[0], arguments[1], json.loads(arguments[2]))
    if mode == "scaling":
        return run_scaling(int(arguments[0]))
    return simulate(int(arguments[0]), Path(arguments[1]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peer", help="interpreter that has pyBKT")
    parser.add_argument("--peer-path", help="directory with another build of pyBKT")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", nargs="*", default=[], choices=[*FILES])
    parser.add_argument("--cases", nargs="*", default=[], choices=[case[0] for case in CASES])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--agreement", action="store_true")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(worker(options.worker[0], options.worker[1:])))
        return
    peer = Peer(options.peer, options.peer_path) if options.peer else None
    found: Any
    if options.scaling:
        found = [in_process("scaling", str(n)) for n in range(1, 6)]
        print(json.dumps(found, indent=1))
    elif options.agreement:
        if peer is None:
            parser.error("--agreement needs --peer")
        found = agreement(peer)
        print(json.dumps(found, indent=1))
    else:
        found = compare(peer, repeats=options.repeats, wanted=options.files, cases=options.cases)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
