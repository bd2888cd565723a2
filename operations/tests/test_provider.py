"""`make provider`."""

import os
import re
import subprocess
import time
import unittest
import uuid

from tools.client import send_webhook
from tools.paths import SAMPLES

from . import client, description, make

SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
# The function of the test stacks reads the secrets again after a second.
WAIT_SECONDS_MAX = 20


class Provider(unittest.TestCase):
    """On the stack `partners`, which knows two providers. Each test uses one of its own."""

    def setUp(self):
        self.stack = description()["stacks"]["partners"]

    def test_a_new_secret_is_printed_once_and_signs_for_a_known_provider(self):
        done = self._make("initech-pay")
        (secret,) = SECRET.findall(done.stdout + done.stderr)
        printed = done.stdout.replace(secret, "(secret)")
        self.assertIn(f"sends them to:\n  {self.stack['webhook_url']}\n", printed)
        self.assertIn("make deploy ENV=partners PARAMETERS='WebhookProviders=acme-pay,globex-pay,initech-pay'", printed)
        self.assertEqual(self._send("initech-pay", secret), 401)
        self._add_to_webhook_providers("initech-pay")
        self._wait_for(200, "initech-pay", secret)
        self.assertEqual(self._send("acme-pay", secret), 401, "the secret signs for no other provider")
        self._check_printed_command(printed, secret)

    def test_a_rotated_secret_works_until_it_is_revoked(self):
        self._add_to_webhook_providers("hooli-pay")
        (old,) = SECRET.findall(self._make("hooli-pay").stdout)
        self._wait_for(200, "hooli-pay", old)
        self._assert_rejected("has a secret in transaction-processing-partners already.*ROTATE=1", "hooli-pay")
        self._assert_rejected("has no previous secret", "hooli-pay", REVOKE="1")
        done = self._make("hooli-pay", ROTATE="1")
        (new,) = SECRET.findall(done.stdout)
        self.assertIn("make provider ENV=partners NAME=hooli-pay REVOKE=1", done.stdout)
        self._wait_for(200, "hooli-pay", new)
        self.assertEqual(self._send("hooli-pay", old), 200, "the provider has not changed yet")
        self._assert_rejected("has 2 secrets .* would delete the previous one.*REVOKE=1", "hooli-pay", ROTATE="1")
        self._assert_rejected("Give one of them", "hooli-pay", ROTATE="1", REVOKE="1")
        revoked = self._make("hooli-pay", REVOKE="1")
        self.assertEqual(SECRET.findall(revoked.stdout), [])
        self.assertIn("within 1 seconds", revoked.stdout)
        self._wait_for(401, "hooli-pay", old)
        self.assertEqual(self._send("hooli-pay", new), 200)
        self._make("hooli-pay", ROTATE="1")

    def test_a_secret_has_the_tags_of_its_environment(self):
        self._make("tagged-pay")
        found = client("secretsmanager").describe_secret(SecretId="webhook-signing/partners/tagged-pay")
        self.assertIn({"Key": "Environment", "Value": "partners"}, found["Tags"])

    def test_rejects_an_invalid_name(self):
        for name in ("Acme", "acme pay", "-acme", "acme/pay", "a" * 64, ""):
            with self.subTest(name=name):
                self._assert_rejected("lowercase letters, digits and hyphens", name)

    def test_reports_an_unknown_environment(self):
        done = make("provider", ENV="nowhere", NAME="acme-pay")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("There is no stack transaction-processing-nowhere", done.stderr)
        self.assertEqual(SECRET.findall(done.stdout + done.stderr), [])

    def _make(self, name: str, **more: str) -> subprocess.CompletedProcess:
        done = make("provider", ENV="partners", NAME=name, **more)
        self.assertEqual(done.returncode, 0, SECRET.sub("(secret)", done.stdout + done.stderr))
        return done

    def _assert_rejected(self, reason: str, name: str, **more: str) -> None:
        done = make("provider", ENV="partners", NAME=name, **more)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, reason)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(SECRET.findall(done.stdout + done.stderr), [])

    def _add_to_webhook_providers(self, name: str) -> None:
        """Does what a deployment with one more name in WebhookProviders does."""
        functions = client("lambda")
        function = self.stack["functions"]["WebhookValidatorFunction"]
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        variables["WEBHOOK_PROVIDERS"] += f",{name}"
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

    def _send(self, name: str, secret: str) -> int:
        payment = {"transaction_id": f"pay-{uuid.uuid4()}", "amount": "5", "currency": "EUR"}
        payment |= {"provider": name, "customer_id": "customer-7"}
        return send_webhook(self.stack["webhook_url"], secret, payment)[0]

    def _wait_for(self, status: int, name: str, secret: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while (found := self._send(name, secret)) != status:
            self.assertLess(time.monotonic(), deadline, f"still {found}, not {status}")
            time.sleep(0.2)

    def _check_printed_command(self, printed: str, secret: str) -> None:
        """Runs the printed command, and the same in Python, as a provider does."""
        (line,) = re.findall(r"^ +(WEBHOOK_URL=.* sh local/samples/send-webhook\.sh 129\.90)$", printed, re.MULTILINE)
        python = line.replace("sh local/samples/send-webhook.sh", "python3 local/samples/send_webhook.py")
        for command in (line, python):
            environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret}
            root = SAMPLES.parent.parent
            done = subprocess.run(["sh", "-c", command], cwd=root, env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("The payment is stored and published.", done.stdout)
