"""What the emulator cannot take as it stands in the template, each in a function that says why.

Each takes the parsed template, changes it in place and returns a sentence for the person who looks on. What the
emulator reads but does not apply is in `rest_api`.
"""

import platform

# Logs of the API and of the state machine, tracing, the retries and the dead-letter queue of a rule and the roles of
# services are taken by the emulator and have no effect there. They need no rewriting.


def apply_all(template: dict, artifacts: dict) -> list:
    """Applies every rewriting, and returns what they did."""
    return [
        _functions_from_zip(template, artifacts),
        _definition_from_bucket(template, artifacts),
        _binary_types_as_property(template),
        _no_alarms_by_metric_maths(template),
        _no_saved_queries(template),
        _no_refusal_of_plain_http(template),
    ]


def _functions_from_zip(template: dict, artifacts: dict) -> str:
    """Images need Docker. A custom runtime takes the same binary in a zip, built for this machine's processor."""
    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    template["Globals"]["Function"]["Architectures"] = [architecture]
    for function in _resources(template, "AWS::Serverless::Function").values():
        name = function.pop("Metadata")["DockerBuildArgs"]["FUNCTION"]
        function["Properties"].update(
            PackageType="Zip",
            Runtime="provided.al2023",
            Handler="bootstrap",
            CodeUri={"Bucket": artifacts["bucket"], "Key": artifacts["handlers"][name]},
        )
    return "functions run from native binaries, not from images"


def _definition_from_bucket(template: dict, artifacts: dict) -> str:
    """`sam package` does the same for AWS: a file of this machine becomes an object."""
    for machine in _resources(template, "AWS::Serverless::StateMachine").values():
        path = machine["Properties"]["DefinitionUri"]
        machine["Properties"]["DefinitionUri"] = {"Bucket": artifacts["bucket"], "Key": artifacts["definitions"][path]}
    return "the workflow's definition comes from a bucket, as `sam package` does it"


def _binary_types_as_property(template: dict) -> str:
    """The emulator does not read them in the API's definition, and as a property it reads them without escapes."""
    for api in _resources(template, "AWS::Serverless::Api").values():
        types = api["Properties"]["DefinitionBody"].get("x-amazon-apigateway-binary-media-types")
        if types:
            api["Properties"]["BinaryMediaTypes"] = types
    return "the API's binary types are a property"


def _no_alarms_by_metric_maths(template: dict) -> str:
    """The emulator refuses a template that has them. The other alarms stay."""
    alarms = _resources(template, "AWS::CloudWatch::Alarm")
    removed = [name for name, alarm in alarms.items() if "Metrics" in alarm["Properties"]]
    for name in removed:
        del template["Resources"][name]
    return f"without the alarms by metric maths ({', '.join(removed)})"


def _no_saved_queries(template: dict) -> str:
    """The emulator refuses a template that has them. The tests ask them of real lines themselves."""
    removed = list(_resources(template, "AWS::Logs::QueryDefinition"))
    for name in removed:
        del template["Resources"][name]
    return f"without the saved queries of Logs Insights ({', '.join(removed)})"


def _no_refusal_of_plain_http(template: dict) -> str:
    """The emulator speaks plain HTTP, and applies the bucket's refusal of it to every request."""
    policies = _resources(template, "AWS::S3::BucketPolicy")
    removed = [name for name, policy in policies.items() if _only_refuses_plain_http(policy)]
    for name in removed:
        del template["Resources"][name]
    return f"without the refusal of plain HTTP ({', '.join(removed)})"


def _only_refuses_plain_http(policy: dict) -> bool:
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    return all("aws:SecureTransport" in statement.get("Condition", {}).get("Bool", {}) for statement in statements)


def _resources(template: dict, kind: str) -> dict:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
