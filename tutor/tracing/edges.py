"""What the serving model's learned graph says of prerequisites: association, never cause."""

import logging
from dataclasses import dataclass
from datetime import datetime

from tutor.content.graph import course_graph
from tutor.content.models import Course
from tutor.tracing import engine_insight
from tutor.tracing.engine import KTModelsError
from tutor.tracing.models import ModelVersion
from tutor.tracing.services import version_serving

logger = logging.getLogger(__name__)

# The strongest pairs that are no prerequisite of the course; those that are one are all given.
SUGGESTED_MOST = 200


@dataclass(frozen=True, slots=True)
class Contingency:
    """Learners who met the child after such a parent, and whose first answer to it was right."""

    n: int
    n_right: int

    @property
    def share(self) -> float | None:
        """The share that was right; None of nobody."""
        return self.n_right / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class EdgeEvidence:
    """What the serving model says of one pair of skills.

    `weight` and the ends of its 80 % interval are the posterior, from 0 to 1. `n_learners` had
    answered the parent before the child: after a strong parent (at least half right) and after a
    weak one. `is_prerequisite`: the course has this edge now. `was_prior`: the fit was told of it,
    so that its weight leans on the authors' word too. `gain` is how much more of the first answers
    to the child is right after a parent that was all right than after one that was all wrong,
    between learners who are equally good at the rest, with its standard error; None for too few.
    """

    parent_id: int
    child_id: int
    weight: float
    lower: float
    upper: float
    n_learners: int
    after_strong: Contingency
    after_weak: Contingency
    is_prerequisite: bool
    was_prior: bool
    gain: float | None
    gain_sd: float | None


@dataclass(frozen=True, slots=True)
class CourseEdges:
    """The edges of a course under the version that serves mastery, strongest first.

    `has_graph` is False where the model learns no graph (BKT), or cannot be asked: there is
    nothing to show then, and a page says so.
    """

    version: ModelVersion
    has_graph: bool
    edges: tuple[EdgeEvidence, ...]


def edge_evidence_of_course(
    course: Course, *, now: datetime, at_least: float = 0.0, most: int = SUGGESTED_MOST
) -> CourseEdges:
    """Return what the serving version's learned graph says (one query).

    Every prerequisite of the course that the fit knew both skills of, whatever its weight, and the
    `most` strongest other pairs of weight `at_least` or more. Skills that the course has no more
    are left out.
    """
    graph = course_graph(course)
    version = version_serving(course, now=now)
    prerequisites = {
        (parent, child) for child, parents in graph.parents.items() for parent in parents
    }
    try:
        found = engine_insight.edges(version, always=prerequisites, at_least=at_least, most=most)
    except KTModelsError:
        logger.exception("version %s cannot be asked of its graph", version.pk)
        found = None
    return CourseEdges(
        version=version,
        has_graph=found is not None,
        edges=tuple(
            EdgeEvidence(
                parent_id=one.parent_id,
                child_id=one.child_id,
                weight=one.weight,
                lower=one.lower,
                upper=one.upper,
                n_learners=one.n_learners,
                after_strong=Contingency(n=one.n_strong, n_right=one.right_strong),
                after_weak=Contingency(n=one.n_weak, n_right=one.right_weak),
                is_prerequisite=(one.parent_id, one.child_id) in prerequisites,
                was_prior=one.was_prior,
                gain=one.gain,
                gain_sd=one.gain_sd,
            )
            for one in found or ()
            if one.parent_id in graph.skill_of and one.child_id in graph.skill_of
        ),
    )
