"""A real Chromium before a live server; skipped, loudly, where no Chromium is installed."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("BROWSER TESTS SKIPPED: no Chromium on the path; `make browser` installs it")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=15_000)
        # Playwright's loop runs in this thread; Django would refuse its own tests' queries.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


OpenPage = Callable[..., Page]


def _note(line: ConsoleMessage, errors: list[str]) -> None:
    # Chromium reports every 422 as an error; it is how a form with mistakes comes back.
    if line.type == "error" and "status of 422" not in line.text:
        errors.append(line.text)


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[OpenPage]:
    """Open a page of a new visitor; an error on the browser's console fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(
        *,
        is_phone: bool = False,
        is_dark: bool = False,
        has_javascript: bool = True,
        is_quiet: bool = True,
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport=PHONE if is_phone else DESKTOP,  # type: ignore[arg-type]
            color_scheme="dark" if is_dark else "light",
            java_script_enabled=has_javascript,
            reduced_motion="reduce",
            has_touch=is_phone,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        if is_quiet:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: _note(line, errors))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def page_phone(open_page: OpenPage) -> Page:
    """A phone's page, 360 px wide."""
    return open_page(is_phone=True)


@pytest.fixture
def page_desktop(open_page: OpenPage) -> Page:
    """A desktop's page, 1280 px wide."""
    return open_page()
