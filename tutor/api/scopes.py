"""Which scope of a token opens which address: read off the views, written into docs/api.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern

from tutor.accounts.models import Scope
from tutor.api.http import ApiView
from tutor.api.permissions import scope_needed

BEGIN, END = "<!-- scopes: begin -->", "<!-- scopes: end -->"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A method of an address, the scope that it needs, and a write's name in the audit log."""

    address: str
    method: str
    scope: Scope
    writes_as: str = ""

    @property
    def opened_by(self) -> tuple[Scope, ...]:
        """The scopes that open it: `admin` carries the others."""
        return tuple(scope for scope in Scope if scope in {self.scope, Scope.ADMIN})


def scope_rows() -> Iterator[ScopeRow]:
    """Yield every method of every address that needs a login, in the order of the addresses."""
    from tutor.api.urls import urlpatterns

    for url in urlpatterns:
        view = getattr(url.callback, "cls", None) if isinstance(url, URLPattern) else None
        if view is None or not issubclass(view, ApiView) or view.authentication_classes == ():
            continue
        address = "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"<\1>", str(url.pattern))
        for method in METHODS:
            if hasattr(view, method.lower()):
                scope = scope_needed(view(), method)
                yield ScopeRow(address, method, scope, view.writes.get(method, ""))


def scope_table() -> str:
    """Return the table as Markdown: a row for each method of an address, a column a scope."""
    names = [scope.value for scope in Scope]
    lines = [
        f"| address | method | {' | '.join(f'`{name}`' for name in names)} |",
        "|---|---|" + "---|" * len(names),
    ]
    for row in scope_rows():
        cells = ["yes" if scope in row.opened_by else "-" for scope in Scope]
        lines.append(f"| `{row.address}` | {row.method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def scope_table_written(text: str) -> str:
    """Return a text with the table between its marks. Raises: ValueError where there are none."""
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the text has no {BEGIN} with an {END} after it")
    return f"{before}{begin}\n{scope_table()}\n{end}{after}"
