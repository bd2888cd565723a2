"""How the API serves the page."""

import re
import urllib.request

from .case import PageTest


class Serving(PageTest):
    """The page's address and its response headers."""

    def test_address_works_with_and_without_trailing_slash(self):
        for address in (self.stack["page_url"], self.stack["page_url"] + "/"):
            self.browser.open(address)
            if self.browser.execute("return !document.getElementById('key-form').hidden"):
                self.enter_key()
            self.upload(self.valid_file())
            self.wait_for_outcome("Completed")

    def test_content_security_policy_is_strict(self):
        with urllib.request.urlopen(self.stack["page_url"]) as response:
            headers, body = response.headers, response.read().decode()
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["connect-src"], f"'self' {self.stack['endpoint']}")
        for name in ("form-action", "frame-ancestors", "base-uri"):
            self.assertEqual(policy[name], "'none'")
        for name in ("script-src", "style-src"):
            self.assertRegex(policy[name], r"^'sha256-[A-Za-z0-9+/]{43}='$")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(re.findall(r"(?:src|href)=\"https?:", body), [], "URLs of other origins")
