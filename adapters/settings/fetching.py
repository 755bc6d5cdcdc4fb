"""Where a URL that a user gave may lead."""

from typing import Annotated

from pydantic import PlainValidator
from pydantic_settings import NoDecode

from adapters.settings import values
from adapters.settings.fields import Group, Listed, variable

PrivateHost = Annotated[str, PlainValidator(values.private_host)]


class FetchingSettings(Group):
    allow_private_hosts: Annotated[tuple[PrivateHost, ...], NoDecode, Listed] = variable(
        (),
        "Private hosts that avatars may use all the same, for a model server on your own network.",
        "host:port entries, separated by commas, such as 127.0.0.1:11434",
    )
