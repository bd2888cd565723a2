"""Validation without an upload, control totals, and the correction of rejected files."""

from .case import HEADER, LARGE_FILE, PageTest


class DryRuns(PageTest):
    """Validate only: the result, and nothing stored."""

    def test_valid_file_can_be_uploaded_afterwards(self):
        self.enter_key()
        self.upload(self.valid_file(), "Validate only")
        text = self.wait_for_outcome("Valid: 3 rows")
        self.assertIn("Nothing was stored", text)
        self.assertIn("3.30", text)
        self.assertNotIn("files/", self.browser.execute("return location.hash"))
        self.check_accessibility("dry-run-valid")
        self.browser.press("Upload now")
        self.wait_for_outcome("Completed")

    def test_invalid_file_shows_more_errors_than_a_rejection(self):
        self.enter_key()
        self.upload(self.invalid_file(errors=250), "Validate only")
        text = self.wait_for_outcome("Invalid: 250 errors")
        self.assertIn("First 100 of 250 errors", text)
        self.check_accessibility("dry-run-invalid")
        self.browser.press("Show 100 more")
        self.browser.wait_for_text("First 200 of 250 errors")
        self.browser.press("Show 50 more")
        self.browser.wait_until(lambda: self.listed_errors() == 250, "all errors")
        self.browser.press("Error report")
        name = self.browser.text("#chosen").removesuffix(".csv")
        self.assertEqual(len(self.browser.take_download(f"{name}-errors.csv").splitlines()), 251)

    def listed_errors(self) -> int:
        """The number of errors in the table."""
        return self.browser.execute("return document.querySelectorAll('.errors tbody tr').length")


class ControlTotals(PageTest):
    """Expected rows and totals."""

    def enter_control_totals(self, rows: str, totals: str) -> None:
        """Opens the fields and fills them."""
        self.browser.click("summary")
        for field, text in (("#expected-rows", rows), ("#expected-totals", totals)):
            self.browser.execute("document.querySelector(arguments[0]).value = ''", field)
            if text:
                self.browser.type(field, text)

    def test_matching_file_is_accepted(self):
        self.enter_key()
        self.enter_control_totals("3", "eur 3.3")
        self.upload(self.valid_file())
        self.wait_for_outcome("Completed")

    def test_rejection_names_both_numbers(self):
        self.enter_key()
        self.enter_control_totals("4", "EUR 3.31")
        self.check_accessibility("control-totals")
        self.upload(self.valid_file())
        text = self.wait_for_outcome("Rejected: 2 errors")
        for part in ("row_count_mismatch", "total_mismatch", "3.31", "4", "this file with the right control totals"):
            self.assertIn(part, text)
        self.check_accessibility("control-totals-mismatch")

    def test_large_file_is_compared_too(self):
        self.enter_key()
        self.enter_control_totals("1199", "")
        self.upload(self.valid_file(**LARGE_FILE))
        self.wait_for_outcome("Rejected: 1 error")
        self.browser.wait_for_text("row_count_mismatch")

    def test_accepted_file_keeps_its_status(self):
        self.enter_key()
        file = self.valid_file()
        self.upload(file)
        self.wait_for_outcome("Completed")
        self.browser.press("Upload another file")
        self.enter_control_totals("5", "")
        self.upload(file)
        text = self.wait_for_outcome("The file does not match your control totals")
        self.assertIn("row_count_mismatch", text)
        self.wait_for_outcome("Already completed")
        self.check_accessibility("control-totals-of-accepted-file")

    def test_malformed_control_totals_are_reported_at_their_field(self):
        self.enter_key()
        for rows, totals, field in (("a dozen", "", "rows"), ("", "EUR 9,30", "totals"), ("", "9.30", "totals")):
            self.browser.execute("document.getElementById('control-totals').open = false")
            self.enter_control_totals(rows, totals)
            self.upload(self.valid_file())
            self.browser.wait_until(lambda: self.browser.text(f"#{field}-error"), f"the error of {field}")
            self.assertEqual(self.browser.focused(), f"expected-{field}")
        self.check_accessibility("control-totals-malformed")


class Corrections(PageTest):
    """The correctable file."""

    def test_correctable_file_can_be_corrected_and_uploaded(self):
        self.enter_key()
        file = self.invalid_file(errors=2)
        self.upload(file)
        self.assertIn("the other rows would be missing", self.wait_for_outcome("Rejected: 2 errors"))
        self.browser.press("Rejected rows only")
        rejected = self.browser.take_download(f"{file.stem}-rejected.csv").decode().splitlines()
        self.assertEqual(len(rejected), 1 + 2)
        self.browser.press("All rows, errors marked")
        marked = self.browser.take_download(f"{file.stem}-to-correct.csv").decode()
        self.assertEqual(len(marked.splitlines()), 1 + 3)
        self.assertIn("error_record,error_column,error_reason", marked)
        self.browser.press("Upload another file")
        self.upload(self.file(marked.replace(",1.5,", ",15,")))
        self.assertIn("130", self.wait_for_outcome("Completed"))

    def test_error_of_the_whole_file_leaves_no_rows_to_correct(self):
        self.enter_key()
        self.upload(self.file(HEADER))
        text = self.wait_for_outcome("Rejected: 1 error")
        self.assertNotIn("All rows, errors marked", text)
        # After a reload the page has no list of all errors, so it offers the rows.
        self.browser.execute("location.reload()")
        self.wait_for_outcome("Rejected: 1 error")
        self.browser.press("All rows, errors marked")
        self.wait_for_outcome("No rows to correct")
        self.check_accessibility("nothing-to-correct")

    def test_another_partner_cannot_download_rows(self):
        self.enter_key()
        self.upload(self.invalid_file())
        self.wait_for_outcome("Rejected: 3 errors")
        address = self.browser.execute("return location.href")
        self.browser.press("Forget key")
        self.browser.open(self.stack["page_url"] + "/")
        self.enter_key(self.stack["api_key_2"])
        self.browser.open(address.replace("/prod#", "/prod/#"))
        self.wait_for_outcome("Rejected: 3 errors")
        self.browser.press("All rows, errors marked")
        self.wait_for_outcome("No access to the rows of this file")

    def test_operator_can_only_download_the_error_report(self):
        self.enter_key()
        self.upload(self.invalid_file())
        self.wait_for_outcome("Rejected: 3 errors")
        script = "sessionStorage.setItem('api-key', arguments[0]); location.reload()"
        self.browser.execute(script, self.stack["operator_key"])
        self.browser.wait_until(lambda: self.browser.text("#key-name") == "operator", "the operator's key")
        self.wait_for_outcome("Rejected: 3 errors")
        text = self.browser.wait_for_text("Error report")
        for label in ("All rows, errors marked", "Rejected rows only", "the other rows would be missing"):
            self.assertNotIn(label, text)
