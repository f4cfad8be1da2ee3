"""Time and memory of CAKT, and its figures beside its rivals.

Data lies in the directory that STEPWISE_DATA names, ../shared by default.

Run: OMP_NUM_THREADS=2 python benchmarks/cakt.py speed        one epoch, windows, a DKT as wide
     python benchmarks/cakt.py score                          score_all of 100 candidates
     python benchmarks/cakt.py published --seeds 0 1 2        cakt_small on the paper's files
     python benchmarks/cakt.py published --data STATICS --systems cakt,predict_fold=200
     python benchmarks/cakt.py clean                          every system on the clean split
     python benchmarks/cakt.py clean --systems pykt_akt       a peer; wants the extra bench
     python benchmarks/cakt.py protocols --protocol future --data assist2017 --learners 400
     python benchmarks/cakt.py ablations --model cakt_plus    each part left out, clean split

All but the first two keep predictions under --out and go on where they were; then they print the
table of each seed, the spread over seeds, and with --plot draw the reliability of the first.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kt_models.cakt.batches import prepare
from kt_models.cakt.config import CONFIGS
from kt_models.cakt.model import Candidate, FittedCAKT
from kt_models.cakt.network import CAKTNetwork
from kt_models.evaluate.compare import peak_memory_mib, reset_peak_memory
from kt_models.protocol import Observation
from kt_models.registry import load_tracer
from kt_models.synthetic import simulate_bkt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.cakt_data import load  # noqa: E402
from benchmarks.cakt_runs import (  # noqa: E402
    ABLATIONS,
    CLEAN,
    PUBLISHED,
    SYSTEMS,
    Where,
    plot,
    run,
    spread,
    table,
)


def timed(name: str, work: Callable[[], object]) -> None:
    """Run once; print wall and processor seconds and the peak of memory."""
    reset_peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name}: {wall:.1f} s, {cpu:.1f} s CPU, peak {peak_memory_mib():.0f} MiB", flush=True)


def speed() -> None:
    """Time the windows of 2009 updated, and one epoch of cakt_small and of a DKT as wide."""
    data = load("cakt/assist2009_updated_train", merge=False)
    config = CONFIGS["cakt_small"]
    timed("windows", lambda: prepare(data, data.skills, config=config, fold=config.fold))
    once: dict[str, Any] = {"max_epochs": 1, "predict_fold": 200, "calibrates": False}
    for precision in ("float32", "bfloat16"):
        tracer = load_tracer("cakt_small", precision=precision, **once)
        timed(f"cakt_small {precision}, an epoch", partial(tracer.fit, data, seed=0))
    dkt = load_tracer("dkt", hidden=config.width, embedding=config.width, **once)
    timed("dkt as wide, an epoch", lambda: dkt.fit(data, seed=0))


def latency(rate: float) -> None:
    """Time score_all for a learner who has practised all of 100 skills; weights are random.

    rate is how fast frames fade; at 0 none does, and every skill's window passes the convolutions.
    """
    torch.set_num_threads(1)
    skills = np.array([f"s{code:03d}" for code in range(100)])
    config = CONFIGS["cakt_small"]
    network = CAKTNetwork(len(skills), config).eval()
    with torch.no_grad():
        # softplus(raw) is the rate.
        network.raw_decay.fill_(np.log(np.expm1(max(rate, 1e-6))))
    fitted = FittedCAKT(
        "cakt_small", network, skills,
        base=None, temperature=1.0, config=config, time_unit="index",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    state = fitted.init_state()
    practised = np.concatenate([rng.permutation(skills) for _ in range(4)])
    for at, skill in enumerate(practised):
        told = Observation((str(skill),), None, bool(rng.random() < 0.6), float(at))
        state = fitted.update(state, told)
    candidates = [Candidate((str(skill),)) for skill in skills]
    told = Observation((str(skills[0]),), None, True, 1000.0)
    scored = median_ms(lambda: fitted.score_all(state, candidates, at=1000.0))
    updated = median_ms(lambda: fitted.update(state, told))
    print(f"frames fade by exp(-{rate:g} gap): score_all, 100 candidates, 100 skills practised "
          f"{scored:.1f} ms CPU, update {updated:.1f} ms CPU (medians of 30), state "
          f"{len(fitted.dump_state(state))} bytes")  # fmt: skip


def latency_of_plus() -> None:
    """Time cakt_plus after more and more answers: its logistic part must not read them again."""
    made = simulate_bkt(np.random.default_rng(0), n_learners=60, n_responses=30, n_skills=100)
    fitted: Any = load_tracer("cakt_plus", max_epochs=1).fit(made.data, seed=0)
    skills = [str(skill) for skill in fitted.skills]
    candidates = [Candidate((skill,)) for skill in skills]
    rng = np.random.default_rng(1)
    state = fitted.init_state()
    for n in range(1, 1001):
        skill, right = skills[int(rng.integers(len(skills)))], bool(rng.random() < 0.6)
        told = Observation((skill,), None, right, float(n))
        if n in (50, 200, 1000):
            scored = median_ms(lambda: fitted.score_all(state, candidates, at=n + 1.0))  # noqa: B023
            updated = median_ms(lambda: fitted.update(state, told))  # noqa: B023
            print(f"cakt_plus after {n} answers: score_all, {len(candidates)} candidates "
                  f"{scored:.1f} ms CPU, update {updated:.1f} ms CPU, state "
                  f"{len(fitted.dump_state(state))} bytes", flush=True)  # fmt: skip
        state = fitted.update(state, told)


def median_ms(work: Callable[[], object]) -> float:
    """Return the median processor time of 30 runs after warming up, in milliseconds."""
    runs = []
    for _ in range(35):
        begin = time.process_time()
        work()
        runs.append(time.process_time() - begin)
    return 1e3 * float(np.median(runs[5:]))


def compared(options: argparse.Namespace) -> None:
    """Run systems or ablations on one fold, for every seed, and print their tables."""
    systems, against = options.systems, "das3h_items"
    protocol, data = options.protocol, options.data
    if options.part == "published":
        protocol = "published"
        systems, against = systems or PUBLISHED, PUBLISHED[1]
    elif options.part in ("clean", "ablations"):
        protocol, data = "honest", CLEAN
    if options.part == "ablations":
        settings = [options.settings] if options.settings else []
        systems = [
            ",".join([options.model, *settings, *([part] if part else [])])
            for part in ABLATIONS[options.model == "cakt_plus"]
        ]
        against = systems[0]
    places = [
        Where(protocol=protocol, data=data, learners=options.learners, seed=seed, fold=options.fold)
        for seed in options.seeds
    ]
    for where in places:
        run(where, systems or SYSTEMS, out=options.out)
        table(where, out=options.out, against=against)
    spread(places, out=options.out)
    if options.plot:
        plot(places[0], systems or SYSTEMS, out=options.out, path=options.plot)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    compare = ("published", "clean", "protocols", "ablations")
    parser.add_argument("part", choices=["speed", "score", *compare])
    parser.add_argument("--out", type=Path, default=Path("var/cakt"))
    parser.add_argument("--model", default="cakt_plus", help="of ablations")
    parser.add_argument("--settings", default="", help="of every ablation: field=value,...")
    parser.add_argument("--systems", nargs="+", help="name,field=value,...")
    parser.add_argument("--protocol", choices=["honest", "future"], default="honest")
    parser.add_argument("--data", help="assist2009, or of published assist2009_updated, ...")
    parser.add_argument("--learners", type=int, default=0, help="drawn to fit on; 0 for all")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--plot", type=Path, help="draw reliability curves to this .svg or .png")
    options = parser.parse_args()
    options.data = options.data or (
        "assist2009_updated" if options.part == "published" else "assist2009"
    )
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if options.part == "speed":
        speed()
    elif options.part == "score":
        for rate in (1.0, 0.0):
            latency(rate)
        latency_of_plus()
    else:
        compared(options)


if __name__ == "__main__":
    main()
