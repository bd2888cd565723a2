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
        # It shows yesterday, which is what one asks for in the morning.
        self.browser.sees("Received")
        self.browser.press("Day after")
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
        self.send(self.good_file())
        self.outcome("An operator's key does not open files")

    def test_no_day(self):
        self.give_key()
        self.browser.press("A day")
        self.browser.sees("Received")
        self.browser.run("document.getElementById('day').value = ''")
        self.browser.press("Show")
        self.browser.sees("This is no day")
        self.assertEqual(self.browser.focused(), "day")
