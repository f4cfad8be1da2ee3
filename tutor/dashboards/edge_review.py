"""Which prerequisites the data suggests or speaks against: rules over the model's evidence. Pure.

Association, never cause: whoever is good at one skill is good at others too. So a pair is judged by
what the earlier skill is worth on the later one between learners who are equally good at the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from tutor.content.graph import CourseGraph, SkillNode
from tutor.tracing.edges import EdgeEvidence

# Hundreds of pairs are looked at, so an interval has to be sure: four standard errors each way.
Z_SURE = 4.0
# A prerequisite is spoken against when it is surely worth less than this share of the usual one.
USUAL_SHARE = 0.5
SUGGESTED_SHOWN = 20


class EdgeSays(StrEnum):
    """What the evidence says of a pair."""

    SUGGESTED = "suggested"
    CONTRADICTED = "contradicted"
    SUPPORTED = "supported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more is right where the parent was right, between equals, with its interval."""

    value: float
    sd: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A pair of skills, what the evidence says of it, and why."""

    parent: SkillNode
    child: SkillNode
    evidence: EdgeEvidence
    gain: Gain | None
    says: EdgeSays

    @property
    def facts(self) -> dict[str, object]:
        """What is kept with a decision: counts and values, nothing of a learner."""
        one = self.evidence
        return {
            "says": self.says.value,
            "weight": round(one.weight, 4),
            "lower": round(one.lower, 4),
            "upper": round(one.upper, 4),
            "n_learners": one.n_learners,
            "gain": self.gain and [round(self.gain.value, 4), round(self.gain.sd, 4)],
            "after_strong": [one.after_strong.n_right, one.after_strong.n],
            "after_weak": [one.after_weak.n_right, one.after_weak.n],
        }


@dataclass(frozen=True, slots=True)
class EdgeCases:
    """All pairs that are judged; `usual` is the median gain of the course's own prerequisites."""

    cases: tuple[EdgeCase, ...]
    usual: float | None

    def that(self, says: EdgeSays) -> tuple[EdgeCase, ...]:
        """Return the pairs of which the evidence says this, the clearest first."""
        found = [case for case in self.cases if case.says is says]
        sign = -1.0 if says is EdgeSays.SUGGESTED else 1.0
        found.sort(key=lambda case: sign * (case.gain.value if case.gain else 0.0))
        return tuple(found)


def gain_of(one: EdgeEvidence) -> Gain | None:
    """Return what the parent is worth with its interval; None where too few tell."""
    if one.gain is None or not one.gain_sd:
        return None
    half = Z_SURE * one.gain_sd
    return Gain(
        one.gain, sd=one.gain_sd, lower=max(one.gain - half, -1.0), upper=min(one.gain + half, 1.0)
    )


def edges_judge(evidence: Sequence[EdgeEvidence], graph: CourseGraph) -> EdgeCases:
    """Judge each pair by what the earlier skill is worth on the later one between equals.

    Suggested is a pair in the course's order, without a path between its skills, whose whole
    interval lies above none and that is worth what the course's prerequisites usually are: with
    very many learners small differences between them are sure, and are no prerequisite's.
    Contradicted is a prerequisite whose whole interval lies below half of what they usually are.
    """
    gains: Mapping[tuple[int, int], Gain | None] = {
        (one.parent_id, one.child_id): gain_of(one) for one in evidence
    }
    known = [
        found.value
        for one in evidence
        if one.is_prerequisite and (found := gains[one.parent_id, one.child_id])
    ]
    usual = median(known) if known else None
    return EdgeCases(
        cases=tuple(
            EdgeCase(
                parent=graph.skill_of[one.parent_id],
                child=graph.skill_of[one.child_id],
                evidence=one,
                gain=gains[one.parent_id, one.child_id],
                says=_says(one, gains[one.parent_id, one.child_id], usual, graph),
            )
            for one in evidence
        ),
        usual=usual,
    )


def _says(
    one: EdgeEvidence, gain: Gain | None, usual: float | None, graph: CourseGraph
) -> EdgeSays:
    if gain is None:
        return EdgeSays.UNDECIDED
    if one.is_prerequisite:
        if gain.lower > 0:
            return EdgeSays.SUPPORTED
        is_less = usual is not None and gain.upper < USUAL_SHARE * usual
        return EdgeSays.CONTRADICTED if is_less else EdgeSays.UNDECIDED
    order = graph.skill_ids
    is_forward = order.index(one.parent_id) < order.index(one.child_id)
    has_path = one.parent_id in graph.ancestors(one.child_id) or one.child_id in graph.ancestors(
        one.parent_id
    )
    is_much = usual is None or gain.value >= usual
    if gain.lower > 0 and is_much and is_forward and not has_path:
        return EdgeSays.SUGGESTED
    return EdgeSays.UNDECIDED
