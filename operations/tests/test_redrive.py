"""`make redrive`. What it does with which message is tested with `txn`."""

import json
import unittest

from . import client, description, make


class Redrive(unittest.TestCase):
    """On the stack `partners`."""

    def setUp(self):
        self.queue = description()["stacks"]["partners"]["dlq_url"]
        self.addCleanup(client("sqs").purge_queue, QueueUrl=self.queue)

    def test_it_works_off_the_queues_of_the_environment_that_is_named(self):
        nothing = make("redrive", ENV="partners")
        self.assertEqual(nothing.returncode, 0, nothing.stderr)
        for kind in ("files", "payments"):
            self.assertIn(f"The dead-letter queue of {kind} of partners is empty.", nothing.stdout)
        refused = {"detail": {"bucket": {"name": "b"}, "object": {"key": "incoming/acme/bad.csv", "version-id": "v"}}}
        letter = {"input": refused, "error": {"Error": "InvalidCsv", "Cause": "c"}}
        client("sqs").send_message(QueueUrl=self.queue, MessageBody=json.dumps(letter))
        shown = make("redrive", ENV="partners", DRY_RUN="1")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("stays  incoming/acme/bad.csv: failed with InvalidCsv: c;", shown.stdout)
        # Something is left for somebody to do.
        self.assertNotEqual(make("redrive", ENV="partners").returncode, 0)

    def test_the_environment_is_always_named(self):
        done = make("redrive", ENV="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ENV=dev", done.stdout)
