"""How a learner learns, as the serving model sees it: traits with intervals, the class's middle."""

import logging
from dataclasses import dataclass
from statistics import median

from tutor.accounts.models import User
from tutor.tracing import engine_insight
from tutor.tracing.engine import KTModelsError
from tutor.tracing.engine_insight import TraitReading, TraitsReading
from tutor.tracing.models import ModelVersion
from tutor.tracing.selectors import HeldStates

logger = logging.getLogger(__name__)

# With fewer learners whose traits are known a median says more of them than of the class.
CLASS_LEAST = 5
# Observations from which the model shows traits.
TRAITS_WANTED = engine_insight.ENOUGH_RESPONSES


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait with its 80 % interval, and the class's median where there is one.

    `is_informed` is False while the interval is nearly that of a learner never seen.
    """

    value: float
    lower: float
    upper: float
    is_informed: bool
    class_median: float | None


@dataclass(frozen=True, slots=True)
class LearnerTraits:
    """A learner's traits under the version that serves mastery; see `engine_insight` for units.

    `has_traits` is False where the model has none (BKT), or cannot be asked. `has_evidence` is
    False below the `n_wanted` observations that the model states: the traits are None then.
    `n_classmates` learners with enough evidence, this one among them, are behind the medians.
    """

    version: ModelVersion
    has_traits: bool
    has_evidence: bool
    n_observations: int
    n_wanted: int
    n_classmates: int
    half_life_days: Trait | None = None
    level: Trait | None = None
    swing: Trait | None = None
    transfer: Trait | None = None


def learner_traits(held: HeldStates, learner: User) -> LearnerTraits:
    """Return a learner's traits from the class's states at hand (no query)."""
    ids = [learner.pk, *(pk for pk in held.blobs if pk != learner.pk)]
    try:
        found = engine_insight.traits(held.version, [held.blobs.get(pk) for pk in ids])
    except KTModelsError:
        logger.exception("version %s cannot be asked of traits", held.version.pk)
        found = None
    if found is None:
        return LearnerTraits(
            version=held.version, has_traits=False, has_evidence=False,
            n_observations=0, n_wanted=0, n_classmates=0,
        )  # fmt: skip
    mine = found[0]
    known = [one for one in found if one.is_enough_evidence]

    def trait(name: str) -> Trait | None:
        return _trait(mine, known, name) if mine.is_enough_evidence else None

    return LearnerTraits(
        version=held.version,
        has_traits=True,
        has_evidence=mine.is_enough_evidence,
        n_observations=mine.n_observations,
        n_wanted=mine.n_wanted,
        n_classmates=len(known),
        half_life_days=trait("half_life_days"),
        level=trait("level"),
        swing=trait("swing"),
        transfer=trait("transfer"),
    )


def _trait(mine: TraitsReading, known: list[TraitsReading], name: str) -> Trait:
    one: TraitReading = getattr(mine, name)
    middle = None
    if len(known) >= CLASS_LEAST:
        middle = float(median(getattr(other, name).value for other in known))
    return Trait(
        value=one.value,
        lower=one.lower,
        upper=one.upper,
        is_informed=one.is_informed,
        class_median=middle,
    )
