"""Compare equations and inequalities."""

from dataclasses import dataclass

from tutor.grading.exact import TooLargeError, UndefinedError, ratio_of, ratio_quotient
from tutor.grading.specs import SymbolicChecker, Verdict
from tutor.grading.syntax import Bin, Name, Node, Relation, names_of

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Solved:
    """A relation with one letter alone on its left: `x = 4`, `y >= 2x`."""

    name: str
    operator: str
    side: Node


def flipped(relation: Relation) -> Relation:
    """The same claim with its sides exchanged."""
    return Relation(_FLIPPED[relation.operator], relation.right, relation.left)


def solved_forms(relation: Relation) -> list[Solved]:
    """Every way in which a relation reads as solved for a letter; none when it is not."""
    found = []
    for one in (relation, flipped(relation)):
        if isinstance(one.left, Name) and one.left.name != "pi":
            name = one.left.name
            if name not in names_of(one.right):
                found.append(Solved(name, one.operator, one.right))
    return found


def same_solved(expected: Solved, given: Relation, checker: SymbolicChecker) -> Verdict:
    """SAME when the other relation is solved for the same letter, with an equal side."""
    for solved in solved_forms(given):
        if solved.name == expected.name and solved.operator == expected.operator:
            return checker.equivalent(solved.side, expected.side)
    return Verdict.DIFFERENT


def equivalent_relations(one: Relation, other: Relation, checker: SymbolicChecker) -> Verdict:
    """SAME when the differences of the sides are equal up to a constant factor.

    The factor is positive for inequalities. Where roots or functions occur, the sides are
    compared, also exchanged. Multiplying by an expression is not seen through.
    """
    verdict = same_sides(one, other, checker)
    if verdict is Verdict.SAME:
        return verdict
    if not names_of(one):
        # Any two false claims about numbers are proportional; that says nothing.
        return verdict
    for candidate in (other, flipped(other)):
        if candidate.operator == one.operator and _is_proportional(one, candidate):
            return Verdict.SAME
    return verdict


def _is_proportional(one: Relation, other: Relation) -> bool:
    try:
        first = ratio_of(Bin("-", one.left, one.right))
        second = ratio_of(Bin("-", other.left, other.right))
        if first is None or second is None:
            return False
        factor = ratio_quotient(first, second)
    except (TooLargeError, UndefinedError):
        return False
    if factor is None:
        return False
    return factor != 0 if one.operator in ("=", "!=") else factor > 0


def same_sides(one: Relation, other: Relation, checker: SymbolicChecker) -> Verdict:
    """SAME when each side is equal to a side of the other; they may be exchanged."""
    is_open = False
    for candidate in (other, flipped(other)):
        if candidate.operator != one.operator:
            continue
        verdicts = (
            checker.equivalent(one.left, candidate.left),
            checker.equivalent(one.right, candidate.right),
        )
        if verdicts == (Verdict.SAME, Verdict.SAME):
            return Verdict.SAME
        is_open |= Verdict.UNDECIDED in verdicts and Verdict.DIFFERENT not in verdicts
    return Verdict.UNDECIDED if is_open else Verdict.DIFFERENT
