"""Models by name: imported only when asked for, so that a web worker never loads torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kt_models.artifacts import read_artifact
from kt_models.errors import ArtifactError, ConfigError
from kt_models.protocol import AnyFittedTracer, Tracer


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a model lives, as "module:attribute".

    tracer is a class called with config=..., after the name where is_named. config is a dataclass,
    built with preset, or a mapping from names to instances; "" for a model that has none. fitted
    is a class with load(directory). can_start_from_fit: whether the tracer takes an earlier fit of
    its kind as start=.
    """

    tracer: str
    fitted: str
    config: str = ""
    is_named: bool = False
    can_start_from_fit: bool = False
    preset: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def _bkt(**preset: Any) -> Entry:
    return Entry(
        tracer="kt_models.bkt.fit:BKT",
        fitted="kt_models.bkt.filter:FittedBKT",
        config="kt_models.bkt.fit:BKTConfig",
        preset=MappingProxyType(preset),
    )


_PSI_KT = Entry(
    tracer="kt_models.psi_kt.tracer:PSIKTTracer",
    fitted="kt_models.psi_kt.filter:FittedPSIKT",
    config="kt_models.psi_kt.config:CONFIGS",
    is_named=True,
    can_start_from_fit=True,
)
_MEAN = Entry(
    tracer="kt_models.baselines.means:MeanTracer",
    fitted="kt_models.baselines.means:FittedMean",
    is_named=True,
)
_LOGISTIC = Entry(
    tracer="kt_models.baselines.logistic:LogisticTracer",
    fitted="kt_models.baselines.logistic:FittedLogistic",
    config="kt_models.baselines.logistic:CONFIGS",
    is_named=True,
)
_CAKT = Entry(
    tracer="kt_models.cakt.model:CAKTTracer",
    fitted="kt_models.cakt.model:FittedCAKT",
    config="kt_models.cakt.config:CONFIGS",
    is_named=True,
)
MODELS: Mapping[str, Entry] = MappingProxyType(
    {
        "majority": _MEAN,
        "learner_mean": _MEAN,
        "skill_mean": _MEAN,
        "item_mean": _MEAN,
        "pfa": _LOGISTIC,
        "das3h": _LOGISTIC,
        "das3h_items": _LOGISTIC,
        "dkt": Entry(
            tracer="kt_models.dkt.model:DKTTracer",
            fitted="kt_models.dkt.model:FittedDKT",
            config="kt_models.dkt.config:DKTConfig",
        ),
        "cakt": _CAKT,
        "cakt_small": _CAKT,
        "cakt_plus": _CAKT,
        "psi_kt": _PSI_KT,
        "psi_kt_extended": _PSI_KT,
        "bkt": _bkt(),
        "bkt_forgets": _bkt(forgets=True),
        "bkt_items": _bkt(item_emissions=True),
        "bkt_item_learning": _bkt(item_learning=True),
        "bkt_classes": _bkt(learner_classes=5),
        "bkt_conjunctive": _bkt(multi_skill="conjunctive"),
        "bkt_plus": _bkt(forgets=True, item_emissions=True, item_learning=True, learner_classes=5),
    }
)


def load_tracer(name: str, *, start: AnyFittedTracer | None = None, **config: Any) -> Tracer:
    """Return an unfitted model; config overrides fields of its configuration.

    start is an earlier fit of the same model, with whose values the new one begins.

    Raises: ConfigError for an unknown name or field, and for a start that is of another model or
    that the model cannot use.
    """
    entry = _entry_of(name)
    model: Any = _resolve(entry.tracer)
    arguments: dict[str, Any] = {}
    if entry.config:
        arguments["config"] = _configured(entry, name, config)
    elif config:
        raise ConfigError(f"model '{name}' takes no settings, got {', '.join(sorted(config))}")
    if start is not None:
        if not entry.can_start_from_fit:
            raise ConfigError(f"model '{name}' always begins afresh, it takes no earlier fit")
        if start.name != name:
            raise ConfigError(f"model '{name}' cannot start from a fit of '{start.name}'")
        arguments["start"] = start
    tracer: Tracer = model(name, **arguments) if entry.is_named else model(**arguments)
    return tracer


def load_fitted(directory: Path) -> AnyFittedTracer:
    """Return the fitted model of an artifact, found by the name in its manifest.

    Raises: ArtifactError for an unknown name, or whatever else is wrong with the artifact.
    """
    name = read_artifact(directory).manifest.name
    entry = MODELS.get(name)
    if entry is None:
        raise ArtifactError(
            f"{directory} holds a model called '{name}', which this code does not know; known are "
            f"{', '.join(sorted(MODELS))}"
        )
    model: Any = _resolve(entry.fitted)
    fitted: AnyFittedTracer = model.load(directory)
    return fitted


def can_start_from_fit(name: str) -> bool:
    """Return whether a model can begin with the values of an earlier fit.

    Raises: ConfigError for an unknown name.
    """
    return _entry_of(name).can_start_from_fit


def settings_of(name: str) -> frozenset[str]:
    """Return the names of a model's settings, those that load_tracer takes as config.

    Raises: ConfigError for an unknown name.
    """
    entry = _entry_of(name)
    if not entry.config:
        return frozenset()
    source: Any = _resolve(entry.config)
    config = source[name] if isinstance(source, Mapping) else source
    return frozenset(one.name for one in fields(config))


def _entry_of(name: str) -> Entry:
    entry = MODELS.get(name)
    if entry is None:
        raise ConfigError(f"no model is called '{name}'; known are {', '.join(sorted(MODELS))}")
    return entry


def _configured(entry: Entry, name: str, overrides: Mapping[str, Any]) -> Any:
    source: Any = _resolve(entry.config)
    base = source[name] if isinstance(source, Mapping) else source(**entry.preset)
    try:
        return replace(base, **overrides)
    except TypeError as error:
        raise ConfigError(f"settings of model '{name}': {error}") from error


def _resolve(path: str) -> object:
    module, _, attribute = path.partition(":")
    resolved: object = getattr(import_module(module), attribute)
    return resolved
