"""Bytes of an upload to text: UTF-8 only, since any other guess would garble somebody's letters."""

import codecs

from tutor.content.errors import ContentUnreadableError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_decode(raw: bytes, *, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark; line ends stay as they are.

    Raises:
        ContentUnreadableError: naming the first byte that does not fit, and its line.
    """
    if raw.startswith(_UTF16):
        raise ContentUnreadableError(f"'{name}' is not UTF-8 text but UTF-16; save it as UTF-8.")
    mark = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    try:
        return raw[mark:].decode()
    except UnicodeDecodeError as error:
        at = mark + error.start
        line = raw.count(b"\n", 0, at) + 1
        raise ContentUnreadableError(
            f"'{name}' is not UTF-8 text (byte {at}, line {line}: 0x{raw[at]:02x}); "
            "save it as UTF-8."
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
        raise ContentUnreadableError(f"'{name}' holds a null character in line {line}.")
    return text.split("\n")
