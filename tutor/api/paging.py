"""Pages of a list by cursor: each goes on behind the last row of the one before."""

import base64
import binascii
import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError as FieldError
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

CURSOR_LENGTH = 1000


class Pages(BasePagination):
    """Go through rows in an order that ends with a unique field.

    A cursor holds the last row's place in that order, so no row is met twice or missed while
    others are added or taken out, however many rows are equal in the fields before the last.
    """

    page_size = 100
    max_page_size = 500
    ordering: tuple[str, ...] = ("id",)

    def paginate_queryset(
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """Return a page's rows.

        Raises:
            ValidationError: for a limit that cannot be used.
            NotFound: for a cursor that is none.
        """
        self.request = request
        limit = self._limit(request.query_params.get("limit"))
        rows = queryset.order_by(*self.ordering)
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            rows = rows.filter(self._behind(queryset.model, self._place(cursor)))
        page = list(rows[: limit + 1])
        self.next_cursor = self._cursor(page[limit - 1]) if len(page) > limit else None
        return page[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the rows, and the address of those behind them; null at the end."""
        return Response({"next": self._next_address(), "results": data})

    def _next_address(self) -> str | None:
        if self.next_cursor is None:
            return None
        parts = urlsplit(self.request.build_absolute_uri())
        query = QueryDict(parts.query, mutable=True)
        query["cursor"] = self.next_cursor
        return urlunsplit(parts._replace(query=query.urlencode()))

    def _limit(self, text: str | None) -> int:
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            raise ValidationError(
                {"limit": [f"'{text[:40]}' cannot be used; expected 1 to {self.max_page_size}"]}
            )
        return int(text)

    def _cursor(self, row: Any) -> str:
        place = [str(getattr(row, name.lstrip("-"))) for name in self.ordering]
        return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    def _place(self, cursor: str) -> list[str]:
        try:
            if len(cursor) > CURSOR_LENGTH:
                raise ValueError
            place = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        except (ValueError, binascii.Error) as error:
            raise self._no_cursor() from error
        if not isinstance(place, list) or len(place) != len(self.ordering):
            raise self._no_cursor()
        if not all(isinstance(part, str) and "\x00" not in part for part in place):
            raise self._no_cursor()
        return place

    def _behind(self, model: type[Model], place: list[str]) -> Q:
        """Return what is true of the rows behind a place."""
        behind, equal = Q(), Q()
        for name, text in zip(self.ordering, place, strict=True):
            field = name.lstrip("-")
            try:
                column: Any = model._meta.get_field(field)
                value = column.to_python(text)
                text.encode()
            except (FieldError, ValueError, OverflowError) as error:
                raise self._no_cursor() from error
            if value is None or (isinstance(value, int) and abs(value) >= 2**63):
                raise self._no_cursor()
            way = "lt" if name.startswith("-") else "gt"
            behind |= equal & Q(**{f"{field}__{way}": value})
            equal &= Q(**{field: value})
        return behind

    def _no_cursor(self) -> NotFound:
        return NotFound("No page has this cursor; go on with `next` of a page.", code="no_cursor")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return how the OpenAPI document describes what may be asked."""
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where to go on, as `next` of a page has it.",
                "schema": {"type": "string"},
            },
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Rows on a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return how the OpenAPI document describes a page."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "nullable": True,
                    "format": "uri",
                    "example": "https://stepwise.example/api/v1/courses/?cursor=WyJGcmFjdGlvbnMiXQ==",
                },
                "results": schema,
            },
        }


class NewestPages(Pages):
    """Newest first."""

    ordering = ("-id",)


class NewestMadePages(Pages):
    """What was made last comes first."""

    ordering = ("-created_at", "-id")
