"""The view of a day."""

import datetime
import secrets

from .case import PageTest


def today() -> str:
    """The present day in UTC, as the service counts days."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


class Days(PageTest):
    """The files of a day, for partners and operators."""

    def open_today(self, key: str) -> None:
        """Opens the view of today with a key."""
        self.browser.press("Files by day")
        if key == self.stack["operator_key"]:
            self.check_accessibility("day-without-key")
        self.enter_key(key)
        self.browser.wait_for_text("Received")
        if key == self.stack["operator_key"]:
            # An operator sees the day that is over first.
            self.assertNotIn(today(), self.browser.text("#day-title"))
            self.browser.press("Today")
        self.browser.wait_until(lambda: today() in self.browser.text("#day-title"), "today")
        self.browser.wait_for_text("Received")

    def test_partner_sees_only_its_own_files_and_opens_them(self):
        self.enter_key()
        self.upload(self.valid_file(prefix=f"D-{secrets.token_hex(3)}"))
        self.wait_for_outcome("Completed")
        self.browser.press("Forget key")
        self.open_today(self.stack["api_key"])
        text = self.browser.wait_for_text("Files in order of arrival")
        self.assertIn(self.stack["partner"], text)
        self.assertNotIn("silent-bank", text)
        # The last file is the newest.
        self.browser.click("#day-body section tbody tr:last-child a")
        self.wait_for_outcome("Completed")

    def test_operator_sees_missing_files(self):
        self.open_today(self.stack["operator_key"])
        text = self.wait_for_outcome("not received yet")
        # A word and an icon say so, not color alone.
        self.assertIn("3 of 3 missing", text)
        self.assertTrue(self.browser.execute("return document.querySelector('.flag.bad svg') !== null"))
        self.check_accessibility("day-of-all")
        self.browser.press("silent-bank")
        title = lambda: self.browser.text("#day-title")
        self.browser.wait_until(lambda: "silent-bank: files on" in title(), "the day of one partner")
        self.browser.wait_for_text("Files in order of arrival")
        self.check_accessibility("day-of-one")

    def test_operator_cannot_upload(self):
        self.enter_key(self.stack["operator_key"])
        # The note is shown before a file is chosen.
        note = "This is an operator's key. It only shows files by day. To upload, use a partner's key."
        self.browser.wait_for_text(note)
        self.check_accessibility("operator-uploads")
        self.upload(self.valid_file())
        self.assertNotIn("Try again", self.wait_for_outcome("Operators cannot upload or open files"))
        self.browser.press("Forget key")
        self.browser.wait_until(lambda: "operator's key. It" not in self.browser.text("main"), "the note is hidden")

    def test_day_with_rejected_or_failed_files_is_not_ok(self):
        counts = ("missing", "failed", "in_progress", "awaiting_upload", "upload_expired", "rows_superseded")
        partner = dict.fromkeys(counts, 0)
        partner |= {"partner": "quiet", "expected": 0, "received": 4, "completed": 2, "rejected": 2, "rows": 6}
        partner["totals"] = {}
        self.enter_key()
        self.show_today([partner])
        text = self.wait_for_outcome("4 files received")
        self.assertIn("2 files were rejected.", text)
        self.assertIn("None expected", text)
        self.assertEqual(self.banner_class(), "banner note")
        self.assertEqual(self.bad_flags(), 1)
        self.check_accessibility("day-with-rejections")
        self.show_today([partner | {"completed": 1, "failed": 1}])
        text = self.wait_for_outcome("1 file failed")
        self.assertIn("4 files received.", text)
        self.assertEqual(self.banner_class(), "banner bad")
        self.assertEqual(self.bad_flags(), 2)

    def test_invalid_schedules_are_reported(self):
        self.enter_key()
        self.show_today([], schedule_errors=["a schedule that cannot be read"])
        text = self.wait_for_outcome("No files received")
        self.assertIn("Some schedules in the parameter PartnerSchedules are invalid.", text)

    def show_today(self, partners: list, **members) -> None:
        """Shows today as if the API had returned these partners."""
        body = {"day": today(), "partners": partners, "files": None, "files_truncated": False, **members}
        self.browser.execute("const body = arguments[0]; window.fetch = async () => Response.json(body);", body)
        self.browser.press("Files by day")
        self.browser.press("Today")

    def banner_class(self) -> str:
        """The class of the day's banner, which names its tone."""
        return self.browser.execute("return document.querySelector('#day-body .banner').className")

    def bad_flags(self) -> int:
        """The number of counts that are marked as bad."""
        return self.browser.execute("return document.querySelectorAll('#day-body .flag.bad').length")

    def test_invalid_date_is_reported_at_its_field(self):
        self.enter_key()
        self.browser.press("Files by day")
        self.browser.wait_for_text("Received")
        self.browser.execute("document.getElementById('day').value = ''")
        self.browser.press("Show")
        self.browser.wait_for_text("Invalid date")
        self.assertEqual(self.browser.focused(), "day")
