"""The history of a file, as the API returns it now and with the wording of older versions."""

from .case import PageTest

FILE_ID = "0" * 32
UPLOADED = [
    ("awaiting_upload", "upload created, bytes: 6648947"),
    ("validating", f"found in the bucket as incoming/globex/{FILE_ID}.csv"),
    ("validated", "every record is valid: 90000"),
]
FAILED = "the workflow gave up: StoreUnavailable"
# One history in the wording of each version of the service.
WORDINGS = (
    {
        "awaiting_upload": "announced to the API, bytes: 6648947",
        "processed": "rows that stand: 88000, overtaken by a later file: 2000",
        "validation_failed": "refused, errors: 3",
    },
    {
        "awaiting_upload": "upload created, bytes: 6648947",
        "processed": "rows in effect: 88000, superseded by a later file: 2000, rows of other files replaced: 0",
        "validation_failed": "rejected, errors: 3",
    },
)


class History(PageTest):
    """Files whose status the API would return so: no test can make the storage fail, or an older version write."""

    def show(self, status: str, entries: list, **members) -> None:
        """Opens the view of a large file with this status and history."""
        at = "2026-01-15T10:00:00.000Z"
        history = [{"status": step, "at": at, "attempt": 1, "message": message} for step, message in entries]
        file = {
            "file_id": FILE_ID,
            "status": status,
            "attempt": 1,
            "row_count": 90000,
            "totals": {"EUR": "99000.00"},
            "superseded_by": [],
            "received_at": at,
            "updated_at": at,
            "error_count": 0,
            "history": history,
        }
        self.browser.open(self.stack["page_url"])
        self.show_file(file | members)

    def icons(self) -> list:
        """The icons of the steps, in order."""
        script = """
            return [...document.querySelectorAll('.timeline use')].map(
                (e) => e.getAttribute('href').slice('#icon-'.length))"""
        return self.browser.execute(script)

    def history(self) -> str:
        """The text of the history."""
        return self.browser.text("[data-part=history]")

    def test_failed_processing(self):
        self.show("processing_failed", [*UPLOADED, ("processing", "processing it"), ("processing_failed", FAILED)])
        text = self.wait_for_outcome("Processing failed")
        contents = ("Contents as read from the file", "90,000 rows")
        for part in (*contents, "No data is lost. The operator has been notified."):
            self.assertIn(part, text)
        for part in ("StoreUnavailable", "bucket", "Compare these"):
            self.assertNotIn(part, text)
        self.assertEqual(self.icons(), ["ok", "ok", "ok", "next", "bad"])
        self.check_accessibility("processing-failed")

    def test_failed_notification(self):
        steps = [(step, f"{step} it") for step in ("processing", "processed", "notifying")]
        self.show("notification_failed", [*UPLOADED, *steps, ("notification_failed", FAILED)])
        text = self.wait_for_outcome("Notification failed")
        self.assertIn("The rows are stored, but the notification was not sent.", text)
        self.assertIn("Contents as read from the file", text)
        self.assertEqual(self.icons(), ["ok", "ok", "ok", "ok", "ok", "next", "bad"])

    def test_failed_validation_is_not_a_rejection(self):
        self.show("validation_failed", [*UPLOADED[:2], ("validation_failed", FAILED)], row_count=None, totals={})
        text = self.wait_for_outcome("Processing failed")
        self.assertIn("This is an error of the service, not of your file.", text)
        self.assertIn("Processing failed", self.history())
        # Neither on the page nor in what a screen reader announces.
        self.assertNotIn("Rejected", text)
        self.assertEqual(self.browser.text("#live"), "Processing failed")
        self.assertEqual(self.icons(), ["ok", "next", "bad"])

    def test_every_wording_of_a_completed_history(self):
        for wording in WORDINGS:
            entries = [
                ("awaiting_upload", wording["awaiting_upload"]),
                *UPLOADED[1:],
                ("processing", "writing rows: 90000"),
                ("processed", wording["processed"]),
                ("notifying", "announcing the outcome"),
                ("completed", "announced"),
            ]
            with self.subTest(wording=wording):
                self.show("completed", entries)
                self.wait_for_outcome("Completed")
                text = self.history()
                expected = ("Upload created, 6.6 MB", "File received", "90,000 valid records", "Notification sent")
                for part in (*expected, "88,000 rows in effect, 2,000 superseded by a later file"):
                    self.assertIn(part, text)
                # The service's own wording, and the place of the file in the bucket.
                for part in ("announce", "stand", "overtaken", "replaced", "incoming", "bytes:"):
                    self.assertNotIn(part, text.lower())
                self.assertEqual(self.icons(), ["ok"] * 7)

    def test_every_wording_of_a_rejection(self):
        for wording in WORDINGS:
            with self.subTest(wording=wording):
                # A rejection of an earlier attempt: its number of errors is in its message alone.
                rejected = ("validation_failed", wording["validation_failed"])
                self.show("validating", [UPLOADED[1], rejected, UPLOADED[1]])
                self.wait_for_outcome("Validating")
                self.assertIn("Rejected", self.history())
                self.assertIn("3 errors", self.history())
                self.assertEqual(self.icons()[:3], ["ok", "bad", "wait"])
