"""Settings of CAKT: the paper's network, its smaller one, and ours beyond it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kt_models.errors import ConfigError

WindowOf: TypeAlias = Literal["next", "current"]
Precision: TypeAlias = Literal["float32", "bfloat16"]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]


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
    they come from fits on the other folds, base_folds in all, so that the network sees them as
    good as they will be. dropout is of both LSTMs' outputs.

    fold cuts histories for training, predict_fold for prediction; None keeps them whole. After
    every step_epochs epochs the learning rate is multiplied by step_factor. precision is that of
    the convolutions in training; all else, and every forecast, is in single precision.
    """

    frames: int = 6
    side: int = 17
    channels: tuple[int, ...] = (4, 8, 4, 1)
    window: WindowOf = "next"
    decays: bool = True
    convolves: bool = True
    has_gates: bool = True
    base: Literal["", "das3h", "das3h_items"] = ""
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
        object.__setattr__(self, "channels", tuple(self.channels))
        counts = ("frames", "side", "step_epochs", "batch_sequences", "max_epochs", "patience")
        for name in (*counts, "fold"):
            value = getattr(self, name)
            if value < 1:
                raise ConfigError(f"{name} must be at least 1; got {value}")
        if self.predict_fold is not None and self.predict_fold < 1:
            raise ConfigError(f"predict_fold must be at least 1 or None; got {self.predict_fold}")
        if not self.channels or min(self.channels) < 1 or self.channels[-1] != 1:
            raise ConfigError(f"channels must be positive and end with 1; got {self.channels}")
        if not 0.0 < self.validation_share < 1.0:
            raise ConfigError(
                f"validation_share must lie between 0 and 1; got {self.validation_share}"
            )
        if not (self.learning_rate > 0.0 and 0.0 < self.step_factor <= 1.0):
            raise ConfigError(
                f"learning_rate must be positive and step_factor within 0 and 1; got "
                f"{self.learning_rate} and {self.step_factor}"
            )
        if not 0.0 <= self.dropout < 1.0 or self.base_folds < 2:
            raise ConfigError(
                f"dropout must lie between 0 and 1 and base_folds be at least 2; got "
                f"{self.dropout} and {self.base_folds}"
            )
        if self.weight_decay < 0.0:
            raise ConfigError(f"weight_decay must not be negative; got {self.weight_decay}")
        self._check_choice("window", ("next", "current"))
        self._check_choice("precision", ("float32", "bfloat16"))
        self._check_choice("base", ("", "das3h", "das3h_items"))
        self._check_choice("device", ("auto", "cpu", "cuda"))

    @property
    def width(self) -> int:
        """Return the width of embeddings and states."""
        return self.side**2

    def _check_choice(self, name: str, known: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in known:
            raise ConfigError(f"{name} is '{value}', expected one of {', '.join(known)}")


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
        step_factor=0.5,
        weight_decay=1e-5,
        batch_sequences=40,
        max_epochs=6,
        patience=2,
    ),
}
