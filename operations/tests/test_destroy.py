"""`make destroy`."""

import hashlib
import json
import unittest

from botocore.exceptions import ClientError

from tools.problem import Problem
from operations import destroy

from . import client, description, make

STACK = "transaction-processing-doomed"
# More than one call of DeleteObjects takes, so that the batches are seen.
VERSIONS = 1050
OTHER_SECRETS = "webhook-signing/doomed-2"


class Destroy(unittest.TestCase):
    """On the stack `doomed`, whose buckets are filled with versions and delete markers."""

    def test_a_version_that_is_refused_is_told_and_not_passed_over(self):
        class Store:
            def delete_objects(self, **_):
                return {"Errors": [{"Key": "a.csv", "VersionId": "1", "Code": "AccessDenied", "Message": "locked"}]}

        with self.assertRaisesRegex(Problem, "1 versions in b were not deleted, the first, a.csv, because: locked"):
            destroy.delete_batch(Store(), "b", [{"Key": "a.csv", "VersionId": "1"}], {})

    def test_an_emptied_bucket_has_no_version_and_no_delete_marker(self):
        # By itself, because the local cloud, other than AWS, deletes a bucket that is not empty.
        store = client("s3")
        store.create_bucket(Bucket="emptied")
        store.put_bucket_versioning(Bucket="emptied", VersioningConfiguration={"Status": "Enabled"})
        for key in ("a", "a", "b"):
            store.put_object(Bucket="emptied", Key=key, Body=b"x")
        store.delete_object(Bucket="emptied", Key="b")
        self.assertEqual(destroy.empty(store, "emptied"), 4)
        left = store.list_object_versions(Bucket="emptied")
        self.assertEqual(left.get("Versions", []) + left.get("DeleteMarkers", []), [])
        self.assertEqual(destroy.empty(store, "not-there-at-all"), 0)

    def test_locked_versions_are_deleted_too(self):
        store = client("s3")
        store.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        retention = {"Mode": "GOVERNANCE", "Days": 30}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        store.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
        version = store.put_object(Bucket="locked", Key="a", Body=b"x")["VersionId"]
        with self.assertRaises(ClientError):
            store.delete_object(Bucket="locked", Key="a", VersionId=version)
        self.assertEqual(destroy.empty(store, "locked"), 1)
        self.assertEqual(store.list_object_versions(Bucket="locked").get("Versions", []), [])

    def test_a_stack_that_cannot_be_deleted_tells_why_and_the_next_try_goes_on(self):
        formation, network = client("cloudformation"), client("ec2")
        name = "transaction-processing-stuck"
        resource = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
        formation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Net": resource}}))
        formation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        found = formation.describe_stack_resources(StackName=name)["StackResources"][0]["PhysicalResourceId"]
        subnet = network.create_subnet(VpcId=found, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        for _ in range(2):
            done = make("destroy", ENV="stuck", YES="1")
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, f"{name} could not be deleted and is DELETE_FAILED: Net: .*Dependency")
            self.assertRegex(done.stderr, r"\. When the cause is gone, run make destroy again; it goes on from here\.")
            self.assertEqual(done.stderr.count("Net: "), 1, "the failure before is not told again")
        network.delete_subnet(SubnetId=subnet)
        self.assertEqual(make("destroy", ENV="stuck", YES="1").returncode, 0)
        self._assert_gone(name)

    def test_a_full_stack_goes_with_all_that_belongs_to_it(self):
        stack = description()["stacks"]["doomed"]
        self._fill(stack["bucket"])
        store, vault = client("s3"), client("secretsmanager")
        for _ in range(3):
            store.put_object(Bucket=stack["audit_bucket"], Key="transactions/2026/01/15/a.ndjson.gz", Body=b"x")
        # Another environment's, whose name only begins in the same way.
        vault.create_secret(Name=f"{OTHER_SECRETS}/acme-pay", SecretString="{}")
        repository = self._add_companion()
        self._refuses_without_consent()
        done = make("destroy", ENV="doomed", YES="1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"versions and delete markers: {VERSIONS + 11}", done.stdout)
        audit = f"deleting what is in the bucket {stack['audit_bucket']}\n  versions and delete markers: 3\n"
        self.assertIn(audit, done.stdout)
        for bucket in (stack["bucket"], stack["audit_bucket"]):
            with self.assertRaises(ClientError):
                store.head_bucket(Bucket=bucket)
        self.assertIn("deleted the secrets of 2 providers", done.stdout)
        secrets = [secret["Name"] for secret in vault.list_secrets(MaxResults=100)["SecretList"]]
        ours = [name for name in secrets if name.startswith("webhook-signing/doomed")]
        self.assertEqual(ours, [f"{OTHER_SECRETS}/acme-pay"])
        self._assert_gone(STACK)
        self._assert_gone(self.companion)
        repositories = client("ecr").describe_repositories()["repositories"]
        self.assertNotIn(repository, [found["repositoryName"] for found in repositories])
        values = [key["value"] for key in client("apigateway").get_api_keys(includeValues=True, limit=500)["items"]]
        # As flags, so that a failure prints no key.
        self.assertFalse(stack["api_key"] in values or stack["api_key_2"] in values)
        again = make("destroy", ENV="doomed", YES="1")
        self.assertNotEqual(again.returncode, 0)
        self.assertIn(f"There is no stack {STACK}", again.stderr)

    def _fill(self, bucket: str) -> None:
        store = client("s3")
        for number in range(VERSIONS):
            store.put_object(Bucket=bucket, Key=f"other/{number % 350}.csv", Body=b"x")
        for number in range(10):
            store.delete_object(Bucket=bucket, Key=f"other/{number}.csv")
        store.delete_object(Bucket=bucket, Key="never/there.csv")

    def _add_companion(self) -> str:
        """A stack as `sam deploy` makes it beside ours, with an image in its repository."""
        digest = hashlib.md5(STACK.encode()).hexdigest()[:8]
        self.companion = f"{STACK}-{digest}-CompanionStack"
        name = f"transactionprocessingdoomed{digest}/csvvalidatorfunction00000000repo"
        resource = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": name}}
        formation = client("cloudformation")
        formation.create_stack(
            StackName=self.companion, TemplateBody=json.dumps({"Resources": {"CsvValidatorFunctionRepo": resource}})
        )
        formation.get_waiter("stack_create_complete").wait(
            StackName=self.companion, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        manifest = json.dumps({"schemaVersion": 2, "layers": []})
        client("ecr").put_image(repositoryName=name, imageManifest=manifest, imageTag="one")
        return name

    def _refuses_without_consent(self) -> None:
        done = make("destroy", ENV="doomed")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("YES=1", done.stderr)
        self.assertEqual(len(client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]), 1)

    def _assert_gone(self, name: str) -> None:
        try:
            found = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return
        self.assertEqual({stack["StackStatus"] for stack in found}, {"DELETE_COMPLETE"})
