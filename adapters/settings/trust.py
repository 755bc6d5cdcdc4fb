"""Who may sign in, and with what secrets are sealed."""

from typing import Annotated

from pydantic import SecretStr
from pydantic_settings import NoDecode

from adapters.settings.fields import Group, Listed, variable
from adapters.settings.values import SECRET_MIN


class TrustSettings(Group):
    secret_key: Annotated[tuple[SecretStr, ...], NoDecode, Listed] = variable(
        (),
        "Secrets, separated by commas: the first seals stored keys and signs sign-in tokens, the others still open "
        "what they sealed. When unset, secret.key in the data directory is used, and created at first.",
        f"one or more random texts of at least {SECRET_MIN} characters, separated by commas",
    )
    firebase_project_id: str | None = variable(
        None, "The Firebase project whose users may sign in. When unset, sign-in is local.", "a Firebase project id"
    )
    allow_remote_local_sign_in: bool = variable(
        False,
        "Allows local sign-in on a server that other machines reach. Whoever holds a sign-in link is its owner.",
        "true or false",
    )
    sign_in_link_minutes: int = variable(
        60, "Minutes for which a printed sign-in link works.", "a number from 1 to 10080 (a week)", ge=1, le=10_080
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret.get_secret_value() for secret in self.secret_key)
