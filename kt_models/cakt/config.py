"""Settings of CAKT: the paper's network, its smaller one, and ours beyond it."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias, get_args

import numpy as np

from kt_models.devices import Device
from kt_models.errors import ConfigError

WindowOf: TypeAlias = Literal["next", "current"]
Precision: TypeAlias = Literal["float32", "bfloat16"]
Base: TypeAlias = Literal["", "das3h", "das3h_items"]


@dataclass(frozen=True, slots=True)
class CAKTConfig:
    """The network's shape, its ablations, and how it is trained.

    frames is the paper's k, the past responses in a window; side its H, so that embeddings and
    states are side^2 wide. channels are those that the residual blocks end with; the last is 1.
    window says whose skill is looked up: that of the response asked for, or of the one before it
    (what the published code does). Without decays, convolves or has_gates that part is left out:
    frames are not scaled, their mean stands for the convolutions, and both inputs of the fusion
    are added.

    base names a logistic model whose log odds the network starts from and is told, of the response
    asked for and of how far each past answer was from them; "" for none. On the training learners
    they come from fits on the other folds, base_folds in all, so that no answer is in its own.
    dropout is of both LSTMs' outputs.

    fold cuts histories for training, predict_fold for prediction; None keeps them whole. After
    every step_epochs epochs the learning rate is multiplied by step_factor. weight_decay is added
    to gradients before Adam sees them, as in the paper: where an interaction is rare it outweighs
    what the data says of it (docs/cakt.md, Statics). precision is that of
    the convolutions in training; sums, all else, and every forecast are in single precision.
    """

    frames: int = 6
    side: int = 17
    channels: tuple[int, ...] = (4, 8, 4, 1)
    window: WindowOf = "next"
    decays: bool = True
    convolves: bool = True
    has_gates: bool = True
    base: Base = ""
    base_folds: int = 4
    dropout: float = 0.0

    learning_rate: float = 1e-3
    step_epochs: int = 5
    step_factor: float = 0.3
    weight_decay: float = 5e-5
    batch_sequences: int = 80
    max_epochs: int = 30
    patience: int = 3
    fold: int = 200
    predict_fold: int | None = None
    validation_share: float = 0.1
    calibrates: bool = True
    precision: Precision = "float32"
    device: Device = "auto"

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "channels", tuple(self.channels))
        except TypeError:
            raise ConfigError(f"channels must be whole numbers; got {self.channels}") from None
        counts = ("frames", "side", "step_epochs", "batch_sequences", "max_epochs", "patience")
        for name in (*counts, "fold"):
            if not _is_count(getattr(self, name)):
                raise ConfigError(
                    f"{name} must be a whole number from 1; got {getattr(self, name)}"
                )
        if self.predict_fold is not None and not _is_count(self.predict_fold):
            raise ConfigError(
                f"predict_fold must be a whole number from 1, or None; got {self.predict_fold}"
            )
        if not all(map(_is_count, self.channels)) or self.channels[-1:] != (1,):
            raise ConfigError(
                f"channels must be whole numbers that end with 1; got {self.channels}"
            )
        if not 0.0 < self.validation_share < 1.0:
            raise ConfigError(
                f"validation_share must lie between 0 and 1; got {self.validation_share}"
            )
        is_rate = isfinite(self.learning_rate) and self.learning_rate > 0.0
        if not (is_rate and 0.0 < self.step_factor <= 1.0):
            raise ConfigError(
                f"learning_rate must be positive and step_factor within 0 and 1; got "
                f"{self.learning_rate} and {self.step_factor}"
            )
        if not (0.0 <= self.dropout < 1.0 and _is_count(self.base_folds) and self.base_folds > 1):
            raise ConfigError(
                f"dropout must lie between 0 and 1 and base_folds be at least 2; got "
                f"{self.dropout} and {self.base_folds}"
            )
        if not (isfinite(self.weight_decay) and self.weight_decay >= 0.0):
            raise ConfigError(f"weight_decay must not be negative; got {self.weight_decay}")
        for name, choices in (
            ("window", WindowOf), ("precision", Precision), ("base", Base), ("device", Device),
        ):  # fmt: skip
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(
                    f"{name} is '{getattr(self, name)}', expected one of "
                    f"{', '.join(get_args(choices))}"
                )
        if self.precision == "bfloat16" and not self.convolves:
            raise ConfigError("precision is 'bfloat16', but there are no convolutions to run in it")

    @property
    def width(self) -> int:
        """Return the width of embeddings and states."""
        return self.side**2


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and value is not True and int(value) >= 1


CONFIGS = {
    "cakt": CAKTConfig(),
    "cakt_small": CAKTConfig(frames=4, side=15, weight_decay=1e-5),
    "cakt_plus": CAKTConfig(
        frames=4,
        side=10,
        channels=(4, 1),
        base="das3h_items",
        dropout=0.3,
        learning_rate=2e-3,
        step_epochs=1,
        step_factor=0.7,
        weight_decay=0.0,
        batch_sequences=40,
        max_epochs=10,
        patience=2,
    ),
}
