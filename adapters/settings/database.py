"""Which database."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr

from adapters.settings import values
from adapters.settings.fields import derived
from adapters.settings.operating import OperatingSettings


def hidden_database_url(url: SecretStr) -> SecretStr:
    return SecretStr(values.database_url(url.get_secret_value()))


class DatabaseSettings(OperatingSettings):
    database_url: Annotated[SecretStr, AfterValidator(hidden_database_url)] = derived(
        "The database: an SQLite file or a PostgreSQL database.",
        "an address such as sqlite:////absolute/path.db or postgresql://user:password@host/database",
        lambda known: SecretStr(f"sqlite:///{known['data_dir'] / 'avatarium.db'}"),
    )
