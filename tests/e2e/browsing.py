"""What every browser test does: log in, look, check for accessibility."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCREENSHOTS = Path(__file__).parent / "screenshots"
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def log_in(page: Page, username: str, password: str) -> None:
    """Log in by the form."""
    page.goto("/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def shot(page: Page, name: str) -> None:
    """Keep a picture to look at (an ignored folder)."""
    SCREENSHOTS.mkdir(exist_ok=True)
    # Hiding the caret would put an inline style into the page, which its policy forbids.
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, caret="initial")


def axe_check(page: Page) -> None:
    """Fail with axe's words when a page breaks WCAG 2.2 AA, or scrolls sideways."""
    found = Axe().run(page, options=AXE_RULES)
    assert found.violations_count == 0, found.generate_report()
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"{page.url} scrolls sideways by {overflow} px"
