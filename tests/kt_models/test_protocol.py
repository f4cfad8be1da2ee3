"""What a web worker imports stays light: no torch, pyro, scikit-learn or Django."""

import subprocess
import sys

import pytest

LIGHT = [
    "arrays",
    "artifacts",
    "errors",
    "protocol",
    "registry",
    "split",
    "synthetic",
    "evaluate.metrics",
    "baselines.means",
    "bkt.filter",
    "bkt.fit",
    "cakt.config",
    "devices",
    "dkt.config",
    "dkt.model",
    "networks.sequences",
]
HEAVY = ["torch", "pyro", "sklearn", "scipy", "django", "pandas", "matplotlib"]


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, kt_models.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
