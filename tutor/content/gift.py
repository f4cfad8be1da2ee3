"""GIFT, Moodle's text format for quizzes, to a course; every question is taken or listed."""

from decimal import Decimal

from tutor.content.bundles import Document
from tutor.content.decimals import decimal_read, decimal_write
from tutor.content.decoding import lines_decode
from tutor.content.escaping import template_escape, text_to_markdown
from tutor.content.gift_parse import (
    Answer,
    Category,
    Paragraph,
    Stem,
    answers_parse,
    feedback_split,
    format_split,
    pair_split,
    paragraphs,
    stem_parse,
    unescape,
)
from tutor.content.html_text import MAX_TEXT, html_convert
from tutor.content.html_tree import html_parse, text_of
from tutor.content.origins import Origin
from tutor.content.quizzes import (
    QuizCourse,
    Unsupported,
    choice_step,
    id_clean,
    matching_step,
    shown,
    text_step,
    title_of,
)

_BLANK = " ____ "
_TRUE, _FALSE = {"T", "TRUE"}, {"F", "FALSE"}


def is_gift(text: str) -> bool:
    """Whether a text has a question with answers in braces, or a category."""
    return any(map(_is_gift_part, paragraphs(text.splitlines())))


def _is_gift_part(part: Paragraph | Category) -> bool:
    try:
        return isinstance(part, Category) or stem_parse(part.text).body is not None
    except Unsupported:
        return False


def gift_read(raw: bytes, *, name: str) -> tuple[Document, tuple[str, ...], Origin]:
    """Read a file; what is no question that can be graded is listed with its line.

    Raises:
        ContentUnreadableError: for what is not UTF-8 text, or gives no question.
    """
    course = QuizCourse(name)
    for part in paragraphs(lines_decode(raw, name=name)):
        if isinstance(part, Category):
            course.group(" / ".join(map(unescape, part.path)))
        else:
            _take(course, part)
    return course.finish()


def _take(course: QuizCourse, part: Paragraph) -> None:
    where = f"{course.name}:{part.line}"
    try:
        stem = stem_parse(part.text)
        problem = _Question(course, where, stem).problem()
    except Unsupported as reason:
        course.left_out(where, f"the question {shown(part.text)}", str(reason))
        return
    if part.tags:
        course.note(where, f"its tags ({', '.join(part.tags)}) were left out")
    course.add(where, problem, key=part.ident or id_clean(stem.name))


