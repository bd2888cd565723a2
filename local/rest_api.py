"""Applies the parts of the API's definition that the emulator ignores.

The emulator creates routes and integrations from an OpenAPI body and ignores the other parts, but supports them all in
its API Gateway calls. So this applies the same definition a second time with these calls.
"""

import json

PREFIX = "x-amazon-apigateway-"
STAGE = "prod"


def complete(gateway, api_id: str, definition: dict) -> str:
    """Applies the ignored parts. Returns a description of the change, which `up` and `demo` print."""
    _set_validators(gateway, api_id, definition)
    _set_gateway_responses(gateway, api_id, definition)
    _deploy(gateway, api_id)
    return "the API's request validation and gateway responses are set with API calls"


def _set_validators(gateway, api_id: str, definition: dict) -> None:
    validators = {}
    for name, checks in definition.get(f"{PREFIX}request-validators", {}).items():
        validators[name] = gateway.create_request_validator(restApiId=api_id, name=name, **checks)["id"]
    _make_models(gateway, api_id, definition)
    resources = {item["path"]: item["id"] for item in gateway.get_resources(restApiId=api_id, limit=500)["items"]}
    for path, methods in definition["paths"].items():
        for verb, method in methods.items():
            target = {"restApiId": api_id, "resourceId": resources[path], "httpMethod": verb.upper()}
            for parameter in method.get("parameters", []):
                _set_parameter(gateway, target, parameter)
            for content_type, body in method.get("requestBody", {}).get("content", {}).items():
                model = body["schema"]["$ref"].rsplit("/", 1)[-1]
                _patch(gateway.update_method, target, "add", f"/requestModels/{_escape(content_type)}", model)
            validator = method.get(f"{PREFIX}request-validator")
            if validator:
                _patch(gateway.update_method, target, "replace", "/requestValidatorId", validators[validator])


def _make_models(gateway, api_id: str, definition: dict) -> None:
    for name, schema in definition.get("components", {}).get("schemas", {}).items():
        text = json.dumps(schema)
        gateway.create_model(restApiId=api_id, name=name, contentType="application/json", schema=text)


def _set_parameter(gateway, target: dict, parameter: dict) -> None:
    location = {"header": "header", "path": "path", "query": "querystring"}[parameter["in"]]
    name = _escape(f"method.request.{location}.{parameter['name']}")
    # Only the required ones: the emulator takes any text, even "false", for required.
    if parameter["required"]:
        _patch(gateway.update_method, target, "add", f"/requestParameters/{name}", "true")


def _set_gateway_responses(gateway, api_id: str, definition: dict) -> None:
    for response_type, response in definition.get(f"{PREFIX}gateway-responses", {}).items():
        arguments = {"restApiId": api_id, "responseType": response_type}
        if "statusCode" in response:
            arguments["statusCode"] = str(response["statusCode"])
        for member in ("responseParameters", "responseTemplates"):
            arguments[member] = response.get(member, {})
        gateway.put_gateway_response(**arguments)


def _deploy(gateway, api_id: str) -> None:
    """Deploys again, because a stage uses the gateway responses of the time of its deployment."""
    deployment = gateway.create_deployment(restApiId=api_id)["id"]
    _patch(gateway.update_stage, {"restApiId": api_id, "stageName": STAGE}, "replace", "/deploymentId", deployment)


def _patch(call, target: dict, operation: str, path: str, value: str = "") -> None:
    call(**target, patchOperations=[{"op": operation, "path": path, "value": value}])


def _escape(text: str) -> str:
    """A name within a JSON pointer."""
    return text.replace("~", "~0").replace("/", "~1")
