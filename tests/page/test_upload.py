"""Uploads of small and large, valid and invalid files."""

import hashlib
import json
import urllib.parse

from .case import LARGE_FILE, SAMPLES, PageTest

DROP = """
    const [name, text] = arguments;
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector('footer').dispatchEvent(event);"""


class SmallFiles(PageTest):
    """Files that are uploaded through the API."""

    def test_valid_file_is_followed_until_it_is_completed(self):
        self.check_accessibility("start")
        self.browser.type("#file", str(SAMPLES / "transactions.csv"))
        self.browser.wait_for_text("transactions.csv")
        # The key in the field is used, whether or not its button was pressed.
        self.browser.type("#key", self.stack["api_key"])
        self.browser.press("Upload")
        text = self.wait_for_outcome("Completed")
        for part in ("12 rows", "USD", "101,250.19", "KWD", "7.125", "Notification sent"):
            self.assertIn(part, text)
        self.assertEqual(self.browser.text("#live"), "Completed: 12 rows")
        self.check_accessibility("completed")

        address = self.browser.execute("return location.href")
        self.assertIn("#/files/", address)
        self.assertNotIn(self.stack["api_key"], address + self.browser.execute("return document.cookie"))
        self.assertEqual(self.browser.execute("return localStorage.length"), 0)
        self.assertEqual(self.browser.text("#key-name"), self.stack["partner"])

        self.browser.press("Forget key")
        self.assertEqual(self.browser.execute("return sessionStorage.length"), 0)
        self.assertEqual(self.browser.execute("return document.getElementById('key').value"), "")

    def test_rejected_file_shows_each_error_and_its_fix(self):
        self.enter_key()
        self.upload(SAMPLES / "transactions-with-errors.csv")
        self.wait_for_outcome("Rejected: 8 errors")
        script = """
            return [...document.querySelectorAll('.errors tbody tr')].map(
                (row) => [...row.children].map((cell) => cell.innerText.trim()))"""
        rows = self.browser.execute(script)
        self.assertEqual(len(rows), 8)
        self.assertEqual(rows[1][:3], ["3", "4", "amount"])
        self.assertIn("JPY allows 0 decimals; the amount has 1", rows[1][3])
        self.assertIn("Write no more decimals", rows[1][4])
        link = self.browser.execute("return document.querySelector('.errors a').href")
        self.assertEqual(link, self.stack["page_url"] + "/errors#amount_malformed")
        self.check_accessibility("rejected")
        self.browser.press("Error report")
        report = self.browser.take_download("transactions-with-errors-errors.csv").decode().splitlines()
        self.assertEqual(report[0], "record,line,column,column_number,byte,code,reason,fix")
        self.assertEqual(len(report), 1 + 8)

    def test_file_can_be_dropped_anywhere(self):
        self.enter_key()
        self.browser.execute(DROP, "dropped.csv", self.valid_file().read_text())
        self.browser.wait_for_text("dropped.csv")
        self.browser.press("Upload")
        self.wait_for_outcome("Completed")

    def test_lists_100_errors_and_the_total(self):
        self.enter_key()
        self.upload(self.invalid_file(errors=250))
        text = self.wait_for_outcome("Rejected: 250 errors")
        self.assertIn("First 100 of 250 errors", text)
        self.assertIn("For the other errors, download the error report.", text)

    def test_file_content_is_shown_as_text(self):
        name = "<img src=x onerror=alert(1)>.csv"
        self.enter_key()
        self.upload(self.file("transaction_id,<b>amount</b>\n<i>1</i>,2\n", name))
        text = self.wait_for_outcome("Rejected")
        self.assertIn(name, text)
        elements = self.browser.execute("return document.querySelectorAll('main img, main b, main i').length")
        self.assertEqual(elements, 0)

    def test_repeated_upload_is_reported_and_not_processed(self):
        self.enter_key()
        file = self.valid_file()
        self.upload(file)
        self.wait_for_outcome("Completed")
        self.browser.press("Upload another file")
        self.upload(file)
        self.assertIn("It was not processed again", self.wait_for_outcome("Already completed"))
        self.check_accessibility("duplicate")

    def test_superseded_file_can_be_reprocessed(self):
        self.enter_key()
        first, later = self.valid_file(prefix="W"), self.valid_file(prefix="W", merchant="Elsewhere")
        for file in (first, later):
            self.upload(file)
            self.wait_for_outcome("Completed")
            self.browser.press("Upload another file")
        self.upload(first)
        self.assertIn("1 later file contains rows", self.wait_for_outcome("Already completed"))
        self.check_accessibility("superseded")
        self.browser.press("Reprocess so that its rows take effect")
        self.browser.wait_for_text("Attempt 2")
        text = self.wait_for_outcome("Completed")
        self.assertIn("3 rows were validated and stored. The notification was sent.", text)

    def test_link_shows_the_file_without_a_key(self):
        self.enter_key()
        self.upload(self.invalid_file())
        self.wait_for_outcome("Rejected: 3 errors")
        address = self.browser.execute("return location.href")
        other = self.open_browser()
        # Another browser has no response to the upload: the errors come from the report in the bucket.
        other.open(address)
        self.assertIn("JPY allows 0 decimals", other.wait_for_text("amount_too_many_decimals"))
        other.open(address.replace("?token=", "?token=0"))
        other.execute("location.reload()")
        self.assertIn("It must be complete", other.wait_for_text("File not found"))
        self.assertEqual(other.console_errors(), [])


