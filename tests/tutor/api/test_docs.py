"""docs/api.md tells what the code does."""

import re

from django.conf import settings
from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tutor.api.http import ApiView
from tutor.api.permissions import scope_needed
from tutor.api.urls import urlpatterns

ROW = re.compile(r"^\| `(/api/v1/\S*)` \| (\w+) \| (\w+) \|$", re.MULTILINE)


def test_the_table_of_scopes_is_what_the_views_ask_for() -> None:
    expected = set()
    for url in urlpatterns:
        assert isinstance(url, URLPattern)
        view = getattr(url.callback, "cls", None)
        # The bundle's schema needs no login, so no scope either.
        if view is None or not issubclass(view, ApiView) or view.authentication_classes == ():
            continue
        address = "/api/v1/" + re.sub(r"<uuid:\w+>", "<uuid>", str(url.pattern))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if hasattr(view, method.lower()):
                expected.add((address, method, scope_needed(view(), method).value))
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    assert set(ROW.findall(text)) == expected


def test_the_rate_and_the_page_size_are_what_is_in_force() -> None:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    rate = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["token"]
    assert rate == "600/min"
    assert "600 calls a minute" in text
    assert f"({ApiView.pagination_class.page_size}, at most" in text


def test_the_openapi_document_is_valid_and_names_every_refusal() -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(document)
    secured = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if operation.get("security")
    ]
    assert len(secured) > 10
    for operation in secured:
        assert {"401", "403", "429"} <= operation["responses"].keys(), operation["operationId"]
