"""BKT parameters as an artifact: config in the manifest, numbers in one .npz."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from kt_models.artifacts import check_model_version, npz_writer, read_artifact, write_artifact
from kt_models.bkt.parameters import BKTParameters, Clock, LearnerClasses, PairParameters
from kt_models.errors import ArtifactError, ConfigError
from kt_models.returning import UNCHANGED, ReturnMap

NAME = "bkt"
MODEL_VERSION = 2
_FIRST_WITH_RETURNING = 2
_FILE = "parameters.npz"
_ARRAYS = ("skills", "items", "prior", "learn", "forget", "guess", "slip")
_PAIRS = ("skill", "item", "guess", "slip", "learn")


def save_parameters(
    parameters: BKTParameters, directory: Path, *, created_at: datetime | None = None
) -> None:
    """Write a new artifact. Raises: ArtifactError."""
    arrays = {name: getattr(parameters, name) for name in _ARRAYS}
    arrays |= {f"pairs_{name}": getattr(parameters.pairs, name) for name in _PAIRS}
    arrays["class_edges"] = parameters.classes.edges
    write_artifact(
        directory,
        name=NAME,
        model_version=MODEL_VERSION,
        config={
            "clock": asdict(parameters.clock),
            "class_base_rate": parameters.classes.base_rate,
            "class_strength": parameters.classes.strength,
            "least_unknown": parameters.least_unknown,
            "multi_skill": parameters.multi_skill,
            "returning": asdict(parameters.returning),
            "time_unit": parameters.time_unit,
        },
        writers={_FILE: npz_writer(arrays)},
        created_at=created_at,
    )


def load_parameters(directory: Path) -> BKTParameters:
    """Read an artifact. Raises: ArtifactError."""
    artifact = read_artifact(directory, name=NAME)
    check_model_version(artifact.manifest, newest=MODEL_VERSION)
    config, arrays = artifact.manifest.config, artifact.arrays(_FILE)
    try:
        return BKTParameters(
            **{name: arrays[name] for name in _ARRAYS},
            classes=LearnerClasses(
                edges=arrays["class_edges"],
                base_rate=float(config["class_base_rate"]),
                strength=float(config["class_strength"]),
            ),
            pairs=PairParameters(**{name: arrays[f"pairs_{name}"] for name in _PAIRS}),
            clock=Clock(**config["clock"]),
            multi_skill=config["multi_skill"],
            time_unit=config["time_unit"],
            least_unknown=float(config["least_unknown"]),
            returning=(
                ReturnMap(**config["returning"])
                if artifact.manifest.model_version >= _FIRST_WITH_RETURNING
                else UNCHANGED
            ),
        )
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise ArtifactError(f"{directory} does not hold BKT parameters: {error}") from error
