"""`build-images` and `test-images`: the container images, built and used as a SAM user does, on a local cloud."""

import json
import shlex
import socket
import subprocess
import time

from . import base_images, client, handlers, paths, sam_local, sam_relay, stacks
from .problem import Problem

START_API_PORT = 3456
START_LAMBDA_PORT = 3457
START_SECONDS_MAX = 120
ENVIRONMENT_FILE = paths.ROOT / "tools" / "sam-local.json"
ADD_HOST = "host.docker.internal:host-gateway"
# The stack that sam-local.json names.
SUFFIX = "local"
UPLOAD = "upload.json"
# The function for each event, and what its response must contain. The events after UPLOAD are repeats, which change and
# publish nothing, because its file is completed by then.
EVENTS = {
    UPLOAD: ("CsvValidatorFunction", ['"statusCode":200']),
    "upload-invalid.json": ("CsvValidatorFunction", ['"statusCode":400']),
    "correctable.json": ("CsvValidatorFunction", ['"statusCode":200', "rejected_rows"]),
    "file-status.json": ("CsvValidatorFunction", ['"statusCode":404']),
    "create-upload.json": ("CsvValidatorFunction", ['"statusCode":200', "awaiting_upload"]),
    "validate.json": ("CsvValidatorFunction", ['"outcome":"done"']),
    "transform.json": ("DataTransformerFunction", ['"rows":12', '"stored":12', '"replaced":0']),
    "notify.json": ("NotificationSenderFunction", ['"status":"completed"', '"published":false']),
    "record-failure.json": ("NotificationSenderFunction", ['"status":"completed"', '"published":false']),
    "report-missing.json": ("NotificationSenderFunction", ['"day":"2001-01-01"', '"missing"']),
    # Nothing here is an hour old.
    "reconcile-files.json": ("NotificationSenderFunction", ['"unfinished":0', '"more":false']),
}
# The signature of the event is valid for five minutes, so it is signed again before the payment is assessed.
WEBHOOK = "webhook.json"
PAYMENT_EVENTS = {
    "assess.json": ("FraudDetectorFunction", ['"outcome":"assessed"', '"risk_level":"medium_risk"']),
    # The payment is not a day old.
    "archive.json": ("TransactionArchivalFunction", ['"outcome":"done"', '"archived":0', '"more":false']),
    "reconcile-payments.json": ("TransactionArchivalFunction", ['"unfinished":0', '"more":false']),
}
COMPLETION_SECONDS_MAX = 60
# The bucket and the version of upload.json in the events. Both differ here.
BUCKET_OF_EVENTS = "transaction-csv-files-dev-123456789012"
VERSION_OF_EVENTS = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
FILE_OF_EVENTS = "985edebedbea3164b836f93ccfc83cb2"


def build() -> None:
    """Builds the images, and prints what they are and how long each takes to start."""
    base_images.provide()
    started = time.monotonic()
    _run(sam_local.command("build"))
    print(f"== sam build took {time.monotonic() - started:.0f} s")
    for name in handlers.NAMES:
        _describe(name)
        _time_start(name)


def test() -> None:
    """Tests the built images by every command of `sam local`, on a local cloud with the relay."""
    stack = stacks.stack(SUFFIX)
    with sam_local.Server("start-lambda", START_LAMBDA_PORT, len(handlers.NAMES)) as functions:
        _send_events(functions, stack)
    with sam_local.Server("start-api", START_API_PORT, len(handlers.NAMES)):
        _curl(stack, "transactions.csv", "200")
        _curl(stack, "transactions-with-errors.csv", "400")
    _test_plain_invoke()
    print("make test-images: passed")


def _send_events(functions: sam_local.Server, stack: dict) -> None:
    """Sends the events of one file, then those of one payment, through `sam local start-lambda`."""
    for event, (function, expected) in EVENTS.items():
        _invoke(functions, event, _of_this_cloud(_event(event), stack), function, expected)
        if event == UPLOAD:
            _wait_until_completed(stack)
    _invoke(functions, WEBHOOK, _event(WEBHOOK), "WebhookValidatorFunction", ['"statusCode":401', "signature_invalid"])
    signed = _signed_again(_event(WEBHOOK), stack)
    _invoke(functions, f"{WEBHOOK}, signed again", signed, "WebhookValidatorFunction", ['"statusCode":200'])
    for event, (function, expected) in PAYMENT_EVENTS.items():
        _invoke(functions, event, _event(event), function, expected)


def _describe(name: str) -> None:
    image = _images()[name]
    text = _run(["docker", "image", "inspect", image, "--format", "{{.Architecture}} {{.Size}}"], quiet=True)
    architecture, size = text.split()
    if architecture != "arm64":
        raise Problem(f"The image {image} is for {architecture}, not for arm64.")
    layers = _run(["docker", "history", "--no-trunc", "--format", "{{.Size}} {{.CreatedBy}}", image], quiet=True)
    binary = next(layer.split()[0] for layer in layers.splitlines() if "/var/runtime/bootstrap" in layer)
    print(f"image {image}: {architecture}, {int(size) / 1e6:.0f} MB, of which the binary {binary}")