class _Question:
    def __init__(self, course: QuizCourse, where: str, stem: Stem) -> None:
        self.course = course
        self.where = where
        self.stem = stem

    def problem(self) -> Document:
        stem = self.stem
        if stem.body is None:
            raise Unsupported("it asks nothing (a description)")
        body, general = feedback_split(stem.body)
        step = self._step(body)
        solution = [self._text(general), step.pop("solution", "")]
        prompt = stem.before
        if stem.after:
            prompt = f"{stem.before}{_BLANK}{stem.after}"
        if not prompt.strip():
            raise Unsupported("it has no text")
        step["prompt"] = self._text(prompt)
        step["solution"] = "\n\n".join(filter(None, solution))
        return {"title": text_to_markdown(title_of(stem.name)), "steps": [step]}

    def _step(self, body: str) -> Document:
        bare = body.strip()
        if not bare:
            raise Unsupported("it is an essay, which nobody here can grade")
        if bare.startswith("#"):
            return self._number(answers_parse(bare[1:]))
        word, _, feedback = bare.partition("#")
        word = word.strip()
        if word in _TRUE | _FALSE or word.upper() in {"TRUE", "FALSE"}:
            return self._true_false(is_true=word.upper() in _TRUE, feedback=feedback)
        answers = answers_parse(body)
        marks = {answer.mark for answer in answers}
        if "" in marks and len(answers) > 1:
            raise Unsupported("its first answer has neither '=' nor '~' before it")
        if "~" in marks:
            return self._choice(answers)
        pairs = [pair_split(answer.text) for answer in answers]
        if any(pairs):
            return self._matching([pair for pair in pairs if pair], len(pairs))
        return self._words(answers)

    def _true_false(self, *, is_true: bool, feedback: str) -> Document:
        # The first feedback is for the wrong answer, the second for the right one.
        wrong, _, right = feedback.partition("#")
        told = [self._text(right), self._text(wrong)]
        return choice_step(
            ["True", "False"],
            [0 if is_true else 1],
            told if is_true else told[::-1],
            is_several=False,
        )

    def _choice(self, answers: list[Answer]) -> Document:
        is_several = not any(answer.mark == "=" for answer in answers)
        weights = [
            100.0 if a.weight is None and a.mark == "=" else a.weight or 0.0 for a in answers
        ]
        correct = [
            at for at, weight in enumerate(weights) if (weight > 0 if is_several else weight >= 100)
        ]
        if is_several and len(correct) > 1:
            self.course.note(self.where, "all right answers are to be picked; no part credit")
        elif any(0 < weight < 100 for weight in weights):
            self.course.note(self.where, "part credit was left out: only the full answer is right")
        return choice_step(
            [self._text(answer.text) for answer in answers],
            correct,
            [self._text(answer.feedback) for answer in answers],
            is_several=is_several,
        )

    def _matching(self, pairs: list[tuple[str, str]], count: int) -> Document:
        if len(pairs) < count:
            raise Unsupported(f"only {len(pairs)} of its {count} answers are pairs 'left -> right'")
        texts = [(self._text(left), self._text(right)) for left, right in pairs]
        return matching_step(
            [pair for pair in texts if pair[0]],
            [right for left, right in texts if not left],
        )

    def _words(self, answers: list[Answer]) -> Document:
        right = [answer for answer in answers if answer.weight in {None, 100.0}]
        others = [answer for answer in answers if answer.weight not in {None, 100.0}]
        texts = [self._plain(answer.text) for answer in right]
        if any("*" in text for text in texts):
            raise Unsupported("an answer with '*', which stands for any text, cannot be checked")
        step = text_step(texts)
        return step | self._told(right, [(self._plain(a.text), a) for a in others])

    def _number(self, answers: list[Answer]) -> Document:
        right = [a for a in answers if a.mark != "~" and a.weight in {None, 100.0}]
        others = [a for a in answers if a not in right]
        if len(right) != 1:
            raise Unsupported(f"it has {len(right)} numbers that are right, expected one")
        value, tolerance, is_range = _number_read(unescape(right[0].text))
        if is_range:
            middle = f"{right[0].text} became {value} with a tolerance of {tolerance}"
            self.course.note(self.where, f"the range {middle}")
        answer: Document = {"kind": "number", "value": value}
        if tolerance != "0":
            answer["tolerance"] = tolerance
        wrong = [(_middle(unescape(a.text)), a) for a in others]
        if any(text == value for text, _ in wrong):
            self.course.note(self.where, f"wider ranges around {value} were left out")
            wrong = [row for row in wrong if row[0] != value]
        return {"answer": answer} | self._told(right, wrong)

    def _told(self, right: list[Answer], others: list[tuple[str, Answer]]) -> Document:
        """Feedback by answer, and that on the right answer as part of the solution."""
        feedback = []
        for text, answer in others:
            if answer.weight:
                self.course.note(self.where, f"part credit for {text!r} was left out")
            told = self._text(answer.feedback)
            if text in {"", "*"}:
                if told:
                    self.course.note(self.where, f"feedback on any other answer left out: {told}")
            elif told:
                feedback.append({"answer": template_escape(text), "text": told})
        solution = "\n\n".join(
            dict.fromkeys(filter(None, (self._text(answer.feedback) for answer in right)))
        )
        return {"feedback": feedback, "solution": solution}

    def _text(self, raw: str) -> str:
        """A text in its own format, or the question's, as Markdown."""
        text_format, rest = format_split(raw, self.stem.text_format)
        text = unescape(rest).strip()
        if not text:
            return ""
        if text_format == "plain":
            return text_to_markdown(text)
        if text_format == "markdown":
            return template_escape(text.replace(_BLANK, r" \_\_\_\_ "))
        if text_format == "moodle":
            # Moodle's own format is HTML in which line ends count.
            text = text.replace("\n", "<br>")
        return html_convert(text, picture=self._picture, lose=self._lose)

    def _plain(self, raw: str) -> str:
        text_format, rest = format_split(raw, self.stem.text_format)
        text = unescape(rest).strip()
        if len(text) > MAX_TEXT:
            raise Unsupported(f"an answer has {len(text)} characters, at most {MAX_TEXT} fit")
        tree = html_parse(text) if text_format == "html" else None
        return text_of(tree).strip() if tree else text

    def _picture(self, source: str) -> None:
        self.course.note(self.where, f"the picture {source!r} is not in the file")

    def _lose(self, what: str) -> None:
        self.course.note(self.where, f"{what} was left out")


def _number_read(text: str) -> tuple[str, str, bool]:
    """A value, its tolerance, and whether a range was given.

    Raises: Unsupported
    """
    low, dots, high = text.partition("..")
    if dots:
        first, last = decimal_read(low), decimal_read(high)
        if first > last:
            raise Unsupported(f"the range {text!r} ends before it begins")
        return decimal_write((first + last) / 2), decimal_write((last - first) / 2), True
    value, _, tolerance = text.partition(":")
    spread = decimal_read(tolerance) if tolerance.strip() else Decimal(0)
    if spread < 0:
        raise Unsupported(f"the tolerance {tolerance.strip()!r} is below 0")
    return decimal_write(decimal_read(value)), decimal_write(spread), False


def _middle(text: str) -> str:
    """The number of an answer that is not right, or nothing."""
    try:
        return _number_read(text)[0] if text else ""
    except Unsupported:
        return ""
