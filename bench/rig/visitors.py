"""Those who ask: one class for each way to a streamed reply, ours and those that it is held beside."""

import json
import time
from abc import ABC, abstractmethod
from itertools import count
from typing import ClassVar

from bench.rig.servers import LITELLM_KEY, House
from bench.rig.wire import Http, Lost, WebSocket

QUESTION = "What are your plans, and which one suits a team of five?"
TURNS = 10
"""A conversation's length: then the visitor begins a new one."""

RELAY, RAW_SOCKET, LITELLM = "raw relay", "raw WebSocket", "LiteLLM's proxy"

EVENT = """
  __typename
  ... on ReplyStarted { seq replyId }
  ... on ReplyChunk { seq replyId text }
  ... on EmotionChanged { seq replyId emotion }
  ... on ProviderSwitched { seq replyId model reason }
  ... on ReplyDone {
    seq replyId text emotion model message { id } sources { title relevance } latency { total llm }
  }
  ... on ReplyFailed { seq replyId code reason retryable }
"""
CHAT = f"subscription ($input: SendMessageInput!) {{ chat(input: $input) {{ {EVENT} }} }}"
REPLY = f"subscription ($id: ID!) {{ reply(replyId: $id) {{ {EVENT} }} }}"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { reply { id } message { id } } }"


class Heard:
    """A reply as it arrives. `asked`: the clock's reading then; `first`: seconds until the first word.

    `events` counts the payloads. `end` is what the last of them holds.
    """

    def __init__(self, model: str, end: bytes | None = None) -> None:
        self._last_word, self._end = last_word(model), end
        self.asked = time.perf_counter()
        self._tail = b""
        self.first = 0.0
        self.events = 0
        self.whole = self.ended = False

    def hear(self, payload: bytes) -> None:
        self.events += 1
        recent = self._tail + payload
        if not self.first and b"word0" in recent:
            self.first = time.perf_counter() - self.asked
        if self._last_word in recent:
            self.whole = True
        self.ended = (self._end is not None and self._end in recent) or b'"error' in payload
        self._tail = payload[-200:]

    def checked(self) -> "Heard":
        """Raises `Lost` when the end is missing."""
        if not self.whole:
            raise Lost(f"a reply broke off: {self._tail!r}")
        return self


def last_word(model: str) -> bytes:
    """The last word of what the upstream answers as `model`."""
    return b"word%d" % (int(model.split("-")[1]) - 1)


class Visitor(ABC):
    """Has one connection, or two, and asks one question at a time, as `model`'s visitor."""

    def __init__(self, url: str, model: str) -> None:
        self._url, self._model = url, model

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def ask(self) -> Heard:
        """Raises `Lost` when the reply is not whole."""

    @abstractmethod
    def leave(self) -> None: ...


class Completions(Visitor):
    """`POST …/chat/completions` of anything that speaks OpenAI's protocol: `path` at `url`."""

    def __init__(self, url: str, model: str, path: str = "/v1/chat/completions", key: str = "own-key") -> None:
        super().__init__(url, model)
        self._path, self._headers = path, f"Authorization: Bearer {key}\r\n"

    async def connect(self) -> None:
        self._http = await Http.open(self._url)

    async def ask(self) -> Heard:
        heard = Heard(self._model)
        await self._http.post(self._path, completion(self._model), self._headers, heard.hear)
        return heard.checked()

    def leave(self) -> None:
        self._http.close()


class LitellmVisitor(Completions):
    def __init__(self, url: str, model: str) -> None:
        super().__init__(url, model, key=LITELLM_KEY)


class RelayVisitor(Completions):
    def __init__(self, url: str, model: str) -> None:
        super().__init__(url, model, path="/relay")


class RawSocketVisitor(Visitor):
    async def connect(self) -> None:
        self._socket = await WebSocket.open(self._url)
        await self._socket.upgrade("/relay")

    async def ask(self) -> Heard:
        heard = Heard(self._model, end=b'"type":"done"')
        await asked(self._socket, completion(self._model), heard)
        return heard.checked()

    def leave(self) -> None:
        self._socket.close()


async def asked(socket: WebSocket, text: bytes, heard: Heard) -> None:
    def hear(payload: bytes) -> None:
        heard.hear(payload)
        if heard.ended:
            socket.finish()

    await socket.ask(text, hear)


def completion(model: str) -> bytes:
    """It asks for the count of tokens, as our server does: LiteLLM would count them itself, slowly."""
    messages = [{"role": "user", "content": QUESTION}]
    body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


class OurVisitor(Visitor):
    """Talks to an avatar of ours, and begins a new session after ten questions."""

    title: ClassVar[str]
    floor: ClassVar[str]
    streams: ClassVar[bool] = True

    def __init__(self, house: House, model: str) -> None:
        super().__init__(house.running.url, model)
        self._house = house
        self._turns = count()
        self._session = ""

    async def session(self) -> str:
        if next(self._turns) % TURNS == 0:
            self._session = await self._house.session(self._model)
        return self._session

    async def ask(self) -> Heard:
        session = await self.session()
        return (await self.say(session)).checked()

    @abstractmethod
    async def say(self, session: str) -> Heard: ...
