"""`scan`: checkov on the transformed template and on bootstrap.yaml. Every check must pass or be suppressed with a
reason.

A suppression is in the `Metadata` of its resource, with its reason. This also checks that each is still needed: without
the suppressions, exactly the findings that they name must fail.
"""

import json
import os
import subprocess
from pathlib import Path

from . import paths, transform, venvs
from .problem import Problem

TEMPLATES = (paths.TRANSFORMED, paths.ROOT / "bootstrap.yaml")
# No network: checkov downloads neither rules nor links to guides.
OPTIONS = ["--framework", "cloudformation", "--skip-download", "--output", "json"]


def scan() -> None:
    """Scans both templates, and prints a summary if no check fails."""
    transform.write()
    report = _checkov(*TEMPLATES)
    failed, suppressed = report["results"]["failed_checks"], report["results"]["skipped_checks"]
    if failed:
        raise Problem("checkov found:\n" + "\n".join(map(_sentence, failed)))
    _reject_unneeded_suppressions({(finding["check_id"], finding["resource"]) for finding in suppressed})
    for finding in suppressed:
        if not finding["check_result"].get("suppress_comment"):
            raise Problem(f"A suppression has no reason. {_sentence(finding)}")
    print(f"checkov: {report['summary']['passed']} checks passed, none failed, {len(suppressed)} suppressed with a reason")


def _reject_unneeded_suppressions(suppressed: set) -> None:
    report = _checkov(*map(_without_suppressions, TEMPLATES))
    needed = {(finding["check_id"], finding["resource"]) for finding in report["results"]["failed_checks"]}
    if suppressed != needed:
        raise Problem(f"These suppressions are no longer needed: {sorted(suppressed - needed)}")


def _without_suppressions(file: Path) -> Path:
    # Here, because the command line must start on a Python without it.
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(file.read_text())
    for resource in template["Resources"].values():
        resource.get("Metadata", {}).pop("checkov", None)
    bare = paths.WORK / f"{file.stem}-without-suppressions.json"
    bare.write_text(json.dumps(template, indent=2))
    return bare


def _checkov(*files: Path) -> dict:
    # No variable of the shell: with a key for checkov's platform in it, checkov would send the templates there.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(paths.WORK), "LOG_LEVEL": "ERROR"}
    command = [str(venvs.directory_of("checkov") / "bin" / "checkov"), *OPTIONS, "--file", *map(str, files)]
    done = subprocess.run(command, env=environment, cwd=paths.ROOT, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        scanned = report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 0
    except (ValueError, KeyError, TypeError):
        scanned = False
    if not scanned:
        output = (done.stdout + done.stderr)[-4000:]
        raise Problem(f"checkov could not scan the templates. The end of its output:\n{output}")
    return report


def _sentence(finding: dict) -> str:
    return f"{finding['check_id']} at {finding['resource']}: {finding['check_name']}"
