"""Strawberry's extensions, called for each event of a subscription only where one has something to do."""

from contextlib import nullcontext
from typing import Any, cast

from strawberry.extensions import SchemaExtension
from strawberry.extensions.context import StreamResultContextManager
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext, StreamExecutionResult

NOTHING = cast(StreamResultContextManager, nullcontext())


class LeanRunner(SchemaExtensionsRunner):
    def __init__(self, execution_context: ExecutionContext, extensions: list[SchemaExtension]) -> None:
        super().__init__(execution_context, extensions)
        kinds = [type(each) for each in extensions]
        self._watching = any(kind.on_stream_result is not SchemaExtension.on_stream_result for kind in kinds)
        self._telling = any(kind.get_results is not SchemaExtension.get_results for kind in kinds)

    def on_stream_result(self, result: StreamExecutionResult) -> StreamResultContextManager:
        return super().on_stream_result(result) if self._watching else NOTHING

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:
        return await super().get_extensions_results(ctx) if self._telling else ctx.extensions_results
