"""What is asked of every item of a list, asked for all of them at once."""

from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from strawberry.dataloader import DataLoader

from domain.errors import NotFound
from resolvers.context import Context

P = ParamSpec("P")
T = TypeVar("T")
Many = Callable[Concatenate[Context, Sequence[str], P], Coroutine[Any, Any, Mapping[str, T]]]
"""A verb that answers for those of the given keys that are the caller's."""


class Loaders:
    """Of one operation. Answers are not kept: a mutation may ask twice and be answered differently."""

    def __init__(self, core: Context) -> None:
        self._core = core
        self._loaders: dict[Hashable, DataLoader[str, Any]] = {}

    async def load(self, verb: Many[P, T], key: str, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the verb answers for the key. Raises `NotFound`."""

        async def ask(keys: list[str]) -> list[T | NotFound]:
            found = await verb(self._core, list(dict.fromkeys(keys)), *args, **kwargs)
            return [found[each] if each in found else NotFound("Not found") for each in keys]

        asked = (verb, args, tuple(kwargs.items()))
        loader = self._loaders.setdefault(asked, DataLoader(ask, cache=False))
        answer: T = await loader.load(key)
        return answer
