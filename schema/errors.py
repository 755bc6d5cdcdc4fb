"""Errors as GraphQL shows them: ours with their code, anything else masked."""

import logging
import traceback

from graphql import GraphQLError

from domain.errors import AvatariumError, BadRequest, Internal
from schema.context import OperationContext

log = logging.getLogger("avatarium.graphql")


def show(error: GraphQLError, context: OperationContext) -> None:
    """Rewrites an error in place for the caller, and logs what nobody expected.

    Only its kind and place are logged: an exception's text may quote a visitor or a key.
    """
    request_id, original = context.core.request_id, error.original_error
    extensions = dict(error.extensions or {})
    if original is None or isinstance(original, GraphQLError):
        extensions = {"code": BadRequest.code, "retryable": False, **extensions}
    elif not isinstance(original, AvatariumError):
        log.error("request %s: %s at %s", request_id, type(original).__name__, place(original))
        masked = Internal(f"Something went wrong here. Report it with the request id {request_id}.")
        error.message, extensions = masked.message, masked.extensions
    error.extensions = {**extensions, "requestId": request_id}


def place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
