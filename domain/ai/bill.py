"""What a model's answer costs."""

from domain.ai.models import Candidate
from domain.ai.prompts import Prompt, estimated_tokens
from domain.ai.providers import TokenCount
from domain.sessions import NO_USAGE, Usage


class Bill:
    """Of one model that was asked once: by its own count, or else by our estimate of what it heard and said."""

    def __init__(self, asked: Candidate, prompt: Prompt) -> None:
        self._asked, self._prompt = asked, prompt
        self._count: TokenCount | None = None
        self._said: list[str] = []
        self.characters = 0

    def said(self, text: str) -> None:
        self._said.append(text)
        self.characters += len(text)

    def counted(self, count: TokenCount) -> None:
        self._count = count

    def usage(self) -> Usage:
        """Nothing for a model that failed before it gave anything."""
        said = "".join(self._said)
        if not said and not self._count:
            return NO_USAGE
        count = self._count or TokenCount(self._estimated_prompt(), estimated_tokens(said))
        cost = self._asked.cost(count.input_tokens, count.output_tokens)
        return Usage(count.input_tokens, count.output_tokens, cost, estimated=self._count is None)

    def _estimated_prompt(self) -> int:
        return sum(estimated_tokens(message["content"]) for message in self._prompt.messages())
