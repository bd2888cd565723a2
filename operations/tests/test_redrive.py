"""`make redrive`. The outcomes of single messages are tested with `txn`."""

import json
import unittest

from . import client, description, make


class Redrive(unittest.TestCase):
    """On the stack `partners`."""

    def setUp(self):
        self.queue = description()["stacks"]["partners"]["dlq_url"]
        self.addCleanup(client("sqs").purge_queue, QueueUrl=self.queue)

    def test_redrives_the_queues_of_the_environment(self):
        nothing = make("redrive", ENV="partners")
        self.assertEqual(nothing.returncode, 0, nothing.stderr)
        for kind in ("files", "payments"):
            self.assertIn(f"The dead-letter queue of {kind} of partners is empty.", nothing.stdout)
        rejected = {"detail": {"bucket": {"name": "b"}, "object": {"key": "incoming/acme/bad.csv", "version-id": "v"}}}
        message = {"input": rejected, "error": {"Error": "InvalidCsv", "Cause": "c"}}
        client("sqs").send_message(QueueUrl=self.queue, MessageBody=json.dumps(message))
        shown = make("redrive", ENV="partners", DRY_RUN="1")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("stays  incoming/acme/bad.csv: failed with InvalidCsv: c;", shown.stdout)
        # A message that stays needs a person, so the command fails.
        self.assertNotEqual(make("redrive", ENV="partners").returncode, 0)

    def test_requires_the_environment(self):
        done = make("redrive", ENV="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ENV=dev", done.stdout)
