"""Bytes of an upload to text and JSON, strictly.

UTF-8 only, since any other guess would garble somebody's letters; no JSON that two readers would
read differently.
"""

import codecs
import json
import math
from typing import Any

from django.utils.translation import gettext as _

from tutor.content.errors import ContentUnreadableError

MAX_NESTING = 40
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_decode(raw: bytes, *, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark; line ends stay as they are.

    Raises:
        ContentUnreadableError: naming the first byte that does not fit, and its line.
    """
    if raw.startswith(_UTF16):
        raise ContentUnreadableError(
            _("'{name}' is not UTF-8 text but UTF-16; save it as UTF-8.").format(name=name)
        )
    mark = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode()
    except UnicodeDecodeError as error:
        at = mark + error.start
        line = raw.count(b"\n", 0, at) + 1
        raise ContentUnreadableError(
            _(
                "'{name}' is not UTF-8 text (byte {at}, line {line}: 0x{byte:02x}); "
                "save it as UTF-8."
            ).format(name=name, at=at, line=line, byte=raw[at])
        ) from error


def lines_decode(raw: bytes, *, name: str) -> list[str]:
    """Decode a text of lines, whatever ends them.

    Raises:
        ContentUnreadableError: also for the null character, which no database keeps.
    """
    text = text_decode(raw, name=name).replace("\r\n", "\n").replace("\r", "\n")
    at = text.find("\0")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise ContentUnreadableError(
            _("'{name}' holds a null character in line {line}.").format(name=name, line=line)
        )
    return text.split("\n")


def json_read(raw: bytes, *, name: str) -> Any:
    """Read JSON strictly: UTF-8, no repeated key, no NaN, bounded nesting, text a database takes.

    Raises:
        ContentUnreadableError: naming the line and column where there is one.
    """
    text = text_decode(raw, name=name)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_pairs_read,
            parse_constant=_constant_refused,
            parse_float=_float_read,
        )
        _check_nesting(document)
        if "\\u" in text:
            _check_characters(document)
    except json.JSONDecodeError as error:
        raise ContentUnreadableError(
            _("'{name}' is not JSON: {reason} at line {line}, column {column}.").format(
                name=name, reason=error.msg, line=error.lineno, column=error.colno
            )
        ) from error
    except RecursionError as error:
        raise ContentUnreadableError(
            _("'{name}' is nested more than {most} levels deep.").format(
                name=name, most=MAX_NESTING
            )
        ) from error
    except ValueError as error:
        raise ContentUnreadableError(
            _("'{name}': {reason}.").format(name=name, reason=error)
        ) from error
    return document


def _pairs_read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(_("the key {key!r} stands twice in one object").format(key=twice))
    return read


def _constant_refused(name: str) -> None:
    raise ValueError(_("{name} is not a number that JSON knows").format(name=name))


def _float_read(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(_("{text} is larger than any number that can be kept").format(text=text))
    return number


def _check_nesting(document: Any) -> None:
    level = [document]
    for _level in range(MAX_NESTING):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise ValueError(_("it is nested more than {most} levels deep").format(most=MAX_NESTING))


def _check_characters(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False)
    if "\\u0000" in text:
        raise ValueError(_("a text holds the null character, which no database keeps"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            _("a text holds half a character (\\u{code:x})").format(code=ord(text[error.start]))
        ) from None
