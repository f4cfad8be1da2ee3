"""Fit and predict with pyBKT, run by benchmarks/bkt.py under an interpreter that has it.

Arguments: train.csv test.csv options.json predictions.txt; prints one JSON line.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import pandas as pd
from pyBKT.models import Model


def main() -> None:
    train_path, test_path, options_path, out_path = sys.argv[1:]
    options = json.loads(Path(options_path).read_text())
    columns = {"skill_name": str, "item": str, "user_id": str}
    train, test = (
        pd.read_csv(path, dtype=columns, keep_default_na=False) for path in (train_path, test_path)
    )
    names = {"multigs": "item", "multilearn": "item"}
    defaults = {
        "order_id": "order_id",
        "skill_name": "skill_name",
        "correct": "correct",
        "user_id": "user_id",
    }
    defaults |= {key: names[key] for key in names if options["fit"].get(key)}
    model = Model(seed=options["seed"], num_fits=options["num_fits"], parallel=False)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    model.fit(data=train, defaults=defaults, **options["fit"])
    fit_s, fit_cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    begin = time.perf_counter()
    predicted = model.predict(data=test)
    predict_s = time.perf_counter() - begin
    predicted.sort_values("order_id")["correct_predictions"].to_csv(
        out_path, index=False, header=False
    )
    rates: dict[str, dict[str, float]] = {}
    if options.get("wants_rates"):
        table = model.params().reset_index()
        for row in table.itertuples(index=False):
            rates.setdefault(str(row.skill), {})[str(row.param)] = float(row.value)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import pyBKT.fit.E_step as e_step

    is_compiled = not os.fspath(e_step.__file__).endswith(".py")
    print(
        json.dumps(
            {
                "fit_s": fit_s,
                "fit_cpu_s": fit_cpu_s,
                "predict_s": predict_s,
                "peak_mib": peak,
                "is_compiled": is_compiled,
                "rates": rates,
            }
        )
    )


if __name__ == "__main__":
    main()
