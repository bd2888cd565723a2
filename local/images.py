"""`test-images`: the container images, built and used as a SAM user does, on a local cloud."""

import json
import shlex
import socket
import subprocess
import time

from . import base_images, handlers, paths, sam_local, sam_relay, up, venvs
from .problem import Problem
from .samples import send_webhook

START_API_PORT = 3456
START_LAMBDA_PORT = 3457
START_SECONDS_MAX = 120
ENVIRONMENT_FILE = paths.ROOT / "local" / "sam-local.json"
ADD_HOST = "host.docker.internal:host-gateway"
UPLOAD = "upload.json"
# What each event goes to, and what the answer to it must have once the file of UPLOAD is completed: the later ones are
# repeats, which change nothing and announce nothing.
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
# The payment's story: its signature was good for five minutes, so it is signed anew before the payment is assessed.
WEBHOOK = "webhook.json"
PAYMENT_EVENTS = {
    "assess.json": ("FraudDetectorFunction", ['"outcome":"assessed"', '"risk_level":"medium_risk"']),
    # The payment is not a day old.
    "archive.json": ("TransactionArchivalFunction", ['"outcome":"done"', '"archived":0', '"more":false']),
    "reconcile-payments.json": ("TransactionArchivalFunction", ['"unfinished":0', '"more":false']),
}
COMPLETION_SECONDS_MAX = 60
# What the events say of the bucket and of the version that upload.json stores. Both differ here.
BUCKET_OF_EVENTS = "transaction-csv-files-dev-123456789012"
VERSION_OF_EVENTS = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
FILE_OF_EVENTS = "985edebedbea3164b836f93ccfc83cb2"


def test_images() -> None:
    """Builds the images and tries each way in. Without a Docker engine it says so and passes."""
    if not sam_relay.engine_answers():
        print("!!! THE IMAGES WERE NOT TESTED: no Docker engine answers here. Start one, then: make test-images")
        return
    venvs.ensure("sam")
    base_images.provide()
    started = time.monotonic()
    _run(sam_local.command("build"))
    print(f"== sam build took {time.monotonic() - started:.0f} s")
    for name in handlers.NAMES:
        _describe(name)
        _time_start(name)
    up.up()
    try:
        with sam_local.Server("start-lambda", START_LAMBDA_PORT, len(handlers.NAMES)) as functions:
            _play_events(functions)
        with sam_local.Server("start-api", START_API_PORT, len(handlers.NAMES)):
            _curl("transactions.csv", "200")
            _curl("transactions-with-errors.csv", "400")
        _try_plain_invoke()
    finally:
        up.down()
    print("make test-images: passed")


def _play_events(functions: sam_local.Server) -> None:
    """The story of a file, then that of a payment, through `sam local start-lambda`."""
    for event, (function, expected) in EVENTS.items():
        _invoke(functions, event, _of_this_cloud(_event(event)), function, expected)
        if event == UPLOAD:
            _wait_until_completed()
    _invoke(functions, WEBHOOK, _event(WEBHOOK), "WebhookValidatorFunction", ['"statusCode":401', "signature_invalid"])
    signed = _signed_anew(_event(WEBHOOK))
    _invoke(functions, f"{WEBHOOK}, signed anew", signed, "WebhookValidatorFunction", ['"statusCode":200'])
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
    """From `docker run` to the function's first request for work, which a stub of Lambda's Runtime API takes."""
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
            print(f"{name}: {time.monotonic() - started:.2f} s from docker run to its first request for work")
        except TimeoutError as error:
            raise Problem(f"{name} asked for no work within {START_SECONDS_MAX} s.") from error
        finally:
            _run(["docker", "rm", "-f", container], quiet=True)


def _images() -> dict:
    """The name and tag that the template gives each function's image."""
    logical = {name: "".join(word.title() for word in name.split("-")) for name in handlers.NAMES}
    return {name: f"{logical[name].lower()}function:{name}" for name in handlers.NAMES}


def _event(name: str) -> str:
    return (paths.ROOT / "events" / name).read_text()


