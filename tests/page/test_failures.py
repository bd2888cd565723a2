"""Failures: each one has a title and a next step."""

import json
import secrets
import urllib.request

import boto3
from operations.partner import add_key

from .case import LARGE_FILE, PageTest

REVERSE_CHECKSUM = """
    const set = XMLHttpRequest.prototype.setRequestHeader;
    XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
      set.call(this, name, name.startsWith('x-amz-checksum') ? value.split('').reverse().join('') : value);
    };"""
RESPOND_503 = "window.fetch = async () => new Response('{}', { status: 503 });"


class Failures(PageTest):
    """Failures of requests and uploads."""

    def test_missing_key_is_requested(self):
        self.upload(self.valid_file())
        self.browser.wait_for_text("API key missing")
        self.assertEqual(self.browser.focused(), "key")
        self.check_accessibility("key-missing")

    def test_missing_file_is_requested(self):
        self.enter_key()
        self.browser.press("Upload")
        self.browser.wait_for_text("Choose a file first.")
        self.assertEqual(self.browser.focused(), "file")

    def test_invalid_key_is_rejected_and_forgotten(self):
        self.enter_key("acme.0000000000000000000000")
        self.upload(self.valid_file())
        self.browser.wait_for_text("Invalid API key")
        self.assertIn("ask the operator for a new one", self.browser.text("#key-error"))
        self.assertEqual(self.browser.focused(), "key")
        self.assertEqual(self.browser.execute("return sessionStorage.length"), 0)
        self.check_accessibility("invalid-key")
        # The file is still chosen, so a valid key is enough to upload it.
        self.browser.type("#key", self.stack["api_key"])
        self.browser.press("Upload")
        self.wait_for_outcome("Completed")

    def test_key_that_is_no_header_value_is_rejected(self):
        self.enter_key("schlüssel")
        self.browser.wait_for_text("Invalid API key")

    def test_exceeded_quota_is_reported(self):
        key = self.key_with_quota(1)
        self.enter_key(key)
        self.upload(self.valid_file())
        self.wait_for_outcome("Completed")
        self.browser.press("Upload another file")
        self.upload(self.valid_file())
        self.assertIn("Try again tomorrow", self.wait_for_outcome("Daily quota exceeded"))
        self.check_accessibility("quota")

    def key_with_quota(self, requests: int) -> str:
        """A key in its own usage plan."""
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

    def test_too_large_file_is_rejected_before_it_is_read(self):
        path = self.file("")
        with path.open("wb") as file:
            # A sparse file, which takes no disk space.
            file.truncate(1_073_741_825)
        self.enter_key()
        self.upload(path)
        self.assertIn("The limit is 1 GiB", self.wait_for_outcome("File too large"))
        self.check_accessibility("too-large")

    def test_upload_can_be_retried_after_a_lost_connection(self):
        self.expected_console_errors = ("net::ERR_INTERNET_DISCONNECTED",)
        self.enter_key()
        self.browser.emulate_network(offline=True)
        self.upload(self.valid_file())
        self.assertIn("never processed twice", self.wait_for_outcome("Connection lost"))
        self.check_accessibility("connection-lost")
        self.browser.emulate_network()
        self.browser.press("Try again")
        self.wait_for_outcome("Completed")

    def test_status_updates_resume_with_the_connection(self):
        self.expected_console_errors = ("net::ERR_INTERNET_DISCONNECTED",)
        self.browser.open(self.stack["page_url"] + "#" + self.create_upload())
        self.wait_for_outcome("Waiting for upload")
        self.check_accessibility("awaiting")
        self.browser.emulate_network(offline=True)
        self.wait_for_outcome("Connection lost")
        self.browser.emulate_network()
        self.wait_for_outcome("Waiting for upload")

    def create_upload(self) -> str:
        """Creates a presigned upload that is never used. Returns its status path."""
        body = json.dumps({"size": 100, "sha256": secrets.token_hex(32)}).encode()
        headers = {"x-api-key": self.stack["api_key"], "content-type": "application/json"}
        request = urllib.request.Request(self.stack["api_url"] + "/uploads", data=body, headers=headers)
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read())["status_path"]

    def test_unavailable_service_is_reported(self):
        self.enter_key()
        self.browser.execute(RESPOND_503)
        self.upload(self.valid_file(**LARGE_FILE))
        self.assertIn("Try again in a minute", self.wait_for_outcome("Service unavailable"))

    def test_error_code_of_the_storage_is_shown(self):
        self.enter_key()
        self.browser.execute(REVERSE_CHECKSUM)
        self.upload(self.valid_file(**LARGE_FILE))
        self.assertIn("SignatureDoesNotMatch", self.wait_for_outcome("The storage rejected the file"))
        self.check_accessibility("storage-rejected")

    def test_compressed_file_is_rejected_without_retry(self):
        path = self.file("")
        path.write_bytes(b"\x1f\x8b\x08\x00" + secrets.token_bytes(200))
        self.enter_key()
        self.upload(path)
        text = self.wait_for_outcome("Not a CSV file")
        self.assertIn("This is a workbook or an archive.", text)
        self.assertIn("unpack it", text)
        # The same file would be rejected again.
        self.assertNotIn("Try again", text)
        self.check_accessibility("compressed")

    def test_invalid_address_shows_the_upload_form(self):
        self.browser.open(self.stack["page_url"] + "/#/files/../../etc?token=x")
        self.assertIn("Drop a CSV file here", self.browser.text("main"))
