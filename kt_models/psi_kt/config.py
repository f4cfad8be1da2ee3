"""Settings of PSI-KT: `paper` is the published model, `extended` what won over it on our logs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from kt_models.errors import ConfigError

Transfer: TypeAlias = Literal["none", "skills", "parents"]
Inference: TypeAlias = Literal["collapsed", "structured"]


@dataclass(frozen=True, slots=True)
class PSIKTConfig:
    """What the model contains, how finely it is filtered, and how long it is fitted.

    starts_at_target: a skill's knowledge before its first answer is drawn around the learner's
    level and the parents' pull, instead of around one number for all. transfer: the sum over
    parents is divided by all skills (the paper), or by one plus the parents' weights of the skill;
    none leaves the graph out. skill_offsets, item_offsets: pooled intercepts. history: practice
    counts, last answers and recent surplus as linear evidence beside the filter.

    particles: trait points per learner when serving, fit_particles when fitting. max_parents: the
    strongest parents of a skill kept for serving. unit_steps: read an index log with one unit of
    time (a day) a step; without it such a log is refused. mastery: the P(correct) that counts as
    mastered. authored: (parent, child) skill ids of a known graph, the prior of the edges.
    window: steps between which gradients run; older ones are cut. group: learners side by side.
    steps: gradient steps at least; epochs: passes over a log that needs more.
    """

    starts_at_target: bool = False
    transfer: Transfer = "skills"
    skill_offsets: bool = False
    item_offsets: bool = False
    history: bool = False
    inference: Inference = "collapsed"
    particles: int = 16
    fit_particles: int = 8
    embedding: int = 16
    max_parents: int = 8
    unit_steps: bool = False
    mastery: float = 0.7
    authored: tuple[tuple[str, str], ...] = ()
    authored_strength: float = 8.0
    learning_rate: float = 0.03
    steps: int = 200
    epochs: int = 4
    window: int = 50
    group: int = 256
    device: str = "cpu"
    double: bool = False

    def __post_init__(self) -> None:
        counts = ("particles", "fit_particles", "embedding", "max_parents", "steps", "epochs")
        for name in (*counts, "window", "group"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 1")
        if self.transfer not in get_args(Transfer):
            raise ConfigError(
                f"transfer is '{self.transfer}', expected one of {', '.join(get_args(Transfer))}"
            )
        if self.inference not in get_args(Inference):
            raise ConfigError(
                f"inference is '{self.inference}', expected one of {', '.join(get_args(Inference))}"
            )
        if not 0.0 < self.mastery < 1.0:
            raise ConfigError(f"mastery is {self.mastery}, expected between 0 and 1")
        if not self.learning_rate > 0.0 or not self.authored_strength > 0.0:
            raise ConfigError(
                f"learning_rate is {self.learning_rate} and authored_strength "
                f"{self.authored_strength}, expected more than 0"
            )
        # A saved configuration comes back from JSON with lists.
        pairs = tuple((str(parent), str(child)) for parent, child in self.authored)
        object.__setattr__(self, "authored", pairs)


PAPER = PSIKTConfig()
CONFIGS: Mapping[str, PSIKTConfig] = MappingProxyType(
    {
        "psi_kt": PAPER,
        "psi_kt_extended": replace(
            PAPER,
            starts_at_target=True,
            transfer="parents",
            skill_offsets=True,
            item_offsets=True,
            history=True,
        ),
    }
)
