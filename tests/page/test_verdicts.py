"""What a sender states of a file, what is only checked, and what is given back to be mended."""

from .case import HEADER, PageTest


class Checks(PageTest):
    """Check only: a verdict, and nothing kept."""

    def test_a_good_file_would_be_accepted_and_can_then_be_sent(self):
        self.give_key()
        self.send(self.good_file(), "Check only")
        text = self.outcome("It would be accepted: 3 rows")
        self.assertIn("nothing was kept", text)
        self.assertIn("3.30", text)
        self.assertNotIn("files/", self.browser.run("return location.hash"))
        self.sound("check-good")
        self.browser.press("Send it now")
        self.outcome("Completed")

    def test_a_bad_file_shows_more_errors_than_a_refusal_does(self):
        self.give_key()
        self.send(self.bad_file(faults=250), "Check only")
        text = self.outcome("It would be refused: 250 errors")
        self.assertIn("The first 100 of 250 errors", text)
        self.sound("check-bad")
        self.browser.press("Show 100 more")
        self.browser.sees("The first 200 of 250 errors")
        self.browser.press("Show 50 more")
        self.browser.wait(lambda: self.rows() == 250, "all errors")
        self.browser.press("Error report")
        name = self.browser.text("#chosen").removesuffix(".csv")
        self.assertEqual(len(self.browser.downloaded(f"{name}-errors.csv").splitlines()), 251)

    def rows(self) -> int:
        """How many errors are listed."""
        return self.browser.run("return document.querySelectorAll('.errors tbody tr').length")


class Statements(PageTest):
    """Control totals."""

    def state(self, rows: str, totals: str) -> None:
        """Opens the fields and fills them."""
        self.browser.click("summary")
        for field, text in (("#expected-rows", rows), ("#expected-totals", totals)):
            self.browser.run("document.querySelector(arguments[0]).value = ''", field)
            if text:
                self.browser.type(field, text)

    def test_a_statement_that_fits(self):
        self.give_key()
        self.state("3", "eur 3.3")
        self.send(self.good_file())
        self.outcome("Completed")

    def test_a_statement_that_does_not_fit_names_both_numbers(self):
        self.give_key()
        self.state("4", "EUR 3.31")
        self.sound("statement")
        self.send(self.good_file())
        text = self.outcome("Refused: 2 errors")
        for part in ("row_count_mismatch", "total_mismatch", "3.31", "4", "this one with the right figures"):
            self.assertIn(part, text)
        self.sound("mismatch")

    def test_a_large_file_is_held_against_its_statement_too(self):
        self.give_key()
        self.state("1199", "")
        self.send(self.good_file(rows=1200, merchant="m" * 4000))
        self.outcome("Refused: 1 error")
        self.browser.sees("row_count_mismatch")

    def test_a_file_that_is_here_stays_whatever_is_stated_of_it(self):
        self.give_key()
        file = self.good_file()
        self.send(file)
        self.outcome("Completed")
        self.browser.press("Send another file")
        self.state("5", "")
        self.send(file)
        text = self.outcome("What you stated is not what this file has")
        self.assertIn("row_count_mismatch", text)
        self.outcome("Completed before")
        self.sound("misstated")

    def test_figures_that_cannot_be_read_are_told_beside_their_field(self):
        self.give_key()
        for rows, totals, field in (("a dozen", "", "rows"), ("", "EUR 9,30", "totals"), ("", "9.30", "totals")):
            self.browser.run("document.getElementById('statement').open = false")
            self.state(rows, totals)
            self.send(self.good_file())
            self.browser.wait(lambda: self.browser.text(f"#{field}-fault"), f"the fault of {field}")
            self.assertEqual(self.browser.focused(), f"expected-{field}")
        self.sound("statement-malformed")


class Corrections(PageTest):
    """The correctable file."""

    def test_it_is_mended_and_sent_as_it_is(self):
        self.give_key()
        file = self.bad_file(faults=2)
        self.send(file)
        self.assertIn("the other rows would be missing", self.outcome("Refused: 2 errors"))
        self.browser.press("Rejected rows alone")
        rejected = self.browser.downloaded(f"{file.stem}-rejected.csv").decode().splitlines()
        self.assertEqual(len(rejected), 1 + 2)
        self.browser.press("All rows, faults marked")
        marked = self.browser.downloaded(f"{file.stem}-to-correct.csv").decode()
        self.assertEqual(len(marked.splitlines()), 1 + 3)
        self.assertIn("error_record,error_column,error_reason", marked)
        self.browser.press("Send another file")
        self.send(self.file(marked.replace(",1.5,", ",15,")))
        self.assertIn("130", self.outcome("Completed"))

    def test_a_fault_of_the_whole_file_leaves_nothing_to_correct(self):
        self.give_key()
        self.send(self.file(HEADER))
        text = self.outcome("Refused: 1 error")
        self.assertNotIn("All rows, faults marked", text)
        # Who has only the link cannot know before it is tried.
        self.browser.run("location.reload()")
        self.outcome("Refused: 1 error")
        self.browser.press("All rows, faults marked")
        self.outcome("There are no single rows to correct")
        self.sound("nothing-to-correct")

    def test_another_partner_gets_no_rows(self):
        self.give_key()
        self.send(self.bad_file())
        self.outcome("Refused: 3 errors")
        address = self.browser.run("return location.href")
        self.browser.press("Forget key")
        self.browser.go(self.stack["page_url"] + "/")
        self.give_key(self.stack["api_key_2"])
        self.browser.go(address.replace("/prod#", "/prod/#"))
        self.outcome("Refused: 3 errors")
        self.browser.press("All rows, faults marked")
        self.outcome("This key cannot open the file's content")

    def test_an_operator_is_offered_the_error_report_alone(self):
        self.give_key()
        self.send(self.bad_file())
        self.outcome("Refused: 3 errors")
        self.browser.run("sessionStorage.setItem('api-key', arguments[0]); location.reload()", self.stack["operator_key"])
        self.browser.wait(lambda: self.browser.text("#who-name") == "operator", "the operator's key")
        self.outcome("Refused: 3 errors")
        text = self.browser.sees("Error report")
        for words in ("All rows, faults marked", "Rejected rows alone", "the other rows would be missing"):
            self.assertNotIn(words, text)
