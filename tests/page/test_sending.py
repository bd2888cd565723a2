"""Sending files, small and large, good and bad."""

import hashlib
import json
import urllib.parse

from .case import SAMPLES, PageTest

DROP = """
    const [name, text] = arguments;
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    document.querySelector('footer').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));"""


class SmallFiles(PageTest):
    """Files that go through the API."""

    def test_a_good_file_is_followed_until_it_is_completed(self):
        self.sound("start")
        self.browser.type("#file", str(SAMPLES / "transactions.csv"))
        self.browser.sees("transactions.csv")
        # The key is taken from its field, whether or not its button was pressed.
        self.browser.type("#key", self.stack["api_key"])
        self.browser.press("Send")
        text = self.outcome("Completed")
        for part in ("12 rows", "USD", "101,250.19", "KWD", "7.125", "Announced"):
            self.assertIn(part, text)
        self.assertEqual(self.browser.text("#live"), "Completed: 12 rows")
        self.sound("completed")

        address = self.browser.run("return location.href")
        self.assertIn("#/files/", address)
        self.assertNotIn(self.stack["api_key"], address + self.browser.run("return document.cookie"))
        self.assertEqual(self.browser.run("return localStorage.length"), 0)
        self.assertEqual(self.browser.text("#who-name"), self.stack["partner"])

        self.browser.press("Forget key")
        self.assertEqual(self.browser.run("return sessionStorage.length"), 0)
        self.assertEqual(self.browser.run("return document.getElementById('key').value"), "")

    def test_a_bad_file_shows_each_error_with_its_place_and_remedy(self):
        self.give_key()
        self.send(SAMPLES / "transactions-with-errors.csv")
        self.outcome("Refused: 8 errors")
        rows = self.browser.run(
            "return [...document.querySelectorAll('.errors tbody tr')].map((r) => [...r.children].map((c) => c.innerText.trim()))"
        )
        self.assertEqual(len(rows), 8)
        self.assertEqual(rows[1][:3], ["3", "4", "amount"])
        self.assertIn("JPY allows 0 decimals; the amount has 1", rows[1][3])
        self.assertIn("Write no more decimals", rows[1][4])
        link = self.browser.run("return document.querySelector('.errors a').href")
        self.assertEqual(link, self.stack["page_url"] + "/errors#amount_malformed")
        self.sound("refused")
        self.browser.press("Error report")
        report = self.browser.downloaded("transactions-with-errors-errors.csv").decode().splitlines()
        self.assertEqual(report[0], "record,line,column,column_number,byte,code,reason,fix")
        self.assertEqual(len(report), 1 + 8)

    def test_a_file_can_be_dropped_anywhere(self):
        self.give_key()
        self.browser.run(DROP, "dropped.csv", self.good_file().read_text())
        self.browser.sees("dropped.csv")
        self.browser.press("Send")
        self.outcome("Completed")

    def test_a_hundred_errors_are_listed_and_the_true_total_is_told(self):
        self.give_key()
        self.send(self.bad_file(faults=250))
        text = self.outcome("Refused: 250 errors")
        self.assertIn("The first 100 of 250 errors", text)
        self.assertIn("The error report has the others.", text)

    def test_what_a_file_says_stays_text(self):
        name = "<img src=x onerror=alert(1)>.csv"
        self.give_key()
        self.send(self.file("transaction_id,<b>amount</b>\n<i>1</i>,2\n", name))
        text = self.outcome("Refused")
        self.assertIn(name, text)
        self.assertEqual(self.browser.run("return document.querySelectorAll('main img, main b, main i').length"), 0)

    def test_a_file_that_comes_again_is_told_so_and_done_once(self):
        self.give_key()
        file = self.good_file()
        self.send(file)
        self.outcome("Completed")
        self.browser.press("Send another file")
        self.send(file)
        self.assertIn("nothing was done a second time", self.outcome("Completed before"))
        self.sound("duplicate")

    def test_a_file_whose_rows_a_later_one_replaced_can_be_made_to_win(self):
        self.give_key()
        first, later = self.good_file(prefix="W"), self.good_file(prefix="W", merchant="Elsewhere")
        for file in (first, later):
            self.send(file)
            self.outcome("Completed")
            self.browser.press("Send another file")
        self.send(first)
        self.assertIn("1 later file brought rows", self.outcome("Completed before"))
        self.sound("superseded")
        self.browser.press("Process it again, so that its rows win")
        self.browser.sees("Attempt 2")
        text = self.outcome("Completed")
        self.assertIn("3 rows are checked, stored and announced.", text)

    def test_a_link_shows_the_file_to_whoever_has_it(self):
        self.give_key()
        self.send(self.bad_file())
        self.outcome("Refused: 3 errors")
        address = self.browser.run("return location.href")
        other = self.open_browser()
        # Without the key and without the answer: the errors come from the report, which lies at the other origin.
        other.go(address)
        self.assertIn("JPY allows 0 decimals", other.sees("amount_too_many_decimals"))
        other.go(address.replace("?token=", "?token=0"))
        other.run("location.reload()")
        self.assertIn("It must have come whole", other.sees("There is no such file"))
        self.assertEqual(other.complaints(), [])


