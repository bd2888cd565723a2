"""People who use no mouse, see no colours, or have the page at another address."""

import re
import urllib.request

from .browser import ENTER, TAB
from .case import PageTest


class People(PageTest):
    """Ways to use the page."""

    def test_the_keyboard_alone_is_enough(self):
        self.reach("key")
        self.browser.keys(*self.stack["api_key"], ENTER)
        self.browser.wait(lambda: self.browser.focused() == "file", "the focus on the file")
        # The system's own window for files is out of reach of a test.
        self.browser.type("#file", str(self.bad_file()))
        self.reach("send")
        self.browser.keys(ENTER)
        self.outcome("Refused: 3 errors")
        self.assertEqual(self.browser.focused(), "file-title")
        self.reach("Error report")
        self.reach("amount_too_many_decimals")
        self.browser.run("document.activeElement.blur()")

    def reach(self, target: str) -> None:
        """Goes on by Tab until the focus is there, and finds that it can be seen on its way."""
        seen = []
        for _ in range(40):
            self.browser.keys(TAB)
            seen.append(self.browser.focused())
            outline = "const e = document.activeElement; return getComputedStyle(e.id === 'file' ? e.nextElementSibling : e).outlineStyle"
            self.assertNotEqual(self.browser.run(outline), "none", seen[-1])
            if seen[-1] == target:
                return
        self.fail(f"{target} is out of reach: {seen}")

    def test_colour_is_never_the_only_sign(self):
        self.give_key()
        self.send(self.bad_file())
        self.outcome("Refused: 3 errors")
        self.assertEqual(self.browser.run("return document.querySelector('.verdict use').getAttribute('href')"), "#icon-bad")

    def test_motion_stops_for_those_who_ask(self):
        self.browser.prefer(reduced_motion="reduce")
        moving = self.browser.run("return document.getAnimations().length")
        self.assertEqual(moving, 0)

    def test_the_address_works_with_and_without_a_slash_at_its_end(self):
        for address in (self.stack["page_url"], self.stack["page_url"] + "/"):
            self.browser.go(address)
            self.give_key() if self.browser.run("return !document.getElementById('key-form').hidden") else None
            self.send(self.good_file())
            self.outcome("Completed")

    def test_the_policy_is_strict(self):
        with urllib.request.urlopen(self.stack["page_url"]) as answer:
            headers, body = answer.headers, answer.read().decode()
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["connect-src"], f"'self' {self.stack['endpoint']}")
        for name in ("form-action", "frame-ancestors", "base-uri"):
            self.assertEqual(policy[name], "'none'")
        for name in ("script-src", "style-src"):
            self.assertRegex(policy[name], r"^'sha256-[A-Za-z0-9+/]{43}='$")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(re.findall(r"(?:src|href)=\"https?:", body), [], "an origin that is not ours")
