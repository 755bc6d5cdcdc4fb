"""The command line's words: what it takes, and what it prints."""

import argparse
import logging


def arguments() -> argparse.Namespace:
    """`command` is serve, token or doctor; with token comes `email`."""
    parser = argparse.ArgumentParser(prog="avatarium", description="Talking 3D avatars for any web site.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the server")
    commands.add_parser("token", help="print a bearer token for local sign-in").add_argument("--email", required=True)
    commands.add_parser("doctor", help="say what is configured, what is missing, and what would fail")
    return parser.parse_args()


def addresses(public_url: str, demo_url: str, sign_in_link: str | None) -> str:
    """What is printed once the server is open."""
    lines = [
        "",
        f"  Avatarium     {public_url}",
        f"  Demo avatar   {demo_url}",
        f"  GraphQL       {public_url}/graphql",
        f"  REST          {public_url}/v1",
    ]
    if sign_in_link:
        lines += ["", f"  Sign in       {sign_in_link}"]
    return "\n".join([*lines, ""])


def log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
