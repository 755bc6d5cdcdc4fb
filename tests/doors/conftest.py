"""Every door into a served house."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.doors.doors import DOORS, Door, opened
from tests.served import House


@pytest.fixture(params=DOORS, ids=lambda kind: kind.__name__)
async def door(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Door]:
    async with opened(request.param, house.url) as door:
        yield door


# What asyncio's own event loop says of words to somebody who has just left; uvloop, which is served with, does not.
HARMLESS = "socket.send() raised exception."


@pytest.fixture
def quiet_log(house: House, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a client does, the server finds nothing wrong with itself: no warning, no stack trace."""
    web_server = logging.getLogger("uvicorn")  # it has closed its logger to others
    web_server.addHandler(caplog.handler)
    yield
    web_server.removeHandler(caplog.handler)
    warnings = {record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING}
    assert warnings <= {HARMLESS}