def _time_start(name: str) -> None:
    """Measures from `docker run` to the function's first request for an event, to a stub of Lambda's Runtime API."""
    with socket.create_server((sam_relay.host_address(), 0)) as stub:
        stub.settimeout(START_SECONDS_MAX)
        runtime = f"host.docker.internal:{stub.getsockname()[1]}"
        variables = {**json.loads(ENVIRONMENT_FILE.read_text())["Parameters"], "AWS_LAMBDA_RUNTIME_API": runtime}
        variables |= {"ENVIRONMENT": "local", "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": name}
        variables |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
        variables |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST"}
        options = [option for key, value in variables.items() for option in ("-e", f"{key}={value}")]
        command = ["docker", "run", "-d", "--platform", "linux/arm64", "--add-host", ADD_HOST, *options]
        started = time.monotonic()
        container = _run([*command, "--entrypoint", "/var/runtime/bootstrap", _images()[name]], quiet=True).strip()
        try:
            stub.accept()[0].close()
            print(f"{name}: {time.monotonic() - started:.2f} s from docker run to its first request for an event")
        except TimeoutError as error:
            raise Problem(f"{name} requested no event within {START_SECONDS_MAX} s.") from error
        finally:
            _run(["docker", "rm", "-f", container], quiet=True)


def _images() -> dict:
    """The name and tag of each function's image, by the template."""
    logical = {name: "".join(word.title() for word in name.split("-")) for name in handlers.NAMES}
    return {name: f"{logical[name].lower()}function:{name}" for name in handlers.NAMES}


def _event(name: str) -> str:
    return (paths.ROOT / "events" / name).read_text()


def _invoke(functions: sam_local.Server, event: str, text: str, function: str, expected: list) -> None:
    started = time.monotonic()
    response = functions.invoke(function, text)
    if not response:
        # No function returns an empty response, not even one that fails: its emulated process ended before it
        # responded. Events are delivered at least once, so it is sent again, and the log shows what the container
        # wrote.
        print(f"!!! {event} got no response and is sent again. The end of SAM's log:\n{functions.end_of_log()}")
        response = functions.invoke(function, text)
    print(f"{event}: {time.monotonic() - started:.2f} s\n    {response[:200]}", flush=True)
    _check(event, response, expected)


def _check(event: str, response: str, expected: list) -> None:
    missing = [part for part in expected if part not in response.replace(" ", "")]
    if missing:
        raise Problem(f"The response to {event} is {response!r}, which lacks {' and '.join(missing)}.")


def _test_plain_invoke() -> None:
    """Runs `sam local invoke`, which starts a container for one event. SAM itself may give up before that listens."""
    command = sam_local.command("local", "invoke", "-e", f"events/{UPLOAD}")
    started = time.monotonic()
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    seconds = time.monotonic() - started
    if sam_local.NO_RESPONSE in done.stderr:
        print(f"!!! sam local invoke: SAM gave up before the container listened, after {seconds:.1f} s")
        return
    if done.returncode != 0:
        raise Problem(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    print(f"sam local invoke -e events/{UPLOAD}: {seconds:.1f} s")
    _check(UPLOAD, done.stdout, EVENTS[UPLOAD][1])


def _wait_until_completed(stack: dict) -> None:
    """Waits for the local cloud's own workflow, which the upload through the image started."""
    table = client.aws(stack, "dynamodb")
    key = {"TableName": stack["status_table"], "Key": {"file_id": {"S": FILE_OF_EVENTS}}}
    deadline = time.monotonic() + COMPLETION_SECONDS_MAX
    while (status := table.get_item(**key)["Item"]["status"]["S"]) != "completed":
        if time.monotonic() > deadline:
            raise Problem(f"The file of {UPLOAD} is {status} after {COMPLETION_SECONDS_MAX} s, not completed.")
        time.sleep(0.5)


def _of_this_cloud(event: str, stack: dict) -> str:
    """The event with the bucket and, once upload.json has stored it, the version of this cloud."""
    found = client.aws(stack, "s3").list_object_versions(Bucket=stack["bucket"], Prefix=f"validated/{FILE_OF_EVENTS}")
    versions = found.get("Versions", [])
    if versions:
        event = event.replace(VERSION_OF_EVENTS, versions[0]["VersionId"])
    return event.replace(BUCKET_OF_EVENTS, stack["bucket"])


def _signed_again(text: str, stack: dict) -> str:
    """The event with a new signature, with the secret of this cloud."""
    event = json.loads(text)
    for name, value in client.sign_webhook(stack["webhook_secret"], event["body"].encode()).items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    return json.dumps(event)


def _curl(stack: dict, sample: str, expected: str) -> None:
    url = f"http://127.0.0.1:{START_API_PORT}/upload"
    command = ["curl", "-sS", "-w", "\n%{http_code} in %{time_total} s", "-H", f"x-api-key: {stack['api_key']}"]
    text = _run([*command, "-F", f"file=@{paths.SAMPLES / sample}", url], quiet=True)
    body, _, end = text.rpartition("\n")
    print(f"curl -F file=@{sample}: {end}\n    {body[:200]}")
    if not end.startswith(expected):
        raise Problem(f"The response to the upload of {sample} is {text!r}, not {expected}.")


def _run(command: list, quiet: bool = False) -> str:
    done = subprocess.run(command, cwd=paths.ROOT, stdout=subprocess.PIPE if quiet else None, text=True)
    if done.returncode != 0:
        raise Problem(f"{shlex.join(command)} ended with {done.returncode}.")
    return done.stdout or ""
