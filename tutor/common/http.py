"""Requests: what the middleware adds, told to the type checker, and whom they come from."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

# What one customer of a network is given: whoever has it can choose any address in it.
IPV6_PREFIX = 64


class HtmxRequest(HttpRequest):
    """A request after the htmx middleware."""

    htmx: HtmxDetails


def client_address(request: HttpRequest) -> str | None:
    """Return the address to count a visitor's mistakes by; None when nobody says which it is.

    Behind a proxy it is what the proxy saw, the last entry of X-Forwarded-For: the entries before
    it are whatever the visitor made up. Of an IPv6 address only the network counts.
    """
    seen = [str(request.META.get("REMOTE_ADDR", ""))]
    if settings.BEHIND_PROXY:
        seen.insert(0, str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2])
    for text in seen:
        try:
            address = ip_address(text.strip())
        except ValueError:
            continue
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            network = IPv6Network((int(address), IPV6_PREFIX), strict=False)
            return str(network.network_address)
        return str(address)
    return None
