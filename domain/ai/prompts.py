"""What is sent to a model: the system prompt and as much of the conversation as fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.sessions import Role

UTTERANCE_OVERHEAD = 8
GO_ON = (
    "Your answer was cut off by a broken connection. Go on with it right after its last word. "
    "Repeat nothing, add no introduction and no emotion tag."
)


@dataclass(frozen=True, slots=True)
class Utterance:
    role: Role
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """`utterances` end with the visitor's newest words. `said`: words that another model spoke already."""

    system: str = field(repr=False)
    utterances: tuple[Utterance, ...] = field(repr=False)
    said: str = field(default="", repr=False)

    def messages(self) -> list[dict[str, str]]:
        """As chat messages `{"role", "content"}`: what every provider's protocol is made from."""
        chat = [{"role": "system", "content": self.system}]
        chat += [{"role": str(utterance.role), "content": utterance.content} for utterance in self.utterances]
        if self.said:
            chat += [{"role": "assistant", "content": self.said}, {"role": "user", "content": GO_ON}]
        return chat


def estimated_tokens(text: str) -> int:
    """An upper estimate: one token for each three bytes of UTF-8.

    English takes about four bytes a token and Chinese about three, so a prompt that fits by this
    estimate fits by the model's own count. No tokenizer has to be loaded or downloaded.
    """
    return len(text.encode()) // 3 + 1


def fitting(system: str, utterances: Sequence[Utterance], budget: int) -> Prompt:
    """The prompt with the newest utterances that fit into `budget` tokens; the last utterance always stays.

    The kept history starts with the visitor where possible, since some providers require it.
    """
    left = budget - estimated_tokens(system)
    kept: list[Utterance] = []
    for utterance in reversed(utterances):
        left -= estimated_tokens(utterance.content) + UTTERANCE_OVERHEAD
        if left < 0 and kept:
            break
        kept.append(utterance)
    while len(kept) > 1 and kept[-1].role is Role.ASSISTANT:
        kept.pop()
    return Prompt(system, tuple(reversed(kept)))


def client_history(history: Sequence[Utterance], message: str) -> list[Utterance]:
    """A client's own history without its last item where that repeats the message itself."""
    repeats = history and history[-1].role is Role.USER and history[-1].content == message
    return list(history[:-1] if repeats else history)
