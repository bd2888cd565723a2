"""The changes to the template without which the emulator could not deploy it, each in a function with its reason.

Each function changes the parsed template in place and returns a description of the change, which `up` and `demo` print.
What the emulator reads but does not apply is in `rest_api`.
"""

import platform

# The emulator accepts the logs of the API and of the state machine, tracing, the retries and the dead-letter queue of a
# rule and the roles of services, although they have no effect there. They need no change.


def apply_all(template: dict, artifacts: dict) -> list:
    """Applies every change, and returns their descriptions."""
    return [
        _functions_from_zip(template, artifacts),
        _definition_from_bucket(template, artifacts),
        _binary_types_as_property(template),
        _no_alarms_by_metric_math(template),
        _no_saved_queries(template),
        _no_rejection_of_plain_http(template),
    ]


def _functions_from_zip(template: dict, artifacts: dict) -> str:
    """Images need Docker. A custom runtime runs the same binary from a zip, built for this machine's processor."""
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
    return "the functions run from native binaries, not from images"


def _definition_from_bucket(template: dict, artifacts: dict) -> str:
    """As `sam package` does for AWS: a local file becomes an object."""
    for machine in _resources(template, "AWS::Serverless::StateMachine").values():
        path = machine["Properties"]["DefinitionUri"]
        machine["Properties"]["DefinitionUri"] = {"Bucket": artifacts["bucket"], "Key": artifacts["definitions"][path]}
    return "the workflows' definitions come from a bucket, as with `sam package`"


def _binary_types_as_property(template: dict) -> str:
    """The emulator ignores them in the API's definition. As a property it reads them, without escapes."""
    for api in _resources(template, "AWS::Serverless::Api").values():
        types = api["Properties"]["DefinitionBody"].get("x-amazon-apigateway-binary-media-types")
        if types:
            api["Properties"]["BinaryMediaTypes"] = types
    return "the API's binary types are a property"


def _no_alarms_by_metric_math(template: dict) -> str:
    """The emulator rejects a template that has them. The other alarms stay."""
    alarms = _resources(template, "AWS::CloudWatch::Alarm")
    removed = [name for name, alarm in alarms.items() if "Metrics" in alarm["Properties"]]
    for name in removed:
        del template["Resources"][name]
    return f"without the alarms by metric math ({', '.join(removed)})"


def _no_saved_queries(template: dict) -> str:
    """The emulator rejects a template that has them. The tests run them on real log lines themselves."""
    removed = list(_resources(template, "AWS::Logs::QueryDefinition"))
    for name in removed:
        del template["Resources"][name]
    return f"without the saved queries of Logs Insights ({', '.join(removed)})"


def _no_rejection_of_plain_http(template: dict) -> str:
    """The emulator uses plain HTTP, and would apply the bucket's rejection of it to every request."""
    policies = _resources(template, "AWS::S3::BucketPolicy")
    removed = [name for name, policy in policies.items() if _only_rejects_plain_http(policy)]
    for name in removed:
        del template["Resources"][name]
    return f"without the rejection of plain HTTP ({', '.join(removed)})"


def _only_rejects_plain_http(policy: dict) -> bool:
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    return all("aws:SecureTransport" in statement.get("Condition", {}).get("Bool", {}) for statement in statements)


def _resources(template: dict, kind: str) -> dict:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
