"""The terms of passages come from another process, and are those that the search asks for."""

import os

import pytest

from adapters.processes.own_process import OwnProcess
from adapters.words.lexicon import LexiconBeside, open_lexicon
from domain.errors import Unavailable
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import terms_of

ITEM = an_item(an_avatar(an_account()))
PASSAGES = [a_passage(ITEM, "Otters hold hands."), a_passage(ITEM, "Sie halten Händchen.", language="de")]


async def test_they_are_the_same_as_here() -> None:
    async with open_lexicon() as lexicon:
        assert await lexicon.terms(PASSAGES) == terms_of(PASSAGES)


async def test_a_process_that_dies_is_told_of() -> None:
    process = OwnProcess(os._exit, 1)
    with pytest.raises(Unavailable, match="Try again soon"):
        await LexiconBeside(process).terms(PASSAGES)
    await process.close()
