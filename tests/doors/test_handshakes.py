"""WebSocket handshakes that are refused: each is answered, and no error of ours."""

import pytest

from tests.doors.raw import handshake, wire
from tests.served import House

V1 = "/v1/public/avatar/DemoAvatar1/ws"
GOOD = handshake(V1)
REFUSED = {
    "a foreign host": (GOOD.replace(b"Host: localhost", b"Host: evil.example"), b" 421 "),
    "an unknown path": (handshake("/nowhere"), b" 403 "),
    "an old version": (GOOD.replace(b"Version: 13", b"Version: 8"), b" 400 "),
    "a bad key": (GOOD.replace(b"Key: ", b"Key: not-base64!"), b" 400 "),
    "no key": (GOOD.replace(b"Sec-WebSocket-Key", b"X-Key"), b" 400 "),
    "another method": (GOOD.replace(b"GET ", b"POST "), b" 405 "),
    "a body": (GOOD.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\nContent-Length: 9"), b" 400 "),
}

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_refused_handshake_is_answered_and_logs_no_error(house: House, kind: str) -> None:
    sent, status = REFUSED[kind]
    async with wire(house.url) as connection:
        await connection.send(sent)
        assert status in (await connection.to_the_end()).split(b"\r\n")[0]
