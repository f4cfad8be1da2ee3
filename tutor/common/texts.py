"""Text that people send, as every database can keep it.

PostgreSQL keeps no null character, in a text or in JSON, and refuses to look for one. Forms refuse
it in words; what is read without a form comes through here.
"""

from collections.abc import Mapping
from typing import Any

NULL = "\0"


def text_clean(text: str) -> str:
    """Return the text without null characters, which nobody typed."""
    return text.replace(NULL, "")


def text_asked(data: Mapping[str, Any], name: str, *, most: int) -> str:
    """Return one text of an address or a form, trimmed; empty where there is none."""
    return text_clean(str(data.get(name, ""))).strip()[:most]


def tree_clean(tree: Any) -> Any:
    """Return what JSON can hold with every text in it cleaned, names of fields too."""
    if isinstance(tree, str):
        return text_clean(tree)
    if isinstance(tree, list):
        return [tree_clean(part) for part in tree]
    if isinstance(tree, dict):
        return {text_clean(name): tree_clean(part) for name, part in tree.items()}
    return tree
