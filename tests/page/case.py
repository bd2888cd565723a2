"""The base class of the page's tests: a browser, the stack, and the accessibility checks of every state."""

import json
import os
import secrets
import tempfile
import unittest
from pathlib import Path

from tools import paths, venvs

from .browser import DESKTOP, PHONE, Driver

HEADER = "transaction_id,amount,currency,timestamp,merchant,status\n"
SAMPLES = paths.SAMPLES
# If set, the directory where a picture of each state is saved.
PICTURES = os.environ.get("PAGE_PICTURES")
# Each state is checked in these variants: name, size of the viewport, color scheme.
VARIANTS = (("light", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light"))
# The merchant of a file that is too large for the API, with 1,200 rows.
LARGE_FILE = {"rows": 1200, "merchant": "m" * 4000}


def stack() -> dict:
    """The stack of the tests."""
    return next(iter(json.loads(Path(os.environ["ACCEPTANCE_STACKS"]).read_text())["stacks"].values()))


def axe() -> str:
    """The accessibility rules of axe-core. They come from PyPI (MPL 2.0) and are not in this repository."""
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
        self.browser.open(self.stack["page_url"])
        self.expected_console_errors = ()

    def tearDown(self):
        unexpected = [
            message
            for message in self.browser.console_errors()
            if not any(part in message for part in self.expected_console_errors)
        ]
        self.assertEqual(unexpected, [], "errors on the browser's console")

    def open_browser(self, **options):
        """Opens a browser that is closed at the end of the test."""
        browser = self.driver.open_browser(**options)
        self.addCleanup(browser.close)
        return browser

    # -- Files ---------------------------------------------------------------------------------------------------------

    def file(self, text: str, name: str | None = None) -> Path:
        """A file with this text."""
        path = Path(self.directory.name) / (name or f"{secrets.token_hex(4)}.csv")
        path.write_text(text)
        return path

    def valid_file(self, rows=3, merchant="Café Olé", prefix: str | None = None, status="completed") -> Path:
        """A new file whose records are valid, unless its status is not."""
        prefix = prefix or f"P-{secrets.token_hex(4)}"
        line = "{}-{},1.10,EUR,2026-01-15T10:00:00Z,{},{}\n"
        return self.file(HEADER + "".join(line.format(prefix, row, merchant, status) for row in range(rows)))

    def invalid_file(self, errors: int = 3, prefix: str | None = None) -> Path:
        """A new file with one valid row, and a row with too many decimals for each error."""
        prefix = prefix or f"B-{secrets.token_hex(4)}"
        line = "{}-{},{},JPY,2026-01-15T10:00:00Z,Shop,completed\n"
        rows = [line.format(prefix, row, "1.5" if row else "100") for row in range(errors + 1)]
        return self.file(HEADER + "".join(rows))

    # -- Steps ---------------------------------------------------------------------------------------------------------

    def enter_key(self, key: str | None = None) -> None:
        """Enters an API key and saves it."""
        self.browser.type("#key", key or self.stack["api_key"])
        self.browser.press("Use this key")

    def upload(self, file: Path, label: str = "Upload") -> None:
        """Chooses a file and presses a button of the form."""
        self.browser.type("#file", str(file))
        self.browser.press(label)

    def show_file(self, file: dict) -> None:
        """Opens the view of a file as if the API had returned this status."""
        self.browser.execute("const file = arguments[0]; window.fetch = async () => Response.json(file);", file)
        self.browser.execute("location.hash = `#/files/${arguments[0]}?token=0`", file["file_id"])

    def wait_for_outcome(self, text: str) -> str:
        """Waits for an outcome whose title contains this text. Returns the text of the view."""
        titles = "#view-file:not([hidden]) .banner h2, #upload-outcome .banner h2, #day-body .banner h2"
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        is_shown = lambda: any(text in title for title in self.browser.execute(script, titles))
        self.browser.wait_until(is_shown, f"the outcome {text!r}")
        return self.browser.text("main")

    # -- Checks of every state -----------------------------------------------------------------------------------------

    def check_accessibility(self, state: str) -> None:
        """Checks the present state in each variant: axe-core's rules, and no horizontal scrolling."""
        for name, (width, height), scheme in VARIANTS:
            self.browser.resize(width, height)
            self.browser.emulate_preferences(color_scheme=scheme, reduced_motion="reduce")
            with self.subTest(state=state, variant=name):
                self.assertEqual(self._violations(), [], "axe")
                self.assertFalse(self._is_too_wide(), "the page scrolls horizontally")
            if PICTURES:
                self.browser.screenshot(Path(PICTURES) / f"{state}-{name}.png")
        self.browser.resize(*DESKTOP)
        self.browser.emulate_preferences(color_scheme="light")

    def _violations(self) -> list:
        if not self.browser.execute("return typeof axe === 'object'"):
            self.browser.execute(self.axe + "; window.axe = axe;")
        found = self.browser.execute_async(
            "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then((r) => done(r.violations), done);"
        )
        return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]

    def _is_too_wide(self) -> bool:
        return self.browser.execute("const e = document.documentElement; return e.scrollWidth > e.clientWidth")
