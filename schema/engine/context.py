"""What a GraphQL operation is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import strawberry

from resolvers.context import Context


@dataclass(slots=True)
class OperationContext:
    """`connection_params` is set by Strawberry, on a WebSocket, before `GraphQLDoor.on_ws_connect`.

    `trusted` callers are told the schema. On a public server they are first looked at when an operation is wrong.
    """

    core: Context
    trusted: bool = False
    connection_params: Mapping[str, object] | None = None


Info: TypeAlias = "strawberry.Info[OperationContext, None]"


def bearer(value: object) -> str | None:
    """The token of `Bearer <token>`, or None for anything else."""
    if not isinstance(value, str):
        return None
    scheme, _, token = value.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
