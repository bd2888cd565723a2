"""`make operator`."""

import datetime
import json
import re
import unittest
import urllib.error
import urllib.request

from tools import client as api
from tools.paths import SAMPLES

from . import description, make

KEY = re.compile(r"\boperator\.[0-9a-f]{48}\b")


class Operator(unittest.TestCase):
    """On the stack `partners`."""

    def setUp(self):
        self.stack = description()["stacks"]["partners"]

    def test_a_key_is_printed_once_sees_all_partners_and_cannot_upload(self):
        done = make("operator", ENV="partners")
        self.assertEqual(done.returncode, 0, done.stderr)
        (key,) = KEY.findall(done.stdout + done.stderr)
        self.assertIn(f"{self.stack['api_url']}/days/", done.stdout)
        status, response = api.upload(self.stack, SAMPLES / "transactions.csv")
        self.assertEqual(status, 200, response)
        day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        request = urllib.request.Request(f"{self.stack['api_url']}/days/{day}", headers={"x-api-key": key})
        with urllib.request.urlopen(request) as reply:
            partners = [counted["partner"] for counted in json.loads(reply.read())["partners"]]
        self.assertIn(self.stack["partner"], partners)
        status, response = api.upload({**self.stack, "api_key": key}, SAMPLES / "transactions.csv")
        self.assertEqual((status, response["error"]), (403, "operator_cannot_upload"))
        again = make("operator", ENV="partners")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("A previous key still works.", again.stdout)
        self.assertNotEqual(KEY.findall(again.stdout), [key])

    def test_rejects_a_partner_called_operator(self):
        done = make("partner", ENV="partners", NAME="operator")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("make operator ENV=partners", done.stderr)
        self.assertEqual(KEY.findall(done.stdout + done.stderr), [])
