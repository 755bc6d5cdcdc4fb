"""Errors as GraphQL shows them: ours with their code, anything else masked."""

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from domain.errors import BadRequest, masked
from schema.engine.context import OperationContext
from schema.engine.secrecy import without_suggestion

NO_OPERATION = MissingQueryError | CannotGetOperationTypeError | InvalidOperationTypeError


def show(error: GraphQLError, context: OperationContext) -> None:
    """Rewrites an error in place for the caller."""
    request_id, original = context.core.request_id, error.original_error
    if original is None or isinstance(original, GraphQLError | NO_OPERATION):
        error.message = error.message if context.trusted else without_suggestion(error.message)
        extensions = {"code": BadRequest.code, "retryable": False, **dict(error.extensions or {})}
    else:
        known = masked(original, request_id)
        error.message, extensions = known.message, known.extensions
    error.extensions = {**extensions, "requestId": request_id}
