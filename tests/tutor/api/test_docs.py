"""docs/api.md tells what the code does."""

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tutor.api.http import ApiView


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
