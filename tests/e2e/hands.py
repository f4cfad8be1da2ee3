"""Ways to use a page: with a mouse or a finger, or with nothing but the keyboard."""

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 60


class Mouse:
    """Clicks, and types into what was clicked."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        target.click()

    def write(self, target: Locator, text: str) -> None:
        target.fill(text)

    def tick(self, target: Locator) -> None:
        target.check()

    def select(self, target: Locator, label: str) -> None:
        target.select_option(label=label)


class Keyboard:
    """Presses keys only: Tab until the thing wanted has the focus, then Enter, Space or letters."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, target: Locator) -> None:
        """Go to something as one does without a mouse; fails where Tab does not lead to it."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{MOST_TABS} times Tab do not lead to {target}")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def tick(self, target: Locator) -> None:
        letter = target.get_attribute("data-letter")
        assert letter is not None
        self.page.keyboard.press(letter.lower())
        expect(target).to_be_checked()

    def select(self, target: Locator, label: str) -> None:
        self.reach(target)
        self.page.keyboard.press(label[0])


Hands = Mouse | Keyboard
