"""What every test of the page has: a browser, the stack, and the checks that hold in every state."""

import json
import os
import secrets
import tempfile
import unittest
from pathlib import Path

from tools import paths, venvs

from .browser import PHONE, WINDOW, Driver

HEADER = "transaction_id,amount,currency,timestamp,merchant,status\n"
SAMPLES = paths.SAMPLES
# Pictures of every state are taken if this names a directory.
PICTURES = os.environ.get("PAGE_PICTURES")
# The ways in which each state is looked at: what it is called, the width, and what the person prefers.
LOOKS = (("light", WINDOW, "light"), ("dark", WINDOW, "dark"), ("phone", PHONE, "light"))


def stack() -> dict:
    """The stack of the tests."""
    return next(iter(json.loads(Path(os.environ["ACCEPTANCE_STACKS"]).read_text())["stacks"].values()))


def axe() -> str:
    """The rules of accessibility, which come from PyPI (MPL 2.0) and are not part of this repository."""
    found = sorted(venvs.directory_of("page").glob("lib/*/site-packages/axe_playwright_python/axe.min.js"))
    return found[0].read_text()


class PageTest(unittest.TestCase):
    """A test that opens the page."""

    @classmethod
    def setUpClass(cls):
        cls.stack = stack()
        cls.directory = tempfile.TemporaryDirectory()
        cls.downloads = Path(cls.directory.name) / "downloads"
        cls.downloads.mkdir()
        cls.driver = Driver(cls.downloads)
        cls.axe = axe()

    @classmethod
    def tearDownClass(cls):
        cls.driver.stop()
        cls.directory.cleanup()

    def setUp(self):
        self.browser = self.open_browser()
        self.browser.go(self.stack["page_url"])
        self.expected_complaints = ()

    def tearDown(self):
        unexpected = [
            complaint
            for complaint in self.browser.complaints()
            if not any(part in complaint for part in self.expected_complaints)
        ]
        self.assertEqual(unexpected, [], "the browser's own complaints")

    def open_browser(self, **options):
        """A browser that is closed when the test has ended."""
        browser = self.driver.open(**options)
        self.addCleanup(browser.close)
        return browser

    # -- Files ---------------------------------------------------------------------------------------------------------

    def file(self, text: str, name: str | None = None) -> Path:
        """A file with this text."""
        path = Path(self.directory.name) / (name or f"{secrets.token_hex(4)}.csv")
        path.write_text(text)
        return path

    def good_file(self, rows: int = 3, merchant: str = "Café Olé", prefix: str | None = None, status="completed") -> Path:
        """A valid file that nobody has sent before."""
        prefix = prefix or f"P-{secrets.token_hex(4)}"
        line = "{}-{},1.10,EUR,2026-01-15T10:00:00Z,{},{}\n"
        return self.file(HEADER + "".join(line.format(prefix, row, merchant, status) for row in range(rows)))

    def bad_file(self, faults: int = 3, prefix: str | None = None) -> Path:
        """A file with a good row, and as many with an amount of too many decimals."""
        prefix = prefix or f"B-{secrets.token_hex(4)}"
        line = "{}-{},{},JPY,2026-01-15T10:00:00Z,Shop,completed\n"
        rows = [line.format(prefix, row, "1.5" if row else "100") for row in range(faults + 1)]
        return self.file(HEADER + "".join(rows))

    # -- Steps ---------------------------------------------------------------------------------------------------------

    def give_key(self, key: str | None = None) -> None:
        """Types a key and keeps it."""
        self.browser.type("#key", key or self.stack["api_key"])
        self.browser.press("Use this key")

    def send(self, file: Path, words: str = "Send") -> None:
        """Chooses a file and sends it."""
        self.browser.type("#file", str(file))
        self.browser.press(words)

    def outcome(self, text: str) -> str:
        """Waits for an outcome whose title has this text. Returns the whole of it."""
        titles = "#view-file:not([hidden]) .verdict h2, #send-outcome .verdict h2, #day-body .verdict h2"
        listed = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        told = lambda: any(text in title for title in self.browser.run(listed, titles))
        self.browser.wait(told, f"the outcome {text!r}")
        return self.browser.text("main")

    # -- What holds in every state -------------------------------------------------------------------------------------

    def sound(self, state: str) -> None:
        """Looks at the present state in each way, and finds nothing that keeps anybody from using it."""
        for look, (width, height), scheme in LOOKS:
            self.browser.size(width, height)
            self.browser.prefer(color_scheme=scheme, reduced_motion="reduce")
            with self.subTest(state=state, look=look):
                self.assertEqual(self._violations(), [], "axe")
                self.assertFalse(self._is_too_wide(), "the page scrolls sideways")
            if PICTURES:
                self.browser.screenshot(Path(PICTURES) / f"{state}-{look}.png")
        self.browser.size(*WINDOW)
        self.browser.prefer(color_scheme="light")

    def _violations(self) -> list:
        if not self.browser.run("return typeof axe === 'object'"):
            self.browser.run(self.axe + "; window.axe = axe;")
        found = self.browser.run_async(
            "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then((r) => done(r.violations), done);"
        )
        return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]

    def _is_too_wide(self) -> bool:
        return self.browser.run("const e = document.documentElement; return e.scrollWidth > e.clientWidth")