def _invoke(functions: sam_local.Server, event: str, text: str, function: str, expected: list) -> None:
    started = time.monotonic()
    answer = functions.invoke(function, text)
    if not answer:
        # No function of ours answers with nothing, not even one that fails: its emulated process ended before it answered. An
        # event comes at least once, so that it comes again, and whoever reads this sees what the container has said.
        print(f"!!! {event} got no answer at all, and is sent again. The end of SAM's log:\n{functions.end_of_log()}")
        answer = functions.invoke(function, text)
    print(f"{event}: {time.monotonic() - started:.2f} s\n    {answer[:200]}", flush=True)
    _check(event, answer, expected)


def _check(event: str, answer: str, expected: list) -> None:
    missing = [part for part in expected if part not in answer.replace(" ", "")]
    if missing:
        raise Problem(f"{event} was answered {answer!r}, which lacks {' and '.join(missing)}.")


def _try_plain_invoke() -> None:
    """The README's command, which makes a container for one event. SAM itself may give up before that listens."""
    command = sam_local.command("local", "invoke", "-e", f"events/{UPLOAD}")
    started = time.monotonic()
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    seconds = time.monotonic() - started
    if sam_local.NO_RESPONSE in done.stderr:
        print(f"!!! sam local invoke: SAM gave up before the container listened, after {seconds:.1f} s; see the README")
        return
    if done.returncode != 0:
        raise Problem(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    print(f"sam local invoke -e events/{UPLOAD}: {seconds:.1f} s")
    _check(UPLOAD, done.stdout, EVENTS[UPLOAD][1])


def _wait_until_completed() -> None:
    """What the image stored has started the local cloud's own workflow, which takes a moment."""
    table = json.loads(paths.STACK_FILE.read_text())["status_table"]
    key = {"TableName": table, "Key": {"file_id": {"S": FILE_OF_EVENTS}}}
    deadline = time.monotonic() + COMPLETION_SECONDS_MAX
    while (status := up.cloud_of_up().client("dynamodb").get_item(**key)["Item"]["status"]["S"]) != "completed":
        if time.monotonic() > deadline:
            raise Problem(f"The file of {UPLOAD} is {status} after {COMPLETION_SECONDS_MAX} s, not completed.")
        time.sleep(0.5)


def _of_this_cloud(event: str) -> str:
    """The event with the bucket and, once upload.json has stored it, the version that are here."""
    stack = json.loads(paths.STACK_FILE.read_text())
    store = up.cloud_of_up().client("s3")
    found = store.list_object_versions(Bucket=stack["bucket"], Prefix=f"validated/{FILE_OF_EVENTS}")
    versions = found.get("Versions", [])
    if versions:
        event = event.replace(VERSION_OF_EVENTS, versions[0]["VersionId"])
    return event.replace(BUCKET_OF_EVENTS, stack["bucket"])


def _signed_anew(text: str) -> str:
    """The event with a signature of now, by the secret that is here."""
    event = json.loads(text)
    secret = json.loads(paths.STACK_FILE.read_text())["webhook_secret"]
    for name, value in send_webhook.sign(secret, event["body"].encode()).items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    return json.dumps(event)


def _curl(sample: str, expected: str) -> None:
    url = f"http://127.0.0.1:{START_API_PORT}/upload"
    key = json.loads(paths.STACK_FILE.read_text())["api_key"]
    command = ["curl", "-sS", "-w", "\n%{http_code} in %{time_total} s", "-H", f"x-api-key: {key}"]
    text = _run([*command, "-F", f"file=@{paths.SAMPLES / sample}", url], quiet=True)
    body, _, end = text.rpartition("\n")
    print(f"curl -F file=@{sample}: {end}\n    {body[:200]}")
    if not end.startswith(expected):
        raise Problem(f"The upload of {sample} was answered {text!r}, not with {expected}.")


def _run(command: list, quiet: bool = False) -> str:
    done = subprocess.run(command, cwd=paths.ROOT, stdout=subprocess.PIPE if quiet else None, text=True)
    if done.returncode != 0:
        raise Problem(f"{shlex.join(command)} ended with {done.returncode}.")
    return done.stdout or ""
