"""AI models that say what a test has written for them."""

import asyncio
from collections.abc import AsyncGenerator, Collection

from domain.ai.models import Candidate
from domain.ai.prompts import Prompt
from domain.ai.providers import Delta, TextDelta, TokenCount
from domain.avatars import AiProvider
from domain.errors import ProviderFailure
from domain.ports import Models

Step = str | TokenCount | ProviderFailure | asyncio.Event


class ScriptedModels(Models):
    """Plays scripts, one for each call.

        models = ScriptedModels()
        models.script("groq/llama-3.3-70b-versatile", "Hello ", "there.", TokenCount(9, 2))
        models.script("openai/gpt-4o-mini", "Hello ", ProviderFailure("broken_stream"))
        models.script("xai/grok-3-mini", "Hello ", more := asyncio.Event(), "there.")

    A string is said as one delta; a `TokenCount` is passed on; a `ProviderFailure` is raised, so as
    the only step it fails before the first word; an `Event` stalls the model until the test sets it.
    At nothing else does it give way to other tasks, so that no patience ends while it speaks.
    Several scripts for one model are for its first call, its second, and so on; the last one stays.
    A model without a script fails with `http_404`.

    `calls` are the candidates that were asked and `prompts` what they were asked, in order;
    `closed` counts the streams that were left before their end.
    """

    def __init__(self, managed: Collection[AiProvider] = tuple(AiProvider)) -> None:
        self.calls: list[Candidate] = []
        self.prompts: list[Prompt] = []
        self.closed = 0
        self._managed = frozenset(managed) - {AiProvider.CUSTOM}
        self._scripts: dict[str, list[tuple[Step, ...]]] = {}

    def script(self, model: str, *steps: Step) -> None:
        """What the model with this id does when it is called, after the scripts that it has already."""
        self._scripts.setdefault(model, []).append(steps)

    def asked(self, model: str) -> int:
        """How often the model with this id was called."""
        return sum(call.id == model for call in self.calls)

    def managed(self) -> frozenset[AiProvider]:
        return self._managed

    async def stream(self, candidate: Candidate, prompt: Prompt) -> AsyncGenerator[Delta]:
        self.calls.append(candidate)
        self.prompts.append(prompt)
        ended = False
        try:
            for step in self._next(candidate.id):
                if isinstance(step, ProviderFailure):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield TextDelta(step) if isinstance(step, str) else step
            ended = True
        except ProviderFailure:
            ended = True
            raise
        finally:
            self.closed += not ended

    def _next(self, model: str) -> tuple[Step, ...]:
        scripts = self._scripts.get(model, [(ProviderFailure("http_404"),)])
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]
