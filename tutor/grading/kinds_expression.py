"""The kind `expression`: formulas, equations and inequalities, compared by meaning."""

from dataclasses import dataclass

from tutor.grading.exact import UndefinedError, ratio_of
from tutor.grading.forms import is_expanded, renamed_all
from tutor.grading.printing import expression_tex, expression_text
from tutor.grading.reading import expression_read
from tutor.grading.relations import (
    equivalent_relations,
    same_sides,
    same_solved,
    solved_forms,
)
from tutor.grading.specs import (
    RIGHT,
    WRONG,
    AnswerSpec,
    Document,
    Outcome,
    Parsed,
    Problems,
    Reading,
    SymbolicChecker,
    Unreadable,
    Verdict,
    posted,
)
from tutor.grading.syntax import Node, Relation, names_of
from tutor.grading.typed import quoted, typed

FORMS = ("any", "expanded", "factored", "solved", "unsolved", "sides")
_UNDECIDED = Outcome(Verdict.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Formula:
    """What was read; `tight` is the other reading of `1/2x`, where there is one."""

    node: Node | Relation
    tight: Node | Relation | None


@dataclass(frozen=True, slots=True)
class ExpressionSpec(AnswerSpec[Formula]):
    """An expression, an equation or an inequality."""

    value: Node | Relation
    form: str

    def read(self, raw: str, *, is_authored: bool = False) -> Reading[Formula]:
        found = expression_read(raw)
        if isinstance(found, Unreadable):
            return found
        if _divides_by_zero(found):
            return Unreadable(f"We could not work out {quoted(typed(raw))}: it divides by zero.")
        tight = expression_read(raw, is_tight=True)
        other = None if isinstance(tight, Unreadable) or tight == found else tight
        return Parsed(Formula(found, other), expression_text(found))

    def grade(self, parsed: Parsed[Formula], checker: SymbolicChecker) -> Outcome:
        formula = parsed.value
        outcome = self._graded(formula.node, checker)
        if (
            outcome.verdict is Verdict.DIFFERENT
            and formula.tight is not None
            and self._graded(formula.tight, checker).verdict is Verdict.SAME
        ):
            return Outcome(
                Verdict.UNDECIDED,
                "Your answer can be read in two ways. Put brackets round what is below the line: "
                "`1/(2x)` or `(1/2)x`.",
            )
        return outcome

    def matches(
        self, given: Parsed[Formula], listed: Parsed[Formula], checker: SymbolicChecker
    ) -> bool:
        entry = ExpressionSpec(listed.value.node, "any")
        return entry.grade(given, checker).verdict is Verdict.SAME

    def expected(self) -> str:
        return f"${expression_tex(self.value)}$"

    def _graded(self, given: Node | Relation, checker: SymbolicChecker) -> Outcome:
        given = _cased(given, self.value)
        if isinstance(self.value, Relation):
            return self._graded_relation(self.value, given, checker)
        if isinstance(given, Relation):
            alone = [
                solved.side
                for solved in solved_forms(given)
                if given.operator == "=" and solved.name not in names_of(self.value)
            ]
            if not alone:
                return Outcome(
                    Verdict.UNDECIDED,
                    "An expression is asked for. Write it without the sign "
                    f"`{given.operator}` and what is on its other side.",
                )
            given = alone[0]
        verdict = checker.equivalent(given, self.value)
        if verdict is not Verdict.SAME:
            return WRONG if verdict is Verdict.DIFFERENT else _UNDECIDED
        return self._form(given, checker)

    def _graded_relation(
        self, value: Relation, given: Node | Relation, checker: SymbolicChecker
    ) -> Outcome:
        solved = solved_forms(value)
        if not isinstance(given, Relation):
            if not solved or value.operator != "=":
                return Outcome(
                    Verdict.UNDECIDED, f"Write both sides: an {_kind(value)} is asked for."
                )
            return _outcome(checker.equivalent(given, solved[0].side))
        verdicts = [same_solved(one, given, checker) for one in solved]
        if Verdict.SAME in verdicts:
            return RIGHT
        is_solved_asked = self.form == "solved" or (bool(solved) and not names_of(solved[0].side))
        if solved and is_solved_asked:
            if equivalent_relations(value, given, checker) is Verdict.SAME:
                return Outcome(
                    Verdict.DIFFERENT,
                    f"That is true, but not solved yet: get `{solved[0].name}` alone on one side.",
                )
            return _UNDECIDED if Verdict.UNDECIDED in verdicts else WRONG
        verdict = equivalent_relations(value, given, checker)
        if verdict is not Verdict.SAME or self.form not in ("unsolved", "sides"):
            return _outcome(verdict)
        return self._graded_unsolved(value, given, checker)

    def _graded_unsolved(
        self, value: Relation, given: Relation, checker: SymbolicChecker
    ) -> Outcome:
        """Grade the equation itself: its solution alone does not show it."""
        kind = _kind(value)
        if any(not names_of(solved.side) for solved in solved_forms(given)):
            return Outcome(
                Verdict.DIFFERENT, f"That is its solution. Write the {kind} that leads to it."
            )
        if self.form == "sides":
            verdict = same_sides(value, given, checker)
            if verdict is Verdict.DIFFERENT:
                message = f"That is true too, but it is not the {kind} that is asked for."
                return Outcome(verdict, message)
            return _outcome(verdict)
        return RIGHT

    def _form(self, given: Node, checker: SymbolicChecker) -> Outcome:
        if self.form == "expanded" and not is_expanded(given):
            return Outcome(
                Verdict.DIFFERENT,
                "The value is right; now multiply out the brackets and put like terms together.",
            )
        if self.form == "factored":
            verdict = checker.factored(given)
            if verdict is Verdict.DIFFERENT:
                return Outcome(verdict, "The value is right, but it can be factored further.")
            return _outcome(verdict)
        return RIGHT


def expression_spec(answer: Document, problems: Problems) -> ExpressionSpec | None:
    """The spec, or None when `problems` tells why not."""
    problems.keys(["value"], ["form"])
    form = problems.one_of("form", "any", FORMS)
    value = answer.get("value")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        problems.add("/value", value, "a formula such as 2x + 3")
        return None
    text = posted(value)
    found = expression_read(text)
    if isinstance(found, Unreadable):
        problems.add("/value", value, f"a formula such as 2x + 3 ({found.message.rstrip('.')})")
        return None
    if expression_read(text, is_tight=True) != found:
        problems.add("/value", value, "brackets round what is below the line: 1/(2x) or (1/2)x")
    if _divides_by_zero(found):
        problems.add("/value", value, "a formula that does not divide by zero")
    if form in ("expanded", "factored") and isinstance(found, Relation):
        problems.add("/form", form, "any, solved, unsolved or sides for an equation")
    if form in ("unsolved", "sides") and not isinstance(found, Relation):
        problems.add("/value", value, "an equation or inequality")
    if form == "expanded" and not isinstance(found, Relation) and not is_expanded(found):
        problems.add("/value", value, "an expression that is itself expanded")
    if form == "solved" and not (isinstance(found, Relation) and solved_forms(found)):
        problems.add("/value", value, "an equation with one letter alone on one side")
    return None if problems.found else ExpressionSpec(found, form)


def _kind(relation: Relation) -> str:
    return "equation" if relation.operator == "=" else "inequality"


def _outcome(verdict: Verdict) -> Outcome:
    return {Verdict.SAME: RIGHT, Verdict.DIFFERENT: WRONG}.get(verdict, _UNDECIDED)


def _divides_by_zero(node: Node | Relation) -> bool:
    sides = (node.left, node.right) if isinstance(node, Relation) else (node,)
    try:
        for side in sides:
            ratio_of(side)
    except UndefinedError:
        return True
    return False


def _cased(given: Node | Relation, expected: Node | Relation) -> Node | Relation:
    # Phones begin with a capital: X is read as x where only x can be meant.
    known, used = names_of(expected), names_of(given)
    names = {
        name: name.swapcase()
        for name in used - known
        if name.swapcase() in known and name.swapcase() not in used
    }
    return renamed_all(given, names) if names else given
