"""uvicorn's HTTP protocol, with limits that it does not know: to heads, to the time of bodies, and to what waits."""

import asyncio
from http import HTTPStatus
from typing import cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from adapters.serving.unsent import Backlog, BoundedConfig

# No line longer than the WebSocket library reads: it would leave the handshake unanswered for ever.
LINE_MAX_BYTES = 8_000
HEAD_MAX_BYTES = 32 * 1024
HEADERS_MAX = 100
LINGER_SECONDS = 1.0
# In bytes a second: a mobile line at the edge of its net, over which an upload of 10 MB takes 42 minutes.
BODY_LEAST_RATE = 4_000


class HeadTooLarge(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


URL_TOO_LONG = HeadTooLarge(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    f"The URL is too long: at most {LINE_MAX_BYTES} bytes are taken. Send long GraphQL operations by POST.",
)
HEADERS_TOO_LARGE = HeadTooLarge(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"The headers are too large: at most {HEADERS_MAX} are taken, of {LINE_MAX_BYTES} bytes each "
    f"and {HEAD_MAX_BYTES} in all.",
)
TOOK_TOO_LONG = HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive. Send it again."


class HttpProtocol(HttpToolsProtocol):
    """A head has to be whole `head_seconds` after its first byte, and to begin as long after the last response.

    A body may fall behind `BODY_LEAST_RATE` by `body_seconds`. The time in which this server does not read is its own.
    """

    head_seconds = 15.0
    body_seconds = 15.0
    _deadline: asyncio.TimerHandle | None = None
    _reading_head = False
    _refused = False
    _too_large: HeadTooLarge | None = None
    _reading_body = False
    _held_up = False
    _reading_waits = False
    _next_waits = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._backlog = Backlog(transport, cast(BoundedConfig, self.config).unsent, self.loop)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_deadline()
        self._backlog.ends()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Who does not read is not read either."""
        super().pause_writing()
        self._backlog.begins()
        self._reading_waits = not self.flow.read_paused
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        self._backlog.ends()
        super().resume_writing()
        if self._reading_waits:
            self.flow.resume_reading()
        if self._next_waits:
            self._next_waits = False
            self.on_response_complete()

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of an unfinished line too, which the parser would gather without end."""
        if self._refused:
            return
        inside_head = self._reading_head
        super().data_received(data)
        if inside_head and self._reading_head and not self._refused:
            self._unfinished += len(data)
            if self._unfinished > HEAD_MAX_BYTES:
                self._refuse(HEADERS_TOO_LARGE.status, HEADERS_TOO_LARGE.message)
        if self._reading_body and not self._deadline and not self._refused:
            self._allow_body_time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading_head = True
        self._head_bytes = self._unfinished = 0
        self._set_deadline()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LINE_MAX_BYTES:
            self._stop(URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        line = len(name) + len(value)
        self._head_bytes += line
        if line > LINE_MAX_BYTES or self._head_bytes > HEAD_MAX_BYTES or len(self.headers) > HEADERS_MAX:
            self._stop(HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._unset_deadline()
        super().on_headers_complete()
        self._reading_body, self._held_up, self._body_bytes = True, False, 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._body_bytes += len(body)
        self._held_up = self._held_up or self.flow.read_paused

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._reading_body:
            self._reading_body = False
            self._unset_deadline()

    def on_response_complete(self) -> None:
        """The next request of a pipeline waits until this answer has been taken."""
        if self.flow.write_paused:
            self._next_waits = True
            return
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last:
            self._reading_body = False
            self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse(self._too_large.status, self._too_large.message)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _stop(self, reason: HeadTooLarge) -> None:
        """Ends the parsing: whatever a callback raises, the parser raises an error of its own."""
        self._too_large = reason
        raise reason

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answers, unless another answer is on its way, and drops what still arrives for a moment.

        Closing at once could discard the answer before it is read.
        """
        self._refused = True
        self._unset_deadline()
        if self.cycle and not self.cycle.response_complete:
            self.transport.close()
            return
        head = [
            b"content-type: text/plain; charset=utf-8",
            b"content-length: " + str(len(message)).encode(),
            b"connection: close",
        ]
        self.transport.write(STATUS_LINE[status] + b"\r\n".join([*head, b"", message.encode()]))
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _allow_body_time(self) -> None:
        self._body_began = self.loop.time()
        self._deadline = self.loop.call_later(self.body_seconds, self._look_at_body)

    def _look_at_body(self) -> None:
        if self._held_up:
            self._held_up, self._body_bytes = self.flow.read_paused, 0
            self._allow_body_time()
            return
        allowed = self.body_seconds + self._body_bytes / BODY_LEAST_RATE
        left = self._body_began + allowed - self.loop.time()
        if left > 0:
            self._deadline = self.loop.call_later(left, self._look_at_body)
        else:
            self._give_up_on_body()

    def _give_up_on_body(self) -> None:
        """Whoever reads the body is told that the client is gone; the client is told why."""
        cycle = self.cycle
        if cycle and not self.pipeline and not cycle.response_started:
            cycle.disconnected = cycle.response_complete = True
            cycle.message_event.set()
        self._refuse(*TOOK_TOO_LONG)

    def _set_deadline(self) -> None:
        self._unset_deadline()
        self._deadline = self.loop.call_later(self.head_seconds, self._too_late)

    def _unset_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """A browser that opened a connection in advance expects no answer on it."""
        if self._reading_head:
            self._refuse(*TOOK_TOO_LONG)
        else:
            self.transport.close()
