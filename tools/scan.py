"""`scan`: checkov on the transformed template and on bootstrap.yaml, with nothing failed.

A finding that is passed over has its reason at its resource, under `Metadata`. Here it is also shown that each such
reason is still needed: without the reasons, exactly the findings that they name come back.
"""

import json
import os
import subprocess
from pathlib import Path

from . import paths, transform, venvs
from .problem import Problem

TEMPLATES = (paths.TRANSFORMED, paths.ROOT / "bootstrap.yaml")
# No call leaves this machine: neither rules nor links to explanations are fetched.
OPTIONS = ["--framework", "cloudformation", "--skip-download", "--output", "json"]


def scan() -> None:
    """Scans both templates, and prints one line if all is well."""
    transform.write()
    report = _checkov(*TEMPLATES)
    failed, excused = report["results"]["failed_checks"], report["results"]["skipped_checks"]
    if failed:
        raise Problem("checkov found what is not excused at its resource:\n" + "\n".join(map(_sentence, failed)))
    _refuse_needless_excuses({(finding["check_id"], finding["resource"]) for finding in excused})
    for finding in excused:
        if not finding["check_result"].get("suppress_comment"):
            raise Problem(f"An excuse has no reason. {_sentence(finding)}")
    print(f"checkov: {report['summary']['passed']} checks passed, none failed, {len(excused)} excused with a reason")


def _refuse_needless_excuses(excused: set) -> None:
    report = _checkov(*map(_without_excuses, TEMPLATES))
    needed = {(finding["check_id"], finding["resource"]) for finding in report["results"]["failed_checks"]}
    if excused != needed:
        raise Problem(f"These excuses are needed no more: {sorted(excused - needed)}")


def _without_excuses(file: Path) -> Path:
    # Here, because the command line must start on a Python that does not have it.
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(file.read_text())
    for resource in template["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    bare = paths.WORK / f"{file.stem}-without-excuses.json"
    bare.write_text(json.dumps(template, indent=2))
    return bare


def _checkov(*files: Path) -> dict:
    # An environment made from nothing: a key for checkov's platform, in the user's, would send it our templates.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(paths.WORK), "LOG_LEVEL": "ERROR"}
    command = [str(venvs.directory_of("checkov") / "bin" / "checkov"), *OPTIONS, "--file", *map(str, files)]
    done = subprocess.run(command, env=environment, cwd=paths.ROOT, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        scanned = report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 0
    except (ValueError, KeyError, TypeError):
        scanned = False
    if not scanned:
        last_words = (done.stdout + done.stderr)[-4000:]
        raise Problem(f"checkov could not scan the templates. Its last words:\n{last_words}")
    return report


def _sentence(finding: dict) -> str:
    return f"{finding['check_id']} at {finding['resource']}: {finding['check_name']}"