class LargeFiles(PageTest):
    """Files that are uploaded to the bucket, which is another origin."""

    def bucket_requests(self) -> list:
        """The URLs that the page requested from the bucket."""
        urls = self.browser.execute("return performance.getEntriesByType('resource').map((e) => e.name)")
        return [url for url in urls if url.startswith(self.stack["endpoint"])]

    def test_large_file_is_uploaded_to_the_bucket(self):
        self.assertNotEqual(self.stack["page_url"].split("/_aws")[0], self.stack["endpoint"], "two origins")
        self.enter_key()
        self.browser.type("#file", str(self.valid_file(**LARGE_FILE)))
        self.browser.wait_for_text("uploaded directly to the storage")
        self.assertTrue(self.browser.execute("return document.getElementById('dry-run').disabled"))
        self.check_accessibility("large-chosen")
        # Slow enough to see the progress.
        self.browser.emulate_network(bytes_per_second=1_500_000)
        self.browser.press("Upload")
        self.browser.wait_for_text("% of 4.9 MB")
        self.check_accessibility("uploading")
        self.browser.emulate_network()
        text = self.wait_for_outcome("Completed")
        self.assertIn("1,200 rows", text)
        self.assertIn("1,320.00", text)
        self.assertIn("Upload created, 4.9 MB", text)
        self.assertIn("File received", text)
        for part in ("bucket", "incoming", "overtaken", "superseded"):
            self.assertNotIn(part, text)
        # Times name their zone.
        self.assertRegex(text, r"Completed \d\d:\d\d:\d\d [A-Z]{3,4}")
        self.check_accessibility("large-completed")
        self.assertEqual(len(self.bucket_requests()), 1)

    def test_errors_of_a_large_file_come_from_its_report(self):
        self.enter_key()
        self.upload(self.valid_file(**LARGE_FILE, status="perhaps"))
        text = self.wait_for_outcome("Rejected: 1,200 errors")
        self.browser.wait_for_text("First 100 of 1,200 errors")
        self.assertIn("status_unknown", self.browser.text("main"))
        self.assertIn("incoming", json.dumps(self.bucket_requests()), text)

    def test_upload_can_be_canceled(self):
        self.enter_key()
        self.browser.emulate_network(bytes_per_second=200_000)
        self.upload(self.valid_file(**LARGE_FILE))
        self.browser.wait_for_text("% of ")
        self.browser.press("Cancel")
        self.wait_for_outcome("Canceled")
        self.check_accessibility("canceled")

    def test_digest_is_sha_256(self):
        source = (SAMPLES.parent.parent / "page" / "sha256.js").read_text()
        script = source + """
            const [done, bytes] = [arguments[1], new Uint8Array(arguments[0]).map((_, i) => i * 7 + (i >> 8))];
            sha256OfFile(new Blob([bytes])).then(done, (e) => done(String(e)));"""
        # Around the boundaries of blocks and of the chunks that a file is read in.
        for length in (0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 4_194_303, 4_194_304, 4_194_305):
            content = bytes((i * 7 + (i >> 8)) & 255 for i in range(length))
            self.assertEqual(self.browser.execute_async(script, length), hashlib.sha256(content).hexdigest(), length)

    def test_bucket_allows_only_the_origins_of_the_page(self):
        # The page opens under another name of this machine, which the bucket's CORS rule does not allow.
        address = urllib.parse.urlsplit(self.stack["page_url"])
        self.browser.open(address._replace(netloc=f"elsewhere.localhost:{address.port}").geturl())
        self.enter_key()
        self.expected_console_errors = ("has been blocked by CORS policy", "net::ERR_FAILED")
        self.upload(self.valid_file(**LARGE_FILE))
        host = urllib.parse.urlsplit(self.stack["endpoint"]).netloc
        self.assertIn(host, self.wait_for_outcome("Storage unreachable"))
        self.check_accessibility("storage-unreachable")
