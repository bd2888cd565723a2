"""The view of a day."""

import datetime
import secrets

from .case import PageTest


def today() -> str:
    """The day in UTC, which the service counts in."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


class Days(PageTest):
    """What came on a day, for partners and operators."""

    def open_day(self, key: str) -> None:
        """Asks for today with a key."""
        self.browser.press("A day")
        self.sound("day-without-key") if key == self.stack["operator_key"] else None
        self.give_key(key)
        self.browser.sees("Received")
        if key == self.stack["operator_key"]:
            # An operator asks in the morning what came on the day that is over.
            self.assertNotIn(today(), self.browser.text("#day-title"))
            self.browser.press("Today")
        self.browser.wait(lambda: today() in self.browser.text("#day-title"), "today")
        self.browser.sees("Received")

    def test_a_partner_sees_its_own_files_and_opens_them(self):
        self.give_key()
        self.send(self.good_file(prefix=f"D-{secrets.token_hex(3)}"))
        self.outcome("Completed")
        self.browser.press("Forget key")
        self.open_day(self.stack["api_key"])
        text = self.browser.sees("The files, by arrival")
        self.assertIn(self.stack["partner"], text)
        self.assertNotIn("silent-bank", text)
        self.browser.click("#day-body section tbody tr a")
        self.outcome("Completed")

    def test_an_operator_sees_who_sent_nothing(self):
        self.open_day(self.stack["operator_key"])
        text = self.outcome("have not come yet")
        # By a word and a sign, and not by colour alone.
        self.assertIn("3 of 3 missing", text)
        self.assertTrue(self.browser.run("return document.querySelector('.flag.bad svg') !== null"))
        self.sound("day-of-all")
        self.browser.press("silent-bank")
        self.browser.wait(lambda: "silent-bank on" in self.browser.text("#day-title"), "the day of one partner")
        self.browser.sees("The files, by arrival")
        self.sound("day-of-one")

    def test_an_operator_sends_no_file(self):
        self.give_key(self.stack["operator_key"])
        # Before anything is chosen.
        self.browser.sees("This is an operator's key. It shows days; to send, use a partner's key.")
        self.sound("operator-sends")
        self.send(self.good_file())
        self.assertNotIn("Try again", self.outcome("An operator's key sends no files and does not open them"))
        self.browser.press("Forget key")
        self.browser.wait(lambda: "operator's key. It" not in self.browser.text("main"), "the note's end")

    def test_a_day_with_trouble_is_not_a_good_day(self):
        partner = dict.fromkeys(("missing", "failed", "in_progress", "awaiting_upload", "upload_expired", "rows_superseded"), 0)
        partner |= {"partner": "quiet", "expected": 0, "received": 4, "completed": 2, "refused": 2, "rows": 6, "totals": {}}
        self.give_key()
        self.show_day([partner])
        text = self.outcome("4 files came")
        self.assertIn("2 files were refused.", text)
        self.assertIn("none on this day", text)
        self.assertEqual(self.verdict(), "verdict note")
        self.assertEqual(self.browser.run("return document.querySelectorAll('#day-body .flag.bad').length"), 1)
        self.sound("day-with-refusals")
        self.show_day([partner | {"completed": 1, "failed": 1}])
        text = self.outcome("1 file could not be processed")
        self.assertIn("4 files came.", text)
        self.assertEqual(self.verdict(), "verdict bad")
        self.assertEqual(self.browser.run("return document.querySelectorAll('#day-body .flag.bad').length"), 2)

    def show_day(self, partners: list) -> None:
        """Shows today as if these had sent so."""
        body = {"day": today(), "partners": partners, "files": None, "files_truncated": False}
        self.browser.run("const body = arguments[0]; window.fetch = async () => Response.json(body);", body)
        self.browser.press("A day")
        self.browser.press("Today")

    def verdict(self) -> str:
        """The tone of the day."""
        return self.browser.run("return document.querySelector('#day-body .verdict').className")

    def test_no_day(self):
        self.give_key()
        self.browser.press("A day")
        self.browser.sees("Received")
        self.browser.run("document.getElementById('day').value = ''")
        self.browser.press("Show")
        self.browser.sees("This is no day")
        self.assertEqual(self.browser.focused(), "day")
