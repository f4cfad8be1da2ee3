"""Split a typed list at its separators, not inside brackets."""

import re

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_WORDS = re.compile(r"\s+(?:and|or)\s+")
# A ratio is written `3 : 5` and read "3 to 5".
_RATIO = re.compile(r"\s*:\s*|\s+(?:to|and)\s+")


def unbracketed(text: str, brackets: str) -> str:
    """Without one pair of brackets (LaTeX's too) that holds the whole text."""
    text = re.sub(r"\\(?:left|right)(?![A-Za-z])", "", text)
    text = text.replace("\\{", "{").replace("\\}", "}").strip()
    if len(text) < 2 or text[0] != brackets[0] or text[-1] != brackets[1]:
        return text
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in _PAIRS) - (sign in _PAIRS.values())
        if depth == 0:
            return text[1:-1].strip() if place == len(text) - 1 else text
    return text


def parts_split(text: str, *, are_words_read: bool) -> list[str]:
    """The parts between semicolons where there are any, else between commas.

    With `are_words_read`, `2 and 3` and `2 or 3` are two parts too.
    """
    if are_words_read:
        text = _WORDS.sub(";" if ";" in text else ",", text)
    mark = ";" if ";" in text else ","
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in _PAIRS) - (sign in _PAIRS.values())
        if sign == mark and depth <= 0:
            parts.append(text[start:place].strip())
            start = place + 1
    parts.append(text[start:].strip())
    return parts


def ratio_split(text: str) -> list[str]:
    """The parts of `3 : 5`, `3 to 5` and `3 and 5`."""
    return [part.strip() for part in _RATIO.split(text)]
