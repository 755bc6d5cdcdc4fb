"""The WebSocket of /v1/public/avatar/:shortId/ws: one visitor's conversation, streamed.

Two tasks share a socket: one reads frames, the other answers them in their order, so that a reply can
be stopped while it streams. The reply itself belongs to neither: it goes on when the socket is gone.
"""

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from compatibility.frames import (
    Frame,
    Incoming,
    InReplyTo,
    MessageFrame,
    PingFrame,
    ResumeFrame,
    StopFrame,
    error_frame,
    event_frame,
    incoming,
)
from compatibility.routing import context_of
from domain.errors import BadRequest, Forbidden, NotFound, PasswordRequired, SessionEnded, SessionExpired, masked
from domain.sessions import IDLE_LIMIT, Sent
from resolvers import avatars, chat, sessions
from resolvers.context import Context

WAITING_MAX = 16
IDLE_SECONDS = IDLE_LIMIT.total_seconds()
NORMAL, SERVER_ERROR = 1000, 1011
REFUSALS: dict[type[Exception], int] = {Forbidden: 4403, NotFound: 4404}


async def talk(socket: WebSocket) -> None:
    await Conversation(socket).run()


@dataclass(slots=True)
class Accepted:
    """A message or a resume that was accepted. `reply_id` is None until its reply exists."""

    frame: MessageFrame | ResumeFrame
    reply_id: str | None = None
    stopped: bool = False


class Over(Exception):
    """No more frames are to be read. `code` is what to close with; None when the visitor has left."""

    def __init__(self, code: int | None) -> None:
        super().__init__()
        self.code = code


class Conversation:
    """`_queue` holds what is being answered, then what waits for it.

    `_named` is the session that the visitor named; else `_implicit` is one that was opened for this socket.
    """

    def __init__(self, socket: WebSocket, idle_seconds: float = IDLE_SECONDS) -> None:
        self._socket = socket
        self._idle_seconds = idle_seconds
        self._short_id: str = socket.path_params["shortId"]
        self._named = socket.query_params.get("sessionId")
        self._implicit: str | None = None
        self._password: str | None = None
        self._queue: deque[Accepted] = deque()
        self._waiting = asyncio.Semaphore(0)
        self._context = context_with_token(socket)

    async def run(self) -> None:
        try:
            await self._socket.accept()
            code = await self._refusal() or await self._converse()
            if code:
                await self._socket.close(code)
        except* WebSocketDisconnect:
            pass

    async def _refusal(self) -> int | None:
        """The code to close with when there is no avatar to talk to here, which the visitor is told."""
        try:
            await avatars.visible(self._context, self._short_id)
        except Exception as error:
            await self._tell(error)
            return REFUSALS.get(type(error), SERVER_ERROR)
        return None

    async def _converse(self) -> int | None:
        """Returns the code to close the socket with, or None when the visitor has left."""
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(self._answer_in_order())
            code = await self._read()
            answering.cancel()
        return code

    async def _read(self) -> int | None:
        while True:
            try:
                await self._take(incoming(await self._next_text()))
            except Over as over:
                return over.code
            except WebSocketDisconnect:
                raise
            except Exception as error:
                await self._tell(error)

    async def _next_text(self) -> str:
        """The next frame. Raises `Over`, and `BadRequest` for a frame that is binary."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._socket.receive()
        except TimeoutError:
            raise Over(NORMAL) from None
        if message["type"] == "websocket.disconnect":
            raise Over(None)
        text: str | None = message.get("text")
        if text is None:
            raise BadRequest("Send JSON as text frames, not as binary ones.")
        return text

    async def _take(self, frame: Incoming) -> None:
        match frame:
            case PingFrame():
                await self._send({"type": "pong"})
            case StopFrame():
                await self._stop()
            case MessageFrame() | ResumeFrame():
                self._accept(frame)

    def _accept(self, frame: MessageFrame | ResumeFrame) -> None:
        if len(self._queue) > WAITING_MAX:
            raise BadRequest(f"At most {WAITING_MAX} messages can wait. Send this one again after the next reply.")
        self._queue.append(Accepted(frame))
        self._waiting.release()

    async def _stop(self) -> None:
        """Stops the current reply, or has it stopped as soon as it exists."""
        if self._queue:
            accepted = self._queue[0]
            accepted.stopped = True
            if accepted.reply_id:
                await chat.stop(self._context, accepted.reply_id)

    async def _answer_in_order(self) -> None:
        while True:
            await self._waiting.acquire()
            try:
                await self._answer(self._queue[0])
            except WebSocketDisconnect:
                raise
            except Exception as error:
                await self._tell(error)
            finally:
                self._queue.popleft()

    async def _answer(self, accepted: Accepted) -> None:
        if isinstance(accepted.frame, ResumeFrame):
            accepted.reply_id, after_seq = accepted.frame.reply_id, accepted.frame.after_seq
            in_reply_to = InReplyTo(self._named or self._implicit)
        else:
            sent = await self._send_message(accepted.frame)
            accepted.reply_id, after_seq = sent.reply_id, 0
            in_reply_to = InReplyTo(sent.message.session_id, sent.message.id)
        if accepted.stopped:
            await chat.stop(self._context, accepted.reply_id)
        async with aclosing(chat.follow(self._context, accepted.reply_id, after_seq)) as events:
            async for event in events:
                await self._send(event_frame(event, in_reply_to))

    async def _send_message(self, frame: MessageFrame) -> Sent:
        """Sends within the session that the visitor named, or else within one of this socket's own."""
        self._named = frame.session_id or self._named
        self._password = frame.password or self._password
        if self._named:
            return await self._send_within(self._named, frame)
        if self._implicit:
            try:
                return await self._send_within(self._implicit, frame)
            except (SessionExpired, SessionEnded, PasswordRequired):
                pass
        started = await sessions.start(self._context, self._short_id, source="api", password=self._password)
        self._implicit = started.session.id
        return await self._send_within(self._implicit, frame)

    async def _send_within(self, session_id: str, frame: MessageFrame) -> Sent:
        return await chat.send(
            self._context,
            session_id,
            frame.content,
            client_message_id=frame.client_message_id,
            history=[item.utterance() for item in frame.history],
            short_id=self._short_id,
        )

    async def _tell(self, error: Exception) -> None:
        await self._send(error_frame(masked(error, self._context.request_id)))

    async def _send(self, frame: Frame) -> None:
        await self._socket.send_text(orjson.dumps(frame).decode())


def context_with_token(socket: WebSocket) -> Context:
    """The socket's context, with the token of `?token=` where no header could be set.

    The token is taken out of the scope, since servers log a WebSocket's query when it is accepted.
    """
    context = context_of(socket)
    context.token = context.token or socket.query_params.get("token")
    query = parse_qsl(socket.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    socket.scope["query_string"] = urlencode([(name, value) for name, value in query if name != "token"]).encode()
    return context
