"""What kind of installation this is, and where it keeps its data."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from adapters.settings import values
from adapters.settings.fields import Group, variable


class OperatingSettings(Group):
    data_dir: Annotated[Path, AfterValidator(values.directory)] = variable(
        Path("data"), "The directory of the database, the key file and uploads.", "a directory", validate_default=True
    )
    development: bool = variable(
        False,
        "Development mode: allows the Firebase emulator, serves GraphiQL and tells strangers the GraphQL schema. "
        "Never set it on a public server.",
        "true or false",
    )
    demo: bool = variable(
        True, "Makes the demo account and its avatar, which knows this manual, at the first start.", "true or false"
    )
