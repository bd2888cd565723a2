"""`make destroy`."""

import hashlib
import json
import unittest

from botocore.exceptions import ClientError

from operations import destroy
from tools.problem import Problem

from . import client, description, make

STACK = "transaction-processing-doomed"
# More than one call of DeleteObjects deletes, so that there are several batches.
VERSIONS = 1050
OTHER_SECRETS = "webhook-signing/doomed-2"


class Destroy(unittest.TestCase):
    """On the stack `doomed`, whose buckets are filled with versions and delete markers."""

    def test_reports_a_version_that_is_not_deleted(self):
        class Store:
            def delete_objects(self, **_):
                return {"Errors": [{"Key": "a.csv", "VersionId": "1", "Code": "AccessDenied", "Message": "locked"}]}

        with self.assertRaisesRegex(Problem, "1 versions in b were not deleted. The first is a.csv: locked"):
            destroy.delete_batch(Store(), "b", [{"Key": "a.csv", "VersionId": "1"}], {})

    def test_an_emptied_bucket_has_no_versions_and_no_delete_markers(self):
        # A test of its own, because the local cloud, unlike AWS, deletes a bucket that is not empty.
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

    def test_deletes_locked_versions(self):
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

    def test_reports_why_a_stack_is_not_deleted_and_can_be_repeated(self):
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
            self.assertRegex(done.stderr, r"\. Remove the cause and run make destroy again, which continues from here\.")
            self.assertEqual(done.stderr.count("Net: "), 1, "the failure of the previous run is not reported again")
        network.delete_subnet(SubnetId=subnet)
        self.assertEqual(make("destroy", ENV="stuck", YES="1").returncode, 0)
        self._assert_gone(name)

    def test_deletes_a_stack_with_all_its_data(self):
        stack = description()["stacks"]["doomed"]
        self._fill(stack["bucket"])
        store, vault = client("s3"), client("secretsmanager")
        for _ in range(3):
            store.put_object(Bucket=stack["audit_bucket"], Key="transactions/2026/01/15/a.ndjson.gz", Body=b"x")
        # Of another environment, whose name begins in the same way.
        vault.create_secret(Name=f"{OTHER_SECRETS}/acme-pay", SecretString="{}")
        repository = self._add_companion()
        self._assert_not_deleted_without_confirmation()
        done = make("destroy", ENV="doomed", YES="1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"versions and delete markers deleted: {VERSIONS + 11}", done.stdout)
        audit = f"deleting the objects in the bucket {stack['audit_bucket']}\n  versions and delete markers deleted: 3\n"
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

    def _assert_not_deleted_without_confirmation(self) -> None:
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
