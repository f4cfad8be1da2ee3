"""Settings of DKT."""

from dataclasses import dataclass

from kt_models.devices import Device
from kt_models.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DKTConfig:
    """fold cuts histories into runs of that many responses for training.

    predict_fold does the same at prediction; None keeps the learner's whole history in memory.
    validation_share is the share of the training learners on whom the epoch is chosen;
    calibrates fits one temperature on them afterwards. device is auto, cpu or cuda.
    """

    hidden: int = 200
    embedding: int = 100
    dropout: float = 0.4
    learning_rate: float = 2e-3
    batch_responses: int = 3_000
    max_epochs: int = 30
    patience: int = 2
    fold: int = 200
    predict_fold: int | None = None
    validation_share: float = 0.1
    calibrates: bool = True
    device: Device = "auto"

    def __post_init__(self) -> None:
        for name in ("hidden", "embedding", "batch_responses", "max_epochs", "patience", "fold"):
            value = getattr(self, name)
            if value < 1:
                raise ConfigError(f"{name} must be at least 1; got {value}")
        if self.predict_fold is not None and self.predict_fold < 1:
            raise ConfigError(f"predict_fold must be at least 1 or None; got {self.predict_fold}")
        if not 0.0 <= self.dropout < 1.0 or not 0.0 < self.validation_share < 1.0:
            raise ConfigError(
                f"dropout and validation_share must lie between 0 and 1; got {self.dropout} and "
                f"{self.validation_share}"
            )
        if not self.learning_rate > 0.0:
            raise ConfigError(f"learning_rate must be positive; got {self.learning_rate}")
