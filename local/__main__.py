"""The command line: `python3 -m local <command>`."""

import sys

if sys.version_info < (3, 10):
    sys.exit(
        "Python 3.10 or later is needed, this is %s. Name another one: make PYTHON=python3.12 ..."
        % sys.version.split()[0]
    )

import argparse
import signal
import time

from . import demo, description, handlers, images, lint_workflow, paths, run, sbom, scan, test_page, transform, up, venvs
from .problem import Problem, tell


def main() -> int:
    """Runs one command. Returns the exit code."""
    arguments = _parse()
    # So that a kill, like Ctrl-C, unwinds through what stops the emulator.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return tell(lambda: _dispatch(arguments), "Interrupted. What was started is stopped.")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m local", description="Runs the real template on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make the Python environments, if they are missing or outdated")
    commands.add_parser("build", help="build the handlers with cargo")
    commands.add_parser("up", help="start a cloud that stays, on port 4566 or PORT")
    commands.add_parser("down", help="stop it")
    commands.add_parser("lint-workflow", help="check the state machines' definitions")
    commands.add_parser("transform", help="write what SAM makes of the template to .local/transformed.json")
    commands.add_parser("scan", help="scan that, and bootstrap.yaml, with checkov")
    commands.add_parser("sbom", help="write the bills of materials of the images to target/sbom/")
    commands.add_parser("test-description", help="try the APIs of a running stack by their description (see `run`)")
    commands.add_parser("test-images", help="build the container images and try them with sam local")
    page_parser = commands.add_parser("test-page", help="test the page in a headless Chromium, on a cloud of its own")
    page_parser.add_argument("filters", nargs="*", help="parts of names of tests; without any, all are run")
    demo_parser = commands.add_parser("demo", help="show the way of files and of webhooks, on a cloud of its own")
    demo_parser.add_argument(
        "--started", type=float, default=time.time(), help="when the command began, in Unix seconds"
    )
    run_parser = commands.add_parser("run", help="run a command with stacks of its own")
    run_parser.add_argument("--stacks", required=True, help="suffixes of the stacks, with commas between them")
    run_parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command", help="what to run")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "setup":
        for name in venvs.NAMES:
            venvs.ensure(name)
    elif arguments.command == "build":
        handlers.build()
    elif arguments.command == "lint-workflow":
        venvs.ensure("sam")
        lint_workflow.lint()
    elif arguments.command == "test-description":
        venvs.ensure("description")
        description.test()
    elif arguments.command == "sbom":
        for path in sbom.write():
            print(path.relative_to(paths.ROOT))
    elif arguments.command == "down":
        up.down()
    else:
        venvs.continue_in("cloud", "local")
        return _use_cloud(arguments)
    return 0


def _use_cloud(arguments: argparse.Namespace) -> int:
    if arguments.command == "up":
        up.up()
    elif arguments.command == "transform":
        transform.write()
    elif arguments.command == "scan":
        venvs.ensure("checkov")
        scan.scan()
    elif arguments.command == "test-images":
        images.test_images()
    elif arguments.command == "test-page":
        return test_page.test_page(arguments.filters)
    elif arguments.command == "demo":
        demo.demo(arguments.started)
    else:
        command = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
        if not command:
            raise Problem(
                "There is no command to run. Write it after two hyphens: python3 -m local run --stacks main -- ls"
            )
        return run.run(arguments.stacks.split(","), command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
