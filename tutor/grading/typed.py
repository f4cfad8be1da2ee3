"""What learners type, brought to one alphabet before any kind reads it."""

import re
import unicodedata

MAX_LENGTH = 400
EMPTY_MESSAGE = "Write an answer first."

_SPACES = (
    "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\r\n"
)
_DROPPED = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\ufeff\u200e\u200f"
_TABLE: dict[int, str | None] = {
    **dict.fromkeys(map(ord, _SPACES), " "),
    **dict.fromkeys(map(ord, _DROPPED), None),
    **dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u2014\u2796\ufe63\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u00d7\u22c5\u00b7\u2219\u2022\u2217\u2715\u2716\uff0a"), "*"),
    **dict.fromkeys(map(ord, "\u00f7\u2215\u2044\u2797\uff0f"), "/"),
    **dict.fromkeys(map(ord, "\uff0b\u2795"), "+"),
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    ord("\u2264"): "<=",
    ord("\u2a7d"): "<=",
    ord("\u2265"): ">=",
    ord("\u2a7e"): ">=",
    ord("\uff1d"): "=",
    ord("\uff08"): "(",
    ord("\uff09"): ")",
    ord("\uff0c"): ",",
    ord("\u2032"): "'",
    ord("\u2019"): "'",
    ord("\u2018"): "'",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def typed(raw: str) -> str:
    """One alphabet for minus signs, spaces, multiplication and division signs; trimmed."""
    if raw.isascii():
        text = raw
        if "\n" in text or "\t" in text or "\r" in text:
            text = text.translate(_TABLE)
    else:
        text = raw.translate(_TABLE)
    return text.strip()


def length_message(text: str) -> str | None:
    """Why a typed text is not read at all: it is empty, too long or holds control signs."""
    if not text:
        return EMPTY_MESSAGE
    if len(text) > MAX_LENGTH:
        return (
            f"We could not read an answer of {len(text)} characters: "
            f"at most {MAX_LENGTH} are read. Write it shorter."
        )
    if _CONTROL.search(text):
        return "We could not read your answer: it holds signs that cannot be shown. Type it anew."
    return None


def unwrapped(text: str) -> str:
    """Without the dollar signs that mark LaTeX (`$$3$$`, `$3$`); a lone `$` stays a currency."""
    for mark in ("$$", "$"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            inner = text[len(mark) : -len(mark)]
            if "$" not in inner:
                return inner.strip()
    return text


def quoted(text: str) -> str:
    """A learner's words inside a message: short, and without our quotation mark."""
    shown = text.replace("`", "'")
    return f"`{shown if len(shown) <= 60 else shown[:57] + '...'}`"


def words(text: str, *, is_case_sensitive: bool = False) -> str:
    """Words for comparison: spaces, case, accents, quotes and final stops made equal."""
    if not text.isascii():
        text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).translate(_TABLE))
        text = "".join(sign for sign in text if not unicodedata.combining(sign))
    text = " ".join(text.split()).rstrip(".!?").rstrip()
    return text if is_case_sensitive else text.casefold()
