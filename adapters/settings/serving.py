"""Where the server listens, and whom it answers."""

from typing import Annotated

from pydantic import AfterValidator, PlainValidator, PositiveInt
from pydantic_settings import NoDecode

from adapters.settings import values
from adapters.settings.fields import Group, Listed, Seconds, derived, variable
from domain.network.addresses import is_loopback
from domain.network.origins import is_local_name

Network = Annotated[values.Network, PlainValidator(values.network)]


class ServingSettings(Group):
    host: Annotated[str, AfterValidator(values.host)] = variable(
        "127.0.0.1",
        "The address to listen on. Only this machine reaches 127.0.0.1; 0.0.0.0 listens everywhere.",
        "an IP address or a host name",
    )
    port: int = variable(8000, "The port to listen on.", "a number from 1 to 65535", ge=1, le=65535)
    public_url: Annotated[str, AfterValidator(values.origin)] = derived(
        "The address under which browsers reach this server; links and embed codes are built from it.",
        "an http or https address without a path, such as https://avatars.example.com",
        lambda known: values.local_url(known["host"], known["port"]),
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, Listed] = variable(
        (),
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
        "IP addresses or networks, separated by commas, such as 10.0.0.0/8,192.168.1.4",
    )
    max_body_bytes: PositiveInt = variable(
        1_048_576, "The largest request body that is accepted.", "a number of bytes above zero"
    )
    shutdown_timeout: Seconds = variable(
        30.0, "Seconds that a shutdown may take in all; then the process ends by force.", "seconds above zero"
    )

    @property
    def is_local(self) -> bool:
        """Whether only this machine is meant to reach the server."""
        return is_loopback(self.host) and is_loopback(values.http_url(self.public_url).hostname)

    def answers_to(self, host: str | None) -> bool:
        """Whether a request may ask for the server by this `Host`."""
        return not is_loopback(self.host) or is_local_name(host, self.public_url)
