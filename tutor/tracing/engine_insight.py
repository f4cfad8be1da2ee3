"""The third door to kt_models: what an interpretable model says beyond beliefs.

Only PSI-KT has an answer. Of any other model each question is answered with None, never with a
made-up number. No torch: a web worker asks.
"""

from collections.abc import Collection
from dataclasses import dataclass

from kt_models.psi_kt.filter import FittedPSIKT
from tutor.tracing.engine import tracer
from tutor.tracing.models import ModelVersion


@dataclass(frozen=True, slots=True)
class EdgeReading:
    """What a fitted graph says of one pair of skills, named by their ids in the database.

    `n_strong` and `n_weak` count the learners who met the child after a strong or a weak parent,
    `right_*` those of them whose first answer to the child was right.
    """

    parent_id: int
    child_id: int
    weight: float
    lower: float
    upper: float
    n_learners: int
    n_strong: int
    right_strong: int
    n_weak: int
    right_weak: int
    was_prior: bool
    is_enough_evidence: bool


def edges(
    version: ModelVersion, *, always: Collection[tuple[int, int]], at_least: float, most: int
) -> list[EdgeReading] | None:
    """Return a version's learned edges, strongest first; None where its model has none.

    Pairs (parent, child) in `always` are among them whatever their weight, beside the `most`
    strongest others.

    Raises:
        KTModelsError: when the version cannot be loaded.
    """
    model = tracer(version)
    if not isinstance(model, FittedPSIKT) or model.parameters.config.transfer == "none":
        return None
    found = model.edges(
        at_least=at_least,
        most=most,
        always={(str(parent), str(child)) for parent, child in always},
    )
    return [
        EdgeReading(
            parent_id=int(one.parent),
            child_id=int(one.child),
            weight=one.weight,
            lower=one.lower,
            upper=one.upper,
            n_learners=one.n_learners,
            n_strong=one.n_strong,
            right_strong=one.right_strong,
            n_weak=one.n_weak,
            right_weak=one.right_weak,
            was_prior=one.is_authored,
            is_enough_evidence=one.is_enough_evidence,
        )
        for one in found
    ]
