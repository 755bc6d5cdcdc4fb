"""The command line's words: what it takes, and what it prints."""

import argparse
from pathlib import Path

from adapters.settings.settings import Settings


def arguments() -> argparse.Namespace:
    """`command` is serve, token, backup or doctor; with token comes `email`, with backup `target`."""
    parser = argparse.ArgumentParser(prog="avatarium", description="Talking 3D avatars for any web site.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the server")
    commands.add_parser("token", help="print a bearer token for local sign-in").add_argument("--email", required=True)
    backup = commands.add_parser("backup", help="copy the SQLite database, also while the server runs")
    backup.add_argument("target", type=Path, help="the file to write, which must not exist")
    commands.add_parser("doctor", help="say what is configured, what is missing, and what would fail")
    return parser.parse_args()


def printed(settings: Settings, given: argparse.Namespace) -> str:
    """What `token` and `backup` have to say."""
    from adapters.operating.backup import back_up
    from adapters.trust.local import local_token

    return local_token(settings, given.email) if given.command == "token" else back_up(settings, given.target)


def addresses(settings: Settings, demo_path: str, sign_in_link: str | None) -> str:
    """What is printed once the server is open."""
    public_url = settings.public_url
    lines = ["", f"  Avatarium     {public_url}"]
    if settings.demo:
        lines.append(f"  Demo avatar   {public_url}{demo_path}")
    lines += [f"  GraphQL       {public_url}/graphql", f"  REST          {public_url}/v1"]
    if sign_in_link:
        lines += ["", f"  Sign in       {sign_in_link}"]
    return "\n".join([*lines, ""])
