"""`make deploy` with the real `sam deploy`, as far as possible without a registry."""

import contextlib
import io
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from operations import deploy, images, tags
from operations.account import Account
from operations.stack import Stack, stack_of
from tools import paths, venvs
from tools.problem import Problem

from . import client, environment_of_cloud, make

# A function as `sam build` writes it, and a queue in place of everything else.
BUILT = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  EnvironmentSuffix: {Type: String}
  DailyQuota: {Type: Number, Default: 1000}
Conditions:
  Never: !Equals [a, b]
Resources:
  CsvValidatorFunction:
    Type: AWS::Serverless::Function
    Condition: Never
    Properties:
      PackageType: Image
      ImageUri: csvvalidatorfunction:csv-validator
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub built-${EnvironmentSuffix}-${DailyQuota}
Outputs:
  ApiId: {Value: abc}
"""
# The local cloud does not support metric math, so this stack is rolled back.
REJECTED = """
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
      Metrics: [{Id: a, Expression: "1"}]
"""
IMAGE_ID = "sha256:0123456789abcdef"
KNOWN_TAG = "csvvalidatorfunction-0123456789ab-csv-validator"


class Deploy(unittest.TestCase):
    """With a stub of `docker`, because no image can be built or pushed here."""

    def setUp(self):
        contexts = contextlib.ExitStack()
        self.addCleanup(contexts.close)
        directory = contexts.enter_context(tempfile.TemporaryDirectory())
        stub = Path(directory) / "docker"
        stub.write_text(f"#!/bin/sh\necho {IMAGE_ID}\n")
        stub.chmod(0o755)
        path = f"{directory}:{os.environ['PATH']}"
        environment = {**environment_of_cloud(), "PATH": path}
        contexts.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        self.template = Path(directory) / "template.yaml"
        self.template.write_text(BUILT)
        self.stack = stack_of(Account(), "built")

    def test_pushes_no_image_that_its_repository_has(self):
        self.assertEqual(make("bootstrap").returncode, 0)
        repositories = images.shared_repositories(self.stack)
        self.assertEqual(len(repositories), 6)
        uri = repositories["CsvValidatorFunction"]
        missing = images.skip_known_images(self.stack, self.template, repositories)
        self.assertEqual(missing, {"CsvValidatorFunction": uri})
        self.assertEqual(self.template.read_text(), BUILT)
        name = "transaction-processing/csv-validator"
        client("ecr").put_image(repositoryName=name, imageManifest='{"schemaVersion": 2}', imageTag=KNOWN_TAG)
        self.assertEqual(images.skip_known_images(self.stack, self.template, repositories), {})
        self.assertIn(f"ImageUri: {uri}:{KNOWN_TAG}\n", self.template.read_text())
        self._deploy_with_sam(images.options(repositories, {}))

    def test_keeps_the_built_template_for_sam_local(self):
        def name_remote(_, template: Path, __) -> dict:
            template.write_text("named")
            return {}

        deployed = self.template.with_name("deployed.yaml")
        with (
            mock.patch.multiple(deploy, BUILT_TEMPLATE=self.template, DEPLOYED_TEMPLATE=deployed, _sam=mock.DEFAULT),
            mock.patch.multiple(images, shared_repositories=lambda _: {"A": "a"}, skip_known_images=name_remote),
            mock.patch.object(Stack, "require", lambda _: {"ApiId": "abc"}),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            deploy.deploy(self.stack, "built", [])
        self.assertEqual((self.template.read_text(), deployed.read_text()), (BUILT, "named"))

    def test_gives_sam_the_repository_of_each_missing_image(self):
        self.assertEqual(images.options({}, {}), ["--resolve-image-repos"])
        self.assertEqual(
            images.options({"A": "a", "B": "b", "C": "c"}, {"A": "a", "C": "c"}),
            ["--image-repositories", "A=a", "--image-repositories", "C=c"],
        )

    def test_names_the_companion_stack_as_sam_does(self):
        program = "from samcli.lib.bootstrap.companion_stack.data_types import CompanionStack\n"
        program += f"print(CompanionStack({self.stack.name!r}).stack_name)"
        python = str(venvs.python_of("sam"))
        printed = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
        self.assertEqual(images.companion_of(self.stack).name, printed.stdout.strip())

    def test_sam_build_resolves_the_aliases_that_cloudformation_rejects(self):
        source, built = str(paths.TEMPLATE), self.template.with_name("built.yaml")
        program = "from samcli.commands._utils.template import get_template_data, move_template\n"
        program += f"move_template({source!r}, {str(built)!r}, get_template_data({source!r}))"
        subprocess.run([str(venvs.python_of("sam")), "-c", program], capture_output=True, text=True, check=True)
        alias = r"(?m)(:|-|^) *[&*]\w"
        self.assertRegex(paths.TEMPLATE.read_text(), alias)
        self.assertNotRegex(built.read_text(), alias)

    def test_rejects_an_invalid_environment_or_parameter_before_the_build(self):
        for variables in ({"ENV": "Dev"}, {"ENV": ""}, {"ENV": "dev", "PARAMETERS": "DailyQuota"}):
            done = make("deploy", **variables)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, "ENV is|PARAMETERS has")
            self.assertNotIn("== sam", done.stdout)

    def test_reports_a_stack_that_cannot_be_updated_before_the_build(self):
        formation = client("cloudformation")
        name = "transaction-processing-broken"
        formation.create_stack(StackName=name, TemplateBody=REJECTED)
        Stack(self.stack.account, name).wait()
        done = make("deploy", ENV="broken")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{name} is ROLLBACK_COMPLETE", done.stderr)
        self.assertIn("make destroy ENV=broken", done.stderr)
        self.assertNotIn("== sam", done.stdout)
        self.assertEqual(make("destroy", ENV="broken", YES="1").returncode, 0)
        self.assertIsNone(Stack(self.stack.account, name).description())

    def test_reports_a_missing_docker_before_the_build(self):
        with mock.patch.dict(os.environ, {"PATH": "/nowhere"}), self.assertRaisesRegex(Problem, "docker was not found"):
            deploy.deploy(self.stack, "built", [])

    def _deploy_with_sam(self, image_options: list) -> None:
        with mock.patch.object(deploy, "DEPLOYED_TEMPLATE", self.template):
            command = deploy.deploy_command(self.stack, "built", ["DailyQuota=7"], image_options)
        sam = str(venvs.directory_of("sam") / "bin" / "sam")
        # Twice: a deployment without a change succeeds.
        for _ in range(2):
            done = subprocess.run([sam, *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        description = Stack(self.stack.account, "transaction-processing-built").description()
        self.assertEqual({tag["Key"]: tag["Value"] for tag in description["Tags"]}, tags.of("built"))
        self.assertIn("built-built-7", client("sqs").get_queue_url(QueueName="built-built-7")["QueueUrl"])
