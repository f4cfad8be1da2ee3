"""What was asked of a run."""

from dataclasses import dataclass

from django.conf import settings

from tutor.operations.preflight import is_loopback
from tutor.operations.probe import EVERY_ADDRESS


@dataclass(frozen=True)
class RunOptions:
    """Where to listen, with how many processes, and whether demo accounts may face a network."""

    host: str
    port: int
    processes: int
    threads: int
    is_demo_wanted: bool

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches the site, so that known passwords harm nobody."""
        return is_loopback(self.host) and not settings.ENV["STEPWISE_HTTPS"]

    @property
    def url(self) -> str:
        """Where to click."""
        is_here = is_loopback(self.host) or self.host in EVERY_ADDRESS
        shown = "localhost" if is_here else self.host
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}/"
