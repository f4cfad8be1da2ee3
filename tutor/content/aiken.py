"""Aiken: a question, its answers `A) ...`, and `ANSWER: B`.

Which is even?
A) 3
B) 4
ANSWER: B
"""

import re
from dataclasses import dataclass, field

from tutor.content.bundles import Document
from tutor.content.decoding import lines_decode
from tutor.content.escaping import text_to_markdown
from tutor.content.origins import Origin
from tutor.content.quizzes import QuizCourse, Unsupported, choice_step, shown

_OPTION = re.compile(r"([A-Z])[).]\s*(.*)")
_ANSWER = re.compile(r"ANSWER\s*:\s*(.*)", re.IGNORECASE)


@dataclass
class _Question:
    line: int
    text: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)


def is_aiken(text: str) -> bool:
    """Whether a text has the answers and the `ANSWER:` lines of Aiken."""
    lines = [line.strip() for line in text.splitlines()]
    return any(map(_ANSWER.fullmatch, lines)) and any(map(_OPTION.fullmatch, lines))


def aiken_read(raw: bytes, *, name: str) -> tuple[Document, tuple[str, ...], Origin]:
    """Read a file; what is no whole question is listed with its line.

    Raises:
        ContentUnreadableError: for what is not UTF-8 text, or gives no question.
    """
    course = QuizCourse(name)
    question: _Question | None = None
    for number, raw_line in enumerate(lines_decode(raw, name=name), start=1):
        line = raw_line.strip()
        answer, option = _ANSWER.fullmatch(line), _OPTION.fullmatch(line)
        if answer is not None:
            _finish(course, question, answer[1].strip(), number)
            question = None
        elif not line:
            if question is not None and question.options:
                _unanswered(course, question)
                question = None
        else:
            question = question or _Question(number)
            if option is not None and (question.text or question.options):
                question.letters.append(option[1])
                question.options.append(option[2].strip())
            elif question.options:
                # A line after the answers: the next question, as this one never ended.
                _unanswered(course, question)
                question = _Question(number, [line])
            else:
                question.text.append(line)
    if question is not None:
        _unanswered(course, question)
    return course.finish()


def _unanswered(course: QuizCourse, question: _Question) -> None:
    what = f"the question {shown(' '.join(question.text))}"
    reason = "it ends without a line 'ANSWER: ' and a letter"
    course.left_out(f"{course.name}:{question.line}", what, reason)


def _finish(course: QuizCourse, question: _Question | None, letter: str, line: int) -> None:
    where = f"{course.name}:{question.line if question else line}"
    if question is None:
        course.left_out(where, f"the line 'ANSWER: {letter}'", "no question stands before it")
        return
    text = " ".join(question.text)
    try:
        if len(set(question.letters)) < len(question.letters):
            raise Unsupported(f"a letter stands twice among {', '.join(question.letters)}")
        if letter not in question.letters:
            letters = ", ".join(question.letters) or "none"
            raise Unsupported(f"ANSWER says {letter!r}, expected one of its letters ({letters})")
        options = [text_to_markdown(option) for option in question.options]
        right = question.letters.index(letter)
        step = choice_step(options, [right], [""] * len(options), is_several=False)
    except Unsupported as reason:
        course.left_out(where, f"the question {shown(text)}", str(reason))
        return
    course.add(where, {"steps": [step | {"prompt": text_to_markdown(text)}]})
