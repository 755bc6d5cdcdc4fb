"""What every reader promises."""

import math
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.reading.limits import ReadingLimits
from adapters.reading.process import open_readers
from domain.knowledge.ports import Reader
from domain.knowledge.reading import BODY_MAX_BYTES, FailureCode, Raw, Unreadable
from tests.fakes.reader import FakeReader

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(params=["fake", "process"], scope="module", loop_scope="module")
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[Reader]:
    if request.param == "fake":
        yield FakeReader()
    else:
        async with open_readers(ReadingLimits(seconds=math.inf)) as reader:
            yield reader


def text(body: str | bytes, url: str | None = None) -> Raw:
    return Raw(body.encode() if isinstance(body, str) else body, "text/plain", url=url)


async def test_all_the_text_is_in_the_pieces_in_its_order(reader: Reader) -> None:
    document = await reader.read(text("We open at nine.\n\nWe close at five – 五時。"))
    assert "\n\n".join(piece.text for piece in document.pieces) == "We open at nine.\n\nWe close at five – 五時。"


async def test_pieces_know_their_address(reader: Reader) -> None:
    document = await reader.read(text("We open at nine.", "https://a.example/hours"))
    assert [piece.url for piece in document.pieces] == ["https://a.example/hours"]
    assert (await reader.read(text("We open at nine."))).pieces[0].url is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", FailureCode.EMPTY),
        (b" \n\t\n ", FailureCode.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", FailureCode.UNSUPPORTED_TYPE),
        (b"a" * (BODY_MAX_BYTES + 1), FailureCode.TOO_LARGE),
    ],
    ids=["nothing", "blank", "picture", "large"],
)
async def test_what_cannot_be_read_says_why(reader: Reader, body: bytes, code: FailureCode) -> None:
    with pytest.raises(Unreadable) as failed:
        await reader.read(text(body))
    assert failed.value.code is code
    assert (await reader.read(text("It reads on."))).pieces[0].text == "It reads on."


async def test_nothing_of_the_text_is_in_a_representation(reader: Reader) -> None:
    assert "nine" not in repr(await reader.read(text("We open at nine.")))
