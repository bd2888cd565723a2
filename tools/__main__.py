"""The command line: `python3 -m tools <command>`."""

import argparse
import sys

from . import description, images, lint_workflow, paths, sbom, scan, test_page, transform, venvs
from .problem import exit_code


def main() -> int:
    """Runs one command. Returns the exit code."""
    arguments = _parse()
    return exit_code(lambda: _dispatch(arguments), "Interrupted.")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tools", description="Check, test and describe this repository.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="create the Python environments that are missing or outdated")
    commands.add_parser("transform", help="write the template after the SAM transform to .local/transformed.json")
    commands.add_parser("scan", help="scan the transformed template and bootstrap.yaml with checkov")
    commands.add_parser("lint-workflow", help="check the definitions of the state machines")
    commands.add_parser("sbom", help="write the bill of materials of each image to target/sbom/")
    commands.add_parser("build-images", help="build the container images and measure how fast they start")
    inside = "run inside `python3 -m local run --stacks {} -- ...`"
    commands.add_parser("test-images", help="test the built images with sam local; " + inside.format("local --sam-local"))
    commands.add_parser("test-description", help="test the APIs by their description alone; " + inside.format("main"))
    page = commands.add_parser("test-page", help="test the page in a headless Chromium; " + inside.format("page"))
    page.add_argument("filters", nargs="*", help="run only the tests whose names contain one of these")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "setup":
        for name in venvs.NAMES:
            venvs.ensure(name)
    elif arguments.command == "lint-workflow":
        venvs.ensure("sam")
        lint_workflow.lint()
    elif arguments.command == "sbom":
        for path in sbom.write():
            print(path.relative_to(paths.ROOT))
    elif arguments.command == "build-images":
        venvs.ensure("sam")
        images.build()
    elif arguments.command == "test-description":
        venvs.ensure("description")
        description.test()
    else:
        venvs.continue_in("cloud", "tools")
        return _with_boto3(arguments)
    return 0


def _with_boto3(arguments: argparse.Namespace) -> int:
    """Runs a command that needs the packages of the environment `cloud`."""
    if arguments.command == "transform":
        transform.write()
    elif arguments.command == "scan":
        venvs.ensure("checkov")
        scan.scan()
    elif arguments.command == "test-images":
        venvs.ensure("sam")
        images.test()
    else:
        venvs.ensure("page")
        return test_page.test_page(arguments.filters)
    return 0


if __name__ == "__main__":
    sys.exit(main())
