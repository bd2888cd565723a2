"""`test-description`: the description of the APIs, tried on a running stack by schemathesis.

It makes requests from the description, right ones and wrong ones, and wants what comes back to be described: the status,
the content type, the headers and the body; no server error; and nothing taken that the description does not allow.
"""

import json
import os
import random
import subprocess

from . import client, paths, stacks, venvs
from .problem import Problem

DESCRIPTION = paths.ROOT / "openapi" / "openapi.json"
# What is not asked for: other verbs than the described are answered with 404 as API Gateway does, and whether a request
# that fits the description is taken depends on more than it can say, such as the rules of the CSV format.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
)
# A bound on the time rather than on what could be tried: each method gets as many requests of each kind.
EXAMPLES_MAX = 40
SECONDS_MAX = 300


def test() -> None:
    """Tests both APIs of the stack `main` that ACCEPTANCE_STACKS describes."""
    stack = stacks.stack("main")
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(1_000_000))
    print(f"schemathesis tries the description with SEED={seed}", flush=True)
    webhooks = stack["webhook_url"].removesuffix("/webhook")
    variables = {
        "DESCRIPTION_API_KEY": stack["api_key"],
        "DESCRIPTION_PROVIDER": stack["webhook_provider"],
        "DESCRIPTION_SECRET": stack["webhook_secret"],
        "DESCRIPTION_STATUS_PATHS": " ".join(_known_files(stack)),
    }
    for base, logical_id in ((stack["api_url"], "TransactionApi"), (webhooks, "WebhookApi")):
        _try(base, _routes(logical_id), variables, seed)


def _known_files(stack: dict) -> list:
    """The status paths of a file that is taken and of one that is refused, so that following a file finds one."""
    samples = ("transactions.csv", "transactions-with-errors.csv")
    return [client.upload(stack, paths.SAMPLES / name)[1]["status_path"] for name in samples]


def _routes(logical_id: str) -> list:
    """The paths that the template has. That they are the described ones is held by the acceptance tests."""
    template = json.loads(paths.TRANSFORMED.read_text())
    described = json.loads(DESCRIPTION.read_text())["paths"]
    return [path for path in template["Resources"][logical_id]["Properties"]["Body"]["paths"] if path in described]


def _try(base: str, routes: list, variables: dict, seed: str) -> None:
    command = [str(venvs.directory_of("description") / "bin" / "schemathesis"), "--no-color"]
    command += ["--config-file", str(paths.ROOT / "tools" / "schemathesis.toml"), "run", str(DESCRIPTION), "--url", base]
    command += [option for path in routes for option in ("--include-path", path)]
    command += ["--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES_MAX), "--seed", seed]
    # Only the environment is told the key and the secret: a command line is for all to see.
    environment = {
        **os.environ,
        "PYTHONPATH": str(paths.ROOT),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(paths.WORK / "hypothesis"),
        **variables,
    }
    try:
        code = subprocess.run(command, env=environment, cwd=paths.WORK, timeout=SECONDS_MAX).returncode
    except subprocess.TimeoutExpired as error:
        raise Problem(f"schemathesis took longer than {SECONDS_MAX} s. Look at what it tried last.") from error
    if code != 0:
        raise Problem(f"The APIs do not do what openapi/openapi.json says. Try the same again: SEED={seed} make test-description")
