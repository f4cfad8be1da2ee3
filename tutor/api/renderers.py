"""Answers that are not JSON."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer


class CsvRenderer(BaseRenderer):
    """CSV that the view has written; a refusal stays JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the text as it is."""
        if isinstance(data, str):
            return data.encode(self.charset)
        return JSONRenderer().render(data, None, renderer_context)


class NdjsonRenderer(CsvRenderer):
    """JSON objects, a line each, that the view has written; a refusal stays JSON."""

    media_type = "application/x-ndjson"
    format = "ndjson"
