"""The command line: `python3 -m local <command>`."""

import argparse
import signal
import sys
import time

from tools import handlers, venvs
from tools.problem import Problem, exit_code

from . import demo, run, up


def main() -> int:
    """Runs one command. Returns the exit code."""
    arguments = _parse()
    # So that a kill, like Ctrl-C, stops the emulator on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return exit_code(lambda: _dispatch(arguments), "Interrupted. The local cloud is stopped.")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m local", description="Run the system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the functions with cargo")
    commands.add_parser("up", help="start a local cloud that keeps running, on port 4566 or PORT")
    commands.add_parser("down", help="stop the local cloud of `up`")
    demo_parser = commands.add_parser("demo", help="follow files and payments through the system, on a cloud of its own")
    demo_parser.add_argument(
        "--started", type=float, default=time.time(), help="when the whole command began, in Unix seconds"
    )
    run_parser = commands.add_parser("run", help="start a cloud, run a command with it, and stop it")
    run_parser.add_argument("--stacks", required=True, help="suffixes of the stacks to deploy, separated by commas")
    run_parser.add_argument("--sam-local", action="store_true", help="let the containers of sam local use the cloud")
    run_parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command", help="the command to run")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> int:
    if arguments.command == "build":
        handlers.build()
    elif arguments.command == "down":
        up.down()
    else:
        venvs.continue_in("cloud", "local")
        return _use_cloud(arguments)
    return 0


def _use_cloud(arguments: argparse.Namespace) -> int:
    if arguments.command == "up":
        up.up()
    elif arguments.command == "demo":
        demo.demo(arguments.started)
    else:
        command = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
        if not command:
            raise Problem(
                "There is no command to run. Write it after two hyphens: python3 -m local run --stacks main -- ls"
            )
        return run.run(arguments.stacks.split(","), command, arguments.sam_local)
    return 0


if __name__ == "__main__":
    sys.exit(main())
