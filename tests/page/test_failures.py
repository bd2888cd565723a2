"""What goes wrong: always a sentence with a next step."""

import json
import secrets
import urllib.request

import boto3
from operations.partner import add_key

from .case import PageTest

FORGE_A_DIGEST = """
    const set = XMLHttpRequest.prototype.setRequestHeader;
    XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
      set.call(this, name, name.startsWith('x-amz-checksum') ? value.split('').reverse().join('') : value);
    };"""
ANSWER_503 = "window.fetch = async () => new Response('{}', { status: 503 });"


class Failures(PageTest):
    """Each failure that a person can meet."""

    def test_without_a_key_it_is_asked_for(self):
        self.send(self.good_file())
        self.browser.sees("Your API key is missing")
        self.assertEqual(self.browser.focused(), "key")
        self.sound("key-missing")

    def test_without_a_file_it_is_asked_for(self):
        self.give_key()
        self.browser.press("Send")
        self.browser.sees("Choose a file first.")
        self.assertEqual(self.browser.focused(), "file")

    def test_a_wrong_key_is_refused_and_forgotten(self):
        self.give_key("acme.0000000000000000000000")
        self.send(self.good_file())
        self.browser.sees("This API key is not valid here")
        self.assertIn("ask the operator for a new one", self.browser.text("#key-fault"))
        self.assertEqual(self.browser.focused(), "key")
        self.assertEqual(self.browser.run("return sessionStorage.length"), 0)
        self.sound("wrong-key")
        # The file is still chosen, so that the right key is all that is missing.
        self.browser.type("#key", self.stack["api_key"])
        self.browser.press("Send")
        self.outcome("Completed")

    def test_a_key_that_no_header_can_hold(self):
        self.give_key("schlüssel")
        self.browser.sees("This API key is not valid here")

    def test_a_quota_that_is_used_up(self):
        key = self.key_with_quota(1)
        self.give_key(key)
        self.send(self.good_file())
        self.outcome("Completed")
        self.browser.press("Send another file")
        self.send(self.good_file())
        self.assertIn("Try again tomorrow", self.outcome("Today's quota of this key is used up"))
        self.sound("quota")

    def key_with_quota(self, requests: int) -> str:
        """A key in a usage plan of its own."""
        stack = self.stack
        gateway = boto3.client(
            "apigateway",
            endpoint_url=stack["endpoint"],
            region_name=stack["region"],
            aws_access_key_id=stack["access_key_id"],
            aws_secret_access_key=stack["secret_access_key"],
        )
        plan = gateway.create_usage_plan(
            name=f"page-{secrets.token_hex(4)}",
            apiStages=[{"apiId": stack["rest_api_id"], "stage": "prod"}],
            quota={"limit": requests, "period": "DAY"},
        )
        return add_key(gateway, plan["id"], f"bank-{secrets.token_hex(3)}", stack["suffix"])

    def test_a_file_that_is_too_large_is_not_even_read(self):
        path = self.file("")
        with path.open("wb") as file:
            # Sparse: it takes no room on the disk.
            file.truncate(1_073_741_825)
        self.give_key()
        self.send(path)
        self.assertIn("The limit is 1 GiB", self.outcome("This file is too large"))
        self.sound("too-large")

    def test_a_network_that_is_gone_and_comes_back(self):
        self.expected_complaints = ("net::ERR_INTERNET_DISCONNECTED",)
        self.give_key()
        self.browser.network(offline=True)
        self.send(self.good_file())
        self.assertIn("never processed twice", self.outcome("The connection was lost"))
        self.sound("network-gone")
        self.browser.network()
        self.browser.press("Try again")
        self.outcome("Completed")

    def test_a_file_is_followed_again_as_soon_as_the_network_is_back(self):
        self.expected_complaints = ("net::ERR_INTERNET_DISCONNECTED",)
        self.browser.go(self.stack["page_url"] + "#" + self.created())
        self.outcome("Waiting for the file")
        self.sound("awaiting")
        self.browser.network(offline=True)
        self.outcome("The connection was lost")
        self.browser.network()
        self.outcome("Waiting for the file")

    def created(self) -> str:
        """The status path of a file whose upload was created, and that does not come."""
        body = json.dumps({"size": 100, "sha256": secrets.token_hex(32)}).encode()
        headers = {"x-api-key": self.stack["api_key"], "content-type": "application/json"}
        request = urllib.request.Request(self.stack["api_url"] + "/uploads", data=body, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["status_path"]

    def test_a_service_that_cannot_answer(self):
        self.give_key()
        self.browser.run(ANSWER_503)
        self.send(self.good_file(rows=1200, merchant="m" * 4000))
        self.assertIn("Try again in a minute", self.outcome("The service cannot answer now"))

    def test_a_storage_that_does_not_take_the_file(self):
        self.give_key()
        self.browser.run(FORGE_A_DIGEST)
        self.send(self.good_file(rows=1200, merchant="m" * 4000))
        self.assertIn("SignatureDoesNotMatch", self.outcome("The storage did not take the file"))
        self.sound("storage-refused")

    def test_a_file_of_another_kind(self):
        path = self.file("")
        path.write_bytes(b"\x1f\x8b\x08\x00" + secrets.token_bytes(200))
        self.give_key()
        self.send(path)
        text = self.outcome("This is not a CSV file, but a workbook or an archive")
        self.assertIn("unpack it", text)
        # It would only fail again.
        self.assertNotIn("Try again", text)
        self.sound("compressed")

    def test_a_file_that_the_workflow_gave_up_on(self):
        self.open_failed("processing_failed", "processing")
        text = self.outcome("Could not be processed")
        for part in ("What the file says", "90,000 rows", "Nothing of it is lost; the operator has been told."):
            self.assertIn(part, text)
        for part in ("StoreUnavailable", "bucket", "Compare these"):
            self.assertNotIn(part, text)
        self.assertEqual(self.signs(), ["ok", "ok", "ok", "next", "bad"])
        self.sound("processing-failed")

    def test_a_file_that_was_stored_and_not_announced(self):
        self.open_failed("notification_failed", "processing", "processed", "notifying")
        text = self.outcome("Stored, but not announced")
        self.assertIn("What the file says", text)
        self.assertEqual(self.signs(), ["ok", "ok", "ok", "ok", "ok", "next", "bad"])

    def open_failed(self, status: str, *steps: str) -> None:
        """Opens a large file's page that ends so, in the service's own words: no test makes the storage fail."""
        begun = [
            ("awaiting_upload", "upload created, bytes: 6648947"),
            ("validating", f"found in the bucket as incoming/globex/{'0' * 32}.csv"),
            ("validated", "every record is valid: 90000"),
        ]
        entries = [*begun, *((step, f"{step} it") for step in steps), (status, "the workflow gave up: StoreUnavailable")]
        at = "2026-01-15T10:00:00.000Z"
        page = {
            "file_id": "0" * 32,
            "status": status,
            "attempt": 1,
            "row_count": 90000,
            "totals": {"EUR": "99000.00"},
            "superseded_by": [],
            "received_at": at,
            "updated_at": at,
            "error_count": 0,
            "history": [{"status": step, "at": at, "attempt": 1, "message": message} for step, message in entries],
        }
        self.browser.run("const page = arguments[0]; window.fetch = async () => Response.json(page);", page)
        self.browser.run("location.hash = `#/files/${arguments[0]}?token=0`", page["file_id"])

    def signs(self) -> list:
        """The signs of the steps, in their order."""
        return self.browser.run(
            "return [...document.querySelectorAll('.way use')].map((e) => e.getAttribute('href').slice('#icon-'.length))"
        )

    def test_an_address_that_names_nothing_shows_the_form(self):
        self.browser.go(self.stack["page_url"] + "/#/files/../../etc?token=x")
        self.assertIn("Drop a CSV file here", self.browser.text("main"))
