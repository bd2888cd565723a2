"""The page without a mouse, without color and without motion."""

from .browser import ENTER, TAB
from .case import PageTest


class Accessibility(PageTest):
    """What axe-core's rules do not cover."""

    def test_keyboard_alone_is_enough(self):
        self.tab_to("key")
        self.browser.press_keys(*self.stack["api_key"], ENTER)
        self.browser.wait_until(lambda: self.browser.focused() == "file", "the focus on the file input")
        # WebDriver cannot use the file dialog of the operating system.
        self.browser.type("#file", str(self.invalid_file()))
        self.tab_to("upload")
        self.browser.press_keys(ENTER)
        self.wait_for_outcome("Rejected: 3 errors")
        self.assertEqual(self.browser.focused(), "file-title")
        self.tab_to("Error report")
        self.tab_to("amount_too_many_decimals")
        self.browser.execute("document.activeElement.blur()")

    def tab_to(self, target: str) -> None:
        """Presses Tab until an element has the focus. The focus must be visible at every step."""
        visited = []
        for _ in range(40):
            self.browser.press_keys(TAB)
            visited.append(self.browser.focused())
            outline = """
                const e = document.activeElement;
                return getComputedStyle(e.id === 'file' ? e.nextElementSibling : e).outlineStyle"""
            self.assertNotEqual(self.browser.execute(outline), "none", visited[-1])
            if visited[-1] == target:
                return
        self.fail(f"Tab does not reach {target}: {visited}")

    def test_color_is_not_the_only_cue(self):
        self.enter_key()
        self.upload(self.invalid_file())
        self.wait_for_outcome("Rejected: 3 errors")
        icon = self.browser.execute("return document.querySelector('.banner use').getAttribute('href')")
        self.assertEqual(icon, "#icon-bad")

    def test_reduced_motion_stops_animations(self):
        self.browser.emulate_preferences(reduced_motion="reduce")
        self.assertEqual(self.browser.execute("return document.getAnimations().length"), 0)
