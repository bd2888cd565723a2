"""The command line: `python3 -m operations <command>`."""

import argparse
import sys

from tools import venvs
from tools.problem import Problem, exit_code


def main() -> int:
    """Runs one command. Returns the exit code."""
    arguments = _parse()
    return exit_code(lambda: _dispatch(arguments), "Interrupted. Run the same command again to continue.")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m operations", description="Deploy and operate the system on AWS.")
    commands = parser.add_subparsers(dest="command", required=True)
    bootstrap = commands.add_parser("bootstrap", help="set up what all environments of an account and region share")
    bootstrap.add_argument("--github", default="", help="GitHub repository that may deploy, as owner/name")
    deploy = commands.add_parser("deploy", help="build and deploy an environment")
    deploy.add_argument("--parameters", default="", help="more parameters of the template, as Name=value ...")
    partner = commands.add_parser("partner", help="create an API key for a partner")
    partner.add_argument("--name", required=True, help="the partner's name, which is stored with its rows")
    partner.add_argument("--again", action="store_true", help="create one more key for a partner that has one")
    operator = commands.add_parser("operator", help="create an API key for an operator, who sees the days of all partners")
    provider = commands.add_parser("provider", help="create, rotate or revoke the secret of a provider")
    provider.add_argument("--name", required=True, help="the provider's name, as in its webhooks")
    provider.add_argument("--rotate", action="store_true", help="create a new secret beside the current one")
    provider.add_argument("--revoke", action="store_true", help="delete the previous one of two secrets")
    destroy = commands.add_parser("destroy", help="delete an environment with all its data")
    destroy.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for parser_of_one in (deploy, partner, operator, provider, destroy):
        parser_of_one.add_argument("--environment", required=True, help="name of the environment, such as dev")
    return parser.parse_args()


def _dispatch(arguments: argparse.Namespace) -> int:
    venvs.continue_in("cloud", "operations")
    # Here, because these need boto3, which only the environment has.
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _run(arguments)
    except ClientError as error:
        details = error.response.get("Error", {})
        raise Problem(f"AWS rejected {error.operation_name}: {details.get('Message') or details.get('Code')}") from error
    except BotoCoreError as error:
        raise Problem(
            f"AWS cannot be reached with these settings: {str(error).rstrip('.')}. Check AWS_PROFILE, AWS_REGION and "
            "`aws sts get-caller-identity`."
        ) from error
    return 0


def _run(arguments: argparse.Namespace) -> None:
    from . import bootstrap, deploy, destroy, operator_key, partner, provider
    from .account import Account
    from .stack import Stack, stack_of

    account = Account()
    if arguments.command == "bootstrap":
        bootstrap.bootstrap(account, arguments.github)
        return
    stack: Stack = stack_of(account, arguments.environment)
    if arguments.command == "deploy":
        deploy.deploy(stack, arguments.environment, arguments.parameters.split())
    elif arguments.command == "partner":
        partner.partner(stack, arguments.environment, arguments.name, arguments.again)
    elif arguments.command == "operator":
        operator_key.operator_key(stack, arguments.environment)
    elif arguments.command == "provider":
        provider.provider(stack, arguments.environment, arguments.name, arguments.rotate, arguments.revoke)
    else:
        destroy.destroy(stack, arguments.yes)


if __name__ == "__main__":
    sys.exit(main())
