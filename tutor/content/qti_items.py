"""QTI items, as Canvas and Common Cartridge write them, to problems of the bundle."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from tutor.content.bundles import Document
from tutor.content.decimals import decimal_read, decimal_write
from tutor.content.escaping import markdown_escape, template_escape, text_to_markdown
from tutor.content.html_text import html_convert
from tutor.content.qti_formulas import formula_convert
from tutor.content.qti_parse import Condition, Material, QtiItem, ResponseBlock
from tutor.content.qti_types import flat, item_type
from tutor.content.quizzes import (
    Unsupported,
    choice_step,
    matching_step,
    text_step,
    title_of,
)

Note = Callable[[str], None]
Picture = Callable[[str], str | None]

_NOT_GRADED = {
    "essay_question": "it is an essay, which nobody here can grade",
    "file_upload_question": "it asks for a file",
    "text_only_question": "it asks nothing (a text only)",
}


def item_convert(item: QtiItem, *, picture: Picture, note: Note) -> Document:
    """Convert an item to a problem without ids; `note` is told what was mended or left out.

    Raises:
        Unsupported: when our kinds cannot hold it.
    """
    return _Item(item, picture, note).problem()


class _Item:
    def __init__(self, item: QtiItem, picture: Picture, note: Note) -> None:
        self.item = item
        self.picture = picture
        self.note = note

    def problem(self) -> Document:
        kind = item_type(self.item, note=self.note)
        if kind in _NOT_GRADED:
            raise Unsupported(_NOT_GRADED[kind])
        makers: dict[str, Callable[[], Document]] = {
            "multiple_choice_question": lambda: self._choice(is_several=False),
            "true_false_question": lambda: self._choice(is_several=False),
            "multiple_answers_question": lambda: self._choice(is_several=True),
            "short_answer_question": self._words,
            "numerical_question": self._number,
            "matching_question": self._matching,
            "calculated_question": self._calculated,
            "fill_in_multiple_blanks_question": lambda: self._blanks(self._blank_words),
            "multiple_dropdowns_question": lambda: self._blanks(self._blank_choice),
        }
        make = makers.get(kind)
        if make is None:
            raise Unsupported(f"its type {kind!r} has no counterpart here")
        title = text_to_markdown(title_of(self.item.title))
        return {"title": " ".join(title.split())} | make()

    def _one_step(self, step: Document) -> Document:
        prompt = self.text(self.item.material)
        if not prompt:
            raise Unsupported("it has no text")
        solution = self._feedback(
            name
            for row in self.item.conditions
            if row.is_other
            for name in row.feedback
            if "incorrect" not in name
        )
        return {"steps": [{"prompt": prompt, "solution": solution} | step]}

    def _block(self) -> ResponseBlock:
        if len(self.item.responses) != 1:
            raise Unsupported(f"it has {len(self.item.responses)} responses, expected one")
        return self.item.responses[0]

    def _earning(self, block: ResponseBlock) -> list[Condition]:
        """The conditions on a response that earn the most; what earns less is noted."""
        rows = [
            row
            for row in self.item.conditions
            if row.score > 0 and any(test.response == block.ident for test in row.tests)
        ]
        best = max((row.score for row in rows), default=0.0)
        if any(row.score < best for row in rows):
            self.note("part credit was left out: only the full answer is right")
        return [row for row in rows if row.score == best]

    def _choice(self, *, is_several: bool) -> Document:
        block = self._block()
        rows = self._earning(block)
        if is_several and (len(rows) > 1 or any(row.has_or for row in rows)):
            raise Unsupported("several sets of answers are right, and one is to be picked")
        right = {test.value for row in rows for test in row.tests if test.name == "varequal"}
        idents = [label.ident for label in block.labels]
        unknown = right - set(idents)
        if unknown:
            raise Unsupported(f"its right answer {min(unknown)!r} is not among its answers")
        if is_several:
            self.note("all right answers are to be picked; no part credit")
        step = choice_step(
            [self.text(label.material) for label in block.labels],
            [at for at, ident in enumerate(idents) if ident in right],
            [self._told_on(ident, is_right=ident in right) for ident in idents],
            is_several=is_several,
        )
        return self._one_step(step)

    def _told_on(self, value: str, *, is_right: bool) -> str:
        """The feedback on one answer: its own, then what every wrong one is told."""
        names: list[str] = []
        for row in self.item.conditions:
            if [test.value for test in row.tests] == [value] and not row.is_other:
                names += row.feedback
            elif row.is_other and not is_right:
                names += [name for name in row.feedback if "incorrect" in name]
        return self._feedback(names)

    def _feedback(self, names: Iterable[str]) -> str:
        texts = (self.text(self.item.feedback.get(name, ())) for name in dict.fromkeys(names))
        return "\n\n".join(dict.fromkeys(filter(None, texts)))

    def _words(self) -> Document:
        block = self._block()
        tests = [test for row in self._earning(block) for test in row.tests]
        other = next((test.name for test in tests if test.name != "varequal"), None)
        if other:
            raise Unsupported(f"its answers are compared by '{other}', not as a whole")
        step = text_step(
            [test.value for test in tests],
            is_case_sensitive=any(test.is_case_sensitive for test in tests),
        )
        right = {test.value for test in tests}
        feedback = []
        for row in self.item.conditions:
            values = [test.value for test in row.tests if test.name == "varequal"]
            told = self._feedback(row.feedback)
            if len(values) == 1 and values[0] not in right and values[0] and told:
                feedback.append({"answer": template_escape(values[0]), "text": told})
        return self._one_step(step | {"feedback": feedback})

    def _number(self) -> Document:
        rows = self._earning(self._block())
        if len(rows) != 1:
            raise Unsupported(f"it has {len(rows)} numbers that are right, expected one")
        exact = {test.value for test in rows[0].tests if test.name == "varequal"}
        low = [decimal_read(t.value) for t in rows[0].tests if t.name in {"vargte", "vargt"}]
        high = [decimal_read(t.value) for t in rows[0].tests if t.name in {"varlte", "varlt"}]
        if len(exact) > 1 or len(low) != len(high) or len(low) > 1:
            raise Unsupported("its number is given in several ways, expected a value or a range")
        value = decimal_read(exact.pop()) if exact else None
        if low:
            middle, spread = (low[0] + high[0]) / 2, (high[0] - low[0]) / 2
            if value is None or value != middle:
                self.note(f"the range from {low[0]} to {high[0]} became {middle} with a tolerance")
            value = middle
        else:
            spread = Decimal(0)
        if value is None or spread < 0:
            raise Unsupported("no number is marked as right")
        answer: Document = {"kind": "number", "value": decimal_write(value)}
        if spread:
            answer["tolerance"] = decimal_write(spread)
        return self._one_step({"answer": answer})

    def _matching(self) -> Document:
        pairs: list[tuple[str, str]] = []
        offered: list[str] = []
        for block in self.item.responses:
            texts = {label.ident: self.text(label.material) for label in block.labels}
            offered += texts.values()
            right = [test.value for row in self._earning(block) for test in row.tests]
            if len(right) != 1 or right[0] not in texts:
                raise Unsupported(f"the line {self.text(block.material)!r} has no one right answer")
            pairs.append((self.text(block.material), texts[right[0]]))
        return self._one_step(matching_step(pairs, [text for text in offered if text]))

    def _blanks(self, make: Callable[[ResponseBlock], Document]) -> Document:
        body = self.text(self.item.material)
        steps = []
        for block in self.item.responses:
            name = flat(block.material)
            if not name:
                raise Unsupported("a blank has no name")
            prompt = markdown_escape(f"[{name}]")
            steps.append({"id": name, "prompt": template_escape(prompt)} | make(block))
        if not steps:
            raise Unsupported("it has no blank")
        self.note("each blank became a step of its own")
        return {"body": body, "steps": steps}

    def _blank_words(self, block: ResponseBlock) -> Document:
        # Canvas takes every listed answer, though it names one in the conditions.
        return text_step([flat(label.material) for label in block.labels])

    def _blank_choice(self, block: ResponseBlock) -> Document:
        right = {test.value for row in self._earning(block) for test in row.tests}
        return choice_step(
            [self.text(label.material) for label in block.labels],
            [at for at, label in enumerate(block.labels) if label.ident in right],
            [self._told_on(label.ident, is_right=label.ident in right) for label in block.labels],
            is_several=False,
        )

    def _calculated(self) -> Document:
        if self.item.calculated is None:
            raise Unsupported("it is a formula question without its formula")
        prompt = self.text(self.item.material)
        if not prompt:
            raise Unsupported("it has no text")
        problem = formula_convert(self.item.calculated, prompt)
        self.note("its formula and ranges draw variants of their own, not the file's")
        return problem

    def text(self, material: Material) -> str:
        """A material as Markdown."""
        parts: list[str] = []
        for piece in material:
            if piece.kind == "html":
                parts.append(html_convert(piece.content, picture=self.picture, lose=self._lose))
            elif piece.kind == "plain":
                parts.append(text_to_markdown(piece.content))
            elif piece.kind == "image":
                asset = self.picture(piece.content)
                shown = f"![Picture](asset:{asset})" if asset else "(a picture is missing)"
                parts.append(shown)
            else:
                self._lose(f"<{piece.kind}> {piece.content!r}")
        return "\n\n".join(filter(None, parts))

    def _lose(self, what: str) -> None:
        self.note(f"{what} was left out")