class LargeFiles(PageTest):
    """Files that go straight to the bucket, which is another origin."""

    MERCHANT = "m" * 4000

    def bucket_requests(self) -> list:
        entries = self.browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
        return [entry for entry in entries if entry.startswith(self.stack["endpoint"])]

    def test_a_large_file_goes_to_the_storage_by_itself(self):
        self.assertNotEqual(self.stack["page_url"].split("/_aws")[0], self.stack["endpoint"], "two origins")
        self.give_key()
        self.browser.type("#file", str(self.good_file(rows=1200, merchant=self.MERCHANT)))
        self.browser.sees("goes straight to the storage")
        self.assertTrue(self.browser.run("return document.getElementById('check').disabled"))
        self.sound("large-chosen")
        # So slow that the progress can be looked at.
        self.browser.network(bytes_a_second=1_500_000)
        self.browser.press("Send")
        self.browser.sees(" % of 4.9 MB")
        self.sound("sending")
        self.browser.network()
        text = self.outcome("Completed")
        self.assertIn("1,200 rows", text)
        self.assertIn("1,320.00", text)
        self.assertIn("Upload created, 4.9 MB", text)
        self.assertIn("The file has arrived", text)
        for part in ("bucket", "incoming", "overtaken", "superseded"):
            self.assertNotIn(part, text)
        # On whose clock a step happened.
        self.assertRegex(text, r"Completed \d\d:\d\d:\d\d [A-Z]{3,4}")
        self.sound("large-completed")
        self.assertEqual(len(self.bucket_requests()), 1)

    def test_the_errors_of_a_large_file_come_from_its_report(self):
        self.give_key()
        self.send(self.good_file(rows=1200, merchant=self.MERCHANT, status="perhaps"))
        text = self.outcome("Refused: 1,200 errors")
        self.browser.sees("The first 100 of 1,200 errors")
        self.assertIn("status_unknown", self.browser.text("main"))
        self.assertIn("incoming", json.dumps(self.bucket_requests()), text)

    def test_an_upload_can_be_cancelled(self):
        self.give_key()
        self.browser.network(bytes_a_second=200_000)
        self.send(self.good_file(rows=1200, merchant=self.MERCHANT))
        self.browser.sees(" % of ")
        self.browser.press("Cancel")
        self.outcome("Cancelled")
        self.sound("cancelled")

    def test_the_digest_is_sha_256(self):
        source = (SAMPLES.parent.parent / "page" / "sha256.js").read_text()
        script = source + """
            const [done, bytes] = [arguments[1], new Uint8Array(arguments[0]).map((_, i) => i * 7 + (i >> 8))];
            sha256OfFile(new Blob([bytes])).then(done, (e) => done(String(e)));"""
        # Around the ends of blocks, and of the pieces that a file is read in.
        for length in (0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 4_194_303, 4_194_304, 4_194_305):
            content = bytes((i * 7 + (i >> 8)) & 255 for i in range(length))
            self.assertEqual(self.browser.run_async(script, length), hashlib.sha256(content).hexdigest(), length)

    def test_the_bucket_answers_the_origins_of_the_page_alone(self):
        # Another name of this machine: the page opens there too, but nobody has allowed it to use the bucket.
        address = urllib.parse.urlsplit(self.stack["page_url"])
        self.browser.go(address._replace(netloc=f"elsewhere.localhost:{address.port}").geturl())
        self.give_key()
        self.expected_complaints = ("has been blocked by CORS policy", "net::ERR_FAILED")
        self.send(self.good_file(rows=1200, merchant=self.MERCHANT))
        self.assertIn(urllib.parse.urlsplit(self.stack["endpoint"]).netloc, self.outcome("The storage could not be reached"))
        self.sound("storage-unreachable")
