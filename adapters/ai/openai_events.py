"""The server-sent events of the OpenAI chat protocol, from raw bytes to words."""

import json

import msgspec

from adapters.ai.failures import http_failure
from domain.ai.models import REPLY_TOKENS
from domain.ai.providers import TokenCount
from domain.errors import ProviderFailure

LINE_MAX = 256 * 1024
# No honest reply comes near it: a server that goes beyond ignores the limit of tokens that we asked for.
TEXT_MAX = 64 * REPLY_TOKENS
COUNT_MAX = 2**31 - 1
DONE = b"[DONE]"


class Delta(msgspec.Struct):
    content: object = None


class Choice(msgspec.Struct):
    delta: Delta | None = None
    finish_reason: object = None


class Event(msgspec.Struct):
    """What counts in an event: the rest is never built, which makes reading it several times faster."""

    choices: list[Choice] | None = None
    usage: object = None
    error: object = None


DECODER = msgspec.json.Decoder(Event)


class EventParser:
    """Turns the bytes of one response into text, wherever they were cut.

    Each `data:` line is one JSON event; no provider spreads an event over several lines. `usage` is
    the newest count, since some providers send a running one. `ended`: nothing more needs reading.
    """

    def __init__(self) -> None:
        self.usage: TokenCount | None = None
        self.ended = False
        self._finished = False
        self._failure: ProviderFailure | None = None
        self._line = bytearray()
        self._length = 0
        self._surrogates = Surrogates()

    def feed(self, data: bytes) -> str:
        """The text in the lines that `data` completes. Raises `ProviderFailure` for what is no event."""
        lines, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._keep(rest)
            return ""
        if self._line:
            lines = bytes(self._line) + lines
            self._line.clear()
        if rest:
            self._keep(rest)
        text = without_nul("".join(self._texts(lines)))
        self._length += len(text)
        if self._length > TEXT_MAX:
            self.ended = True
        return self._surrogates.paired(text) if self._surrogates.seen else text

    def require_whole(self) -> None:
        """Raises `ProviderFailure` unless the reply came to its end."""
        if self._failure:
            raise self._failure
        if not (self.ended or self._finished):
            raise ProviderFailure("broken_stream")

    def _keep(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > LINE_MAX:
            raise ProviderFailure("line_too_long")

    def _texts(self, lines: bytes) -> list[str]:
        texts: list[str] = []
        for line in lines.split(b"\n"):
            if line.startswith(b"data:") and not self.ended and (event := self._event(line[5:])):
                texts.append(self._text(event))
        return texts

    def _event(self, payload: bytes) -> Event | None:
        """The JSON of one line; None where there is none."""
        try:
            return DECODER.decode(payload)
        except (ValueError, RecursionError):
            return self._oddity(payload.strip())

    def _oddity(self, payload: bytes) -> Event | None:
        """What the decoder refuses: the end mark, nothing at all, half a character, or another shape."""
        if payload == DONE:
            self.ended = True
        if not payload or self.ended:
            return None
        self._surrogates.seen = True
        try:
            return event_in(json.loads(payload))
        except (ValueError, RecursionError):
            raise ProviderFailure("broken_stream") from None

    def _text(self, event: Event) -> str:
        """The words of one event; takes note of what else it says."""
        if event.error:
            self._failure, self.ended = reported(event.error), True
            return ""
        if event.usage:
            self.usage = token_count(event.usage) or self.usage
        if not event.choices:
            return ""
        choice = event.choices[0]
        if choice.finish_reason:
            self._finished = True
        text = choice.delta.content if choice.delta else None
        return text if isinstance(text, str) else ""


def without_nul(text: str) -> str:
    """PostgreSQL's text has no NUL: a reply with one could never be stored."""
    return text.replace("\0", "")


def event_in(value: object) -> Event | None:
    """The event in JSON of any shape, as far as it is one."""
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Event(None, value.get("usage"), value.get("error"))
    delta = choice.get("delta")
    spoken = Delta(delta.get("content")) if isinstance(delta, dict) else None
    return Event([Choice(spoken, choice.get("finish_reason"))], value.get("usage"), value.get("error"))


class Surrogates:
    """Pairs the halves of characters: some servers cut an emoji between two events.

    The decoder refuses such halves, so they are only `seen` once the standard library had to read an event.
    """

    def __init__(self) -> None:
        self.seen = False
        self._first = ""

    def paired(self, text: str) -> str:
        text = self._first + text
        self._first = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._first)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def reported(error: object) -> ProviderFailure:
    """What a provider tells of a failure after its answer began; some give it an HTTP status."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code <= 599:
        return http_failure(code)
    return ProviderFailure("error_in_stream")


def token_count(usage: object) -> TokenCount | None:
    """The count in a `usage` object, unless it makes no sense.

    xAI leaves thinking out of `completion_tokens`, but not out of `total_tokens`.
    """
    if not isinstance(usage, dict):
        return None
    asked, said = counted(usage.get("prompt_tokens")), counted(usage.get("completion_tokens"))
    if asked is None or said is None:
        return None
    return TokenCount(asked, max(said, (counted(usage.get("total_tokens")) or 0) - asked))


def counted(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= COUNT_MAX else None
