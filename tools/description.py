"""`test-description`: schemathesis tests the APIs of a running stack by their OpenAPI description.

It sends valid and invalid requests that it generates from the description, and checks that each response is described
(status, content type, headers and body), that none is a server error, and that invalid requests are rejected.
"""

import json
import os
import random
import subprocess

from . import client, paths, stacks, venvs
from .problem import Problem

DESCRIPTION = paths.ROOT / "openapi" / "openapi.json"
# Two checks are left out: API Gateway returns 404 for methods that are not described, and whether a valid request is
# accepted depends on more than a description can say, such as the rules of the CSV format.
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
# The number of requests of each kind for each method, which bounds the time.
EXAMPLES_MAX = 40
SECONDS_MAX = 300


def test() -> None:
    """Tests both APIs of the stack `main` that ACCEPTANCE_STACKS describes."""
    stack = stacks.stack("main")
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(1_000_000))
    print(f"running schemathesis with SEED={seed}", flush=True)
    webhooks = stack["webhook_url"].removesuffix("/webhook")
    variables = {
        "DESCRIPTION_API_KEY": stack["api_key"],
        "DESCRIPTION_PROVIDER": stack["webhook_provider"],
        "DESCRIPTION_SECRET": stack["webhook_secret"],
        "DESCRIPTION_STATUS_PATHS": " ".join(_known_files(stack)),
    }
    for base, logical_id in ((stack["api_url"], "TransactionApi"), (webhooks, "WebhookApi")):
        _test(base, _routes(logical_id), variables, seed)


def _known_files(stack: dict) -> list:
    """The status paths of an accepted and of a rejected file, so that requests for a file can find one."""
    samples = ("transactions.csv", "transactions-with-errors.csv")
    return [client.upload(stack, paths.SAMPLES / name)[1]["status_path"] for name in samples]


def _routes(logical_id: str) -> list:
    """The paths of the template. The acceptance tests check that they are the described ones."""
    template = json.loads(paths.TRANSFORMED.read_text())
    described = json.loads(DESCRIPTION.read_text())["paths"]
    return [path for path in template["Resources"][logical_id]["Properties"]["Body"]["paths"] if path in described]


def _test(base: str, routes: list, variables: dict, seed: str) -> None:
    command = [str(venvs.directory_of("description") / "bin" / "schemathesis"), "--no-color"]
    command += ["--config-file", str(paths.ROOT / "tools" / "schemathesis.toml"), "run", str(DESCRIPTION), "--url", base]
    command += [option for path in routes for option in ("--include-path", path)]
    command += ["--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES_MAX), "--seed", seed]
    # The key and the secret are in the environment, because every user of this machine can see a command line.
    environment = {
        **os.environ,
        "PYTHONPATH": str(paths.ROOT),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(paths.WORK / "hypothesis"),
        **variables,
    }
    try:
        code = subprocess.run(command, env=environment, cwd=paths.WORK, timeout=SECONDS_MAX).returncode
    except subprocess.TimeoutExpired as error:
        raise Problem(f"schemathesis took longer than {SECONDS_MAX} s. See its last lines above.") from error
    if code != 0:
        raise Problem(f"The APIs differ from openapi/openapi.json. To repeat this run: SEED={seed} make test-description")
