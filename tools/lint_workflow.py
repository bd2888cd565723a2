"""`lint-workflow`: checks the definitions of the state machines.

cfn-lint checks the fields of states, but only in a definition inside a template, so this writes such a template.
cfn-lint does not check the targets of transitions and the fields of retries, so this does. The tests check what the
definitions must say for this system.
"""

import json
import re
import subprocess
from pathlib import Path

from . import paths, venvs
from .problem import Problem

RETRY_FIELDS = {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
CATCH_FIELDS = {"ErrorEquals", "ResultPath", "Next"}


def lint() -> None:
    """Checks every definition in statemachine/."""
    for file in paths.DEFINITIONS:
        _lint(file)


def _lint(file: Path) -> None:
    name = file.relative_to(paths.ROOT)
    definition = json.loads(file.read_text())
    errors = list(_errors(definition))
    if errors:
        raise Problem(f"{name} has errors: {'; '.join(errors)}")
    _run_cfn_lint(name, definition)
    print(f"{name} is a valid state machine")


def _errors(machine: dict):
    """The errors in the transitions and the error handling of a machine, and of those inside its states."""
    states = machine["States"]
    targets = {machine["StartAt"]}.union(*(_targets(state) for state in states.values()))
    for name in sorted(targets - states.keys()):
        yield f"there is no state {name}"
    for name in sorted(states.keys() - targets):
        yield f"no transition leads to {name}"
    for name, state in states.items():
        for field, known in (("Retry", RETRY_FIELDS), ("Catch", CATCH_FIELDS)):
            unknown = {key for rule in state.get(field, []) for key in rule.keys() - known}
            if unknown:
                yield f"{name} has unknown fields in {field}: {', '.join(sorted(unknown))}"
        inside = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        for inner in inside:
            yield from _errors(inner)


def _targets(state: dict) -> set:
    rules = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {rule[key] for rule in rules for key in ("Next", "Default") if key in rule}


def _run_cfn_lint(name: Path, definition: dict) -> None:
    properties = {
        "StateMachineType": "EXPRESS",
        "RoleArn": "arn:aws:iam::000000000000:role/workflow",
        "Definition": definition,
        "DefinitionSubstitutions": dict.fromkeys(re.findall(r"\$\{(\w+)\}", json.dumps(definition)), "any"),
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    file = paths.WORK / f"{name.name.split('.')[0]}.template.json"
    file.write_text(
        json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"WorkflowStateMachine": machine}})
    )
    if subprocess.run([str(venvs.directory_of("sam") / "bin" / "cfn-lint"), str(file)]).returncode != 0:
        raise Problem(f"cfn-lint found errors in {name}. See above.")
