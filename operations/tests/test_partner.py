"""`make partner`."""

import re
import unittest

from tools import client as api
from tools.paths import SAMPLES

from . import description, make

KEY = re.compile(r"\b[a-z0-9-]+\.[0-9a-f]{48}\b")


class Partner(unittest.TestCase):
    """On the stack `partners`."""

    def setUp(self):
        self.stack = description()["stacks"]["partners"]

    def test_a_new_key_is_printed_once_and_uploads_a_file(self):
        done = make("partner", ENV="partners", NAME="initech")
        self.assertEqual(done.returncode, 0, done.stderr)
        (key,) = KEY.findall(done.stdout + done.stderr)
        self.assertTrue(key.startswith("initech."), done.stdout.replace(key, "(key)"))
        self.assertIn(f"{self.stack['api_url']}/upload", done.stdout)
        status, response = api.upload({**self.stack, "api_key": key}, SAMPLES / "transactions.csv")
        self.assertEqual((status, response["status"]), (200, "validated"))

    def test_creates_a_second_key_only_with_again(self):
        first = make("partner", ENV="partners", NAME="hooli")
        self.assertEqual(first.returncode, 0, first.stderr)
        rejected = make("partner", ENV="partners", NAME="hooli")
        self.assertNotEqual(rejected.returncode, 0)
        self.assertIn("The partner hooli has a key in transaction-processing-partners already.", rejected.stderr)
        self.assertEqual(KEY.findall(rejected.stdout + rejected.stderr), [])
        again = make("partner", ENV="partners", NAME="hooli", AGAIN="1")
        self.assertEqual(again.returncode, 0, again.stderr)
        keys = KEY.findall(first.stdout) + KEY.findall(again.stdout)
        self.assertEqual(len(set(keys)), 2)
        for key in keys:
            self.assertEqual(api.upload({**self.stack, "api_key": key}, SAMPLES / "transactions.csv")[0], 200)

    def test_rejects_an_invalid_name(self):
        for name in ("Acme", "acme corp", "-acme", "acme.x", "a" * 64, ""):
            with self.subTest(name=name):
                done = make("partner", ENV="partners", NAME=name)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("lowercase letters, digits and hyphens", done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_reports_an_unknown_environment(self):
        done = make("partner", ENV="nowhere", NAME="acme")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("There is no stack transaction-processing-nowhere", done.stderr)
        self.assertIn("make deploy ENV=nowhere", done.stderr)
