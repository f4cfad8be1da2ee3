"""Where networks are fitted: one rule, and every model of torch can be told."""

import pytest
import torch

from kt_models.devices import device_named
from kt_models.errors import ConfigError
from kt_models.registry import MODELS, load_tracer, settings_of
from tests.kt_models.conformance import make_log

TORCH = ("dkt", "cakt", "cakt_small", "cakt_plus", "psi_kt", "psi_kt_extended")


@pytest.mark.parametrize("name", MODELS)
def test_the_models_that_torch_fits_can_be_told_where(name: str) -> None:
    assert ("device" in settings_of(name)) == (name in TORCH)


def test_only_psi_kt_takes_the_graph_of_authors() -> None:
    takes = {name for name in MODELS if "authored" in settings_of(name)}
    assert takes == {"psi_kt", "psi_kt_extended"}


def test_the_settings_of_an_unknown_model_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no model is called 'oracle'"):
        settings_of("oracle")


def test_a_device_by_another_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="device is 'tpu', expected one of auto, cpu, cuda"):
        device_named("tpu")
    assert device_named("cpu") == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("name", ["dkt", "psi_kt", "cakt_small"])
def test_a_gpu_that_is_not_there_is_refused_in_words(name: str) -> None:
    log = make_log(5, n_learners=6, n_responses=6)
    assert device_named("auto") == torch.device("cpu")
    with pytest.raises(ConfigError, match="torch sees no GPU here"):
        load_tracer(name, device="cuda").fit(log, seed=0)
