"""`make bootstrap`."""

import json
import unittest

from . import client, make


class Bootstrap(unittest.TestCase):
    """Without the part for GitHub: the local cloud has no OIDC providers in its templates."""

    def test_it_makes_what_the_environments_share_and_may_be_repeated(self):
        for _ in range(2):
            done = make("bootstrap")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("CsvValidatorFunctionRepository = ", done.stdout)
        self.assertTrue(client("apigateway").get_account()["cloudwatchRoleArn"])
        found = client("ecr").describe_repositories()["repositories"]
        ours = [r for r in found if r["repositoryName"].startswith("transaction-processing/")]
        self.assertEqual(len(ours), 3)
        for repository in ours:
            self.assertEqual(repository["imageTagMutability"], "IMMUTABLE")
            self.assertTrue(repository["imageScanningConfiguration"]["scanOnPush"])
            name = repository["repositoryName"]
            rules = json.loads(client("ecr").get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
            self.assertEqual([rule["action"]["type"] for rule in rules], ["expire", "expire"])

    def test_a_bad_repository_is_refused_in_one_sentence(self):
        done = make("bootstrap", GITHUB="no-owner")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("GITHUB=owner/name", done.stderr)
