"""Every door into a served house."""

from collections.abc import AsyncIterator

import pytest

from tests.doors.doors import DOORS, Door, opened
from tests.served import House


@pytest.fixture(params=DOORS, ids=lambda kind: kind.__name__)
async def door(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Door]:
    async with opened(request.param, house.url) as door:
        yield door
