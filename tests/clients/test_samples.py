"""The code samples of the API reference run in Node.js, unchanged but for the base URL."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain.accounts import Identity
from tests.clients.conftest import node
from tests.served import House

SAMPLES = Path(__file__).parent / "samples"
HOSTED = "https://api.avatarium.ai/v1"
SAMPLE_SHORT_ID = "abc12345678"
ANSWER = ("We offer ", "three ", "plans.")


def sample(name: str, house: House, tmp_path: Path) -> str:
    """The sample as a script of its own; `firebaseIdToken` is the reader's to define."""
    text = (SAMPLES / name).read_text().replace(HOSTED, f"{house.url}/v1")
    text = text.replace(HOSTED.replace("https", "wss"), f"{house.url.replace('http', 'ws')}/v1")
    script = tmp_path / name
    script.write_text(f"const firebaseIdToken = process.env.TOKEN;\n{text}")
    return str(script)


@pytest.fixture
def sample_avatar(house: House) -> None:
    """The demo avatar under the short id that the samples name."""
    with closing(sqlite3.connect(house.file)) as connection, connection:
        connection.execute("UPDATE avatars SET short_id = ?", (SAMPLE_SHORT_ID,))


async def output(script: str, until: str = "", **environment: str) -> str:
    """What the script prints, until it ends or has printed `until`."""
    async with node(script, **environment) as process:
        assert process.stdout
        assert process.stderr
        printed = ""
        while line := (await process.stdout.readline()).decode():
            printed += line
            if until and until in line:
                return printed
        assert await process.wait() == 0, (await process.stderr.read()).decode()
    return printed


async def test_create_an_avatar(house: House, tmp_path: Path) -> None:
    house.sign_in.add("a-token", Identity("firebase:1", "owner@example.com"))
    printed = await output(sample("create_an_avatar.mts", house, tmp_path), TOKEN="a-token")
    assert printed.startswith("Avatar URL: https://avatarium.ai/a/")
    assert len(printed.strip().rpartition("/")[2]) == len(SAMPLE_SHORT_ID)


@pytest.mark.usefixtures("sample_avatar")
async def test_start_a_conversation(house: House, tmp_path: Path) -> None:
    house.models.script(house.first, *ANSWER)
    printed = await output(sample("start_a_conversation.mts", house, tmp_path))
    answer, latency = printed.splitlines()
    assert answer == "We offer three plans."
    assert latency.startswith("Latency: ")
    [prompt] = house.models.prompts
    assert [each.content for each in prompt.utterances] == ["What are your pricing plans?"]


@pytest.mark.usefixtures("sample_avatar")
async def test_websocket_real_time_chat(house: House, tmp_path: Path) -> None:
    house.models.script(house.first, *ANSWER)
    printed = await output(sample("websocket_real_time_chat.mts", house, tmp_path), until="Full response:")
    assert printed == "We offer three plans.\nFull response: We offer three plans.\n"
