"""`make bootstrap`."""

import json
import re
import unittest
from fnmatch import fnmatchcase

from samtranslator.yaml_helper import yaml_parse

from operations.bootstrap import TEMPLATE as BOOTSTRAP
from tools.paths import TEMPLATE

from . import client, make

# The property with a resource's name, its ARN, and the first and the last action of a deployment on it.
NAMED = {
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:r:a:alarm:{}", "PutMetricAlarm", "DeleteAlarms"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch::a:dashboard/{}", "PutDashboard", "DeleteDashboards"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:r:a:table/{}", "CreateTable", "DeleteTable"),
    "AWS::Events::EventBus": ("Name", "events:r:a:event-bus/{}", "CreateEventBus", "DeleteEventBus"),
    "AWS::Events::Rule": ("Name", "events:r:a:rule/{}", "PutRule", "DeleteRule"),
    "AWS::IAM::Role": ("RoleName", "iam::a:role/{}", "CreateRole", "PassRole"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:r:a:log-group:{}", "CreateLogGroup", "DeleteLogGroup"),
    "AWS::Logs::MetricFilter": ("LogGroupName", "logs:r:a:log-group:{}", "PutMetricFilter", "DeleteMetricFilter"),
    "AWS::Logs::QueryDefinition": ("Name", "logs:r:a:*", "PutQueryDefinition", "DeleteQueryDefinition"),
    "AWS::Logs::ResourcePolicy": ("PolicyName", "logs:r:a:*", "PutResourcePolicy", "DeleteResourcePolicy"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{}", "PutBucketObjectLockConfiguration", "DeleteBucket"),
    "AWS::SNS::Topic": ("TopicName", "sns:r:a:{}", "CreateTopic", "DeleteTopic"),
    "AWS::SQS::Queue": ("QueueName", "sqs:r:a:{}", "CreateQueue", "DeleteQueue"),
    "AWS::Serverless::Function": ("FunctionName", "lambda:r:a:function:{}", "CreateFunction", "AddPermission"),
    "AWS::Serverless::StateMachine": (
        "Name", "states:r:a:stateMachine:{}", "CreateStateMachine", "DeleteStateMachine"
    ),
}
# Types whose ARN has no name, or that belong to one of the others.
UNNAMED = {
    "AWS::ApiGateway::UsagePlan",
    "AWS::Budgets::Budget",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::Api",
}
# IAM's limits for a role's own policies together, and for a managed one.
OWN_CHARACTERS_MAX, MANAGED_CHARACTERS_MAX = 10_240, 6_144


def _resources(template) -> list:
    return list(yaml_parse(template.read_text())["Resources"].items())


def _text(value) -> str:
    """A text of a template, with `a` for the account and `r` for the region."""
    text = value.get("Fn::Sub", "*") if isinstance(value, dict) else value
    for name, short in {"Partition": "aws", "Region": "r", "AccountId": "a"}.items():
        text = text.replace(f"${{AWS::{name}}}", short)
    return text.replace("${EnvironmentSuffix}", "dev")


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def _documents() -> list:
    """The policies of GitHub's role, each with whether it is managed."""
    found = []
    for name, resource in _resources(BOOTSTRAP):
        if name.startswith("GitHubDeployment"):
            properties = resource["Properties"]
            found += [(False, policy["PolicyDocument"]) for policy in properties.get("Policies", [])]
            found += [(True, properties["PolicyDocument"])] if "PolicyDocument" in properties else []
    return found


class Permissions(unittest.TestCase):
    """The permissions of GitHub's role, by the text of both templates: the role itself has never been assumed."""

    def test_allows_creating_and_deleting_every_resource(self):
        statements = [statement for _, document in _documents() for statement in document["Statement"]]
        template = dict(_resources(TEMPLATE))
        for logical_id, resource in template.items():
            if resource["Type"] in UNNAMED:
                continue
            name, arn, *actions = NAMED[resource["Type"]]
            properties = resource["Properties"]
            name = properties[name]
            if "Ref" in name:
                name = template[name["Ref"]]["Properties"]["LogGroupName"]
            name = _text(name)
            if "EventBusName" in properties:
                name = f"{_text(template[properties['EventBusName']['Ref']]['Properties']['Name'])}/{name}"
            arn = f"arn:aws:{arn.format(name)}"
            for action in actions:
                action = f"{arn.split(':')[2]}:{action}"
                self.assertTrue(any(_allows(s, action, arn) for s in statements), f"{logical_id}: {action} on {arn}")

    def test_allows_no_access_to_data_and_secrets(self):
        actions = {a for _, document in _documents() for s in document["Statement"] for a in _list(s["Action"])}
        data = {"dynamodb:GetItem", "dynamodb:PutItem", "s3:DeleteObject", "sqs:ReceiveMessage", "events:PutEvents"}
        self.assertEqual(actions & data, set())
        self.assertEqual([action for action in actions if action.startswith("secretsmanager:")], [])

    def test_policies_are_within_the_limits_of_iam(self):
        # With the longest names of a region and a partition.
        long = {"Partition": "aws-us-gov", "Region": "ap-southeast-2", "AccountId": "123456789012"}
        own = 0
        for is_managed, document in _documents():
            text = re.sub(r'\{"Fn::Sub":("[^"]*")\}', r"\1", json.dumps(document, separators=(",", ":")))
            text = re.sub(r"\$\{AWS::(\w+)\}", lambda found: long[found[1]], text)
            if is_managed:
                self.assertLess(len(text), MANAGED_CHARACTERS_MAX)
            else:
                own += len(text)
        self.assertLess(own, OWN_CHARACTERS_MAX)


def _allows(statement: dict, action: str, arn: str) -> bool:
    return any(fnmatchcase(action, _text(a)) for a in _list(statement["Action"])) and any(
        fnmatchcase(arn, _text(resource)) for resource in _list(statement["Resource"])
    )


class Bootstrap(unittest.TestCase):
    """Without the part for GitHub, because the local cloud has no OIDC providers in templates."""

    def test_creates_the_shared_resources_and_can_be_repeated(self):
        for _ in range(2):
            done = make("bootstrap")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        functions = [name for name, resource in _resources(TEMPLATE) if resource["Type"] == "AWS::Serverless::Function"]
        for function in functions:
            self.assertIn(f"{function}Repository = ", done.stdout)
        self.assertTrue(client("apigateway").get_account()["cloudwatchRoleArn"])
        found = client("ecr").describe_repositories()["repositories"]
        ours = [r for r in found if r["repositoryName"].startswith("transaction-processing/")]
        self.assertEqual(len(ours), len(functions))
        for repository in ours:
            self.assertEqual(repository["imageTagMutability"], "IMMUTABLE")
            self.assertTrue(repository["imageScanningConfiguration"]["scanOnPush"])
            name = repository["repositoryName"]
            rules = json.loads(client("ecr").get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
            self.assertEqual([rule["action"]["type"] for rule in rules], ["expire", "expire"])

    def test_rejects_an_invalid_repository(self):
        done = make("bootstrap", GITHUB="no-owner")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("GITHUB=owner/name", done.stderr)
