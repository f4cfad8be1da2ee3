"""Middleware of the whole site."""

from collections.abc import Callable

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

from tutor.common.http import HtmxRequest


class HtmxMiddleware:
    """Keep caches from handing a fragment to a browser that asked for the page."""

    def __init__(self, get_response: Callable[[HtmxRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HtmxRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response
