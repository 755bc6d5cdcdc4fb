"""What every store promises of passages, and of the search for them by words."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.avatars import Avatar
from domain.knowledge.items import KnowledgeItem, Passage
from domain.tables import Store, Tx
from tests.builders import a_passage, an_account, an_avatar, an_item
from tests.fakes.lexicon import add_passages

ANIMALS = (
    "Otters hold hands while they are sleeping, so that they do not drift apart.",
    "The platypus X-200 lays eggs and costs $19.99 at the counter.",
    "Sleeping bats hang from the ceiling of the cave.",
    "Our cafe opens at 9:30 and closes at 18:00 on weekdays.",
)


@pytest.fixture
async def avatar(store: Store) -> Avatar:
    account = an_account()
    avatar = an_avatar(account)

    def add(tx: Tx) -> None:
        tx.accounts.add(account)
        tx.avatars.add(avatar)

    await store.write(add)
    return avatar


async def known(store: Store, avatar: Avatar, texts: Sequence[str], language: str = "en") -> list[Passage]:
    """A live item with a passage for each text."""
    item = an_item(avatar, passage_count=len(texts), languages=(language,))
    passages = [a_passage(item, text, position, language=language) for position, text in enumerate(texts)]
    await add(store, item, passages)
    return passages


async def add(store: Store, item: KnowledgeItem, passages: Sequence[Passage]) -> None:
    def add_both(tx: Tx) -> None:
        tx.knowledge.add(item, None)
        add_passages(tx, passages)

    await store.write(add_both)


async def texts_found(store: Store, avatar: Avatar, question: str, limit: int = 10) -> list[str]:
    def search(tx: Tx) -> list[str]:
        [matches] = tx.passages.matching(avatar.id, [question], limit) or [[]]
        return [passage.text for passage in tx.passages.live([match.passage_id for match in matches])]

    return await store.read(search)


async def test_a_passage_comes_back_with_every_field(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    whole = a_passage(
        item, "Ja. 🎉 \U0001d11e", 3, heading="A > B", page=7, url="https://example.com/a", language="de"
    )  # fmt: skip
    await add(store, item, [whole])
    assert await store.read(lambda tx: tx.passages.live([whole.id])) == [whole]


async def test_many_passages_are_added_at_once(store: Store, avatar: Avatar) -> None:
    passages = await known(store, avatar, [f"Passage number {index}" for index in range(47)])
    assert await store.read(lambda tx: tx.passages.of_generation(passages[0].item_id, 1)) == passages
    assert sorted(await store.read(lambda tx: tx.passages.live_ids(avatar.id))) == sorted(p.id for p in passages)


async def test_pages_are_in_the_order_of_the_document(store: Store, avatar: Avatar) -> None:
    passages = await known(store, avatar, [f"Passage number {index}" for index in range(6)])
    others = await known(store, avatar, ["One.", "Two."])
    item_id, other_id = passages[0].item_id, others[0].item_id
    for first, after, page, others_page in ((2, -1, passages[:2], others), (9, 3, passages[4:], [])):
        pages = await store.read(
            lambda tx, first=first, after=after: tx.passages.pages([item_id, other_id], first, after)  # type: ignore[misc]
        )
        assert pages == {item_id: page, other_id: others_page}


async def test_neighbours_are_those_of_each_passage_in_the_order_of_the_document(store: Store, avatar: Avatar) -> None:
    one = await known(store, avatar, [f"Passage number {index}" for index in range(6)])
    other = await known(store, avatar, ["Before.", "In between.", "After."])
    asked = [one[3].id, other[0].id, "unknown", one[2].id]
    assert await store.read(lambda tx: tx.passages.around(asked, 1)) == [
        (one[3], one[2:5]),
        (other[0], other[:2]),
        (one[2], one[1:4]),
    ]
    assert await store.read(lambda tx: tx.passages.around([one[3].id], 2)) == [(one[3], one[1:6])]
    assert await store.read(lambda tx: tx.passages.around([], 1)) == []


async def test_only_the_live_generation_is_read(store: Store, avatar: Avatar) -> None:
    (old,) = await known(store, avatar, ["Otters hold hands."])
    new = replace(old, id="new", generation=2, text="Otters juggle stones.")
    await store.write(lambda tx: add_passages(tx, [new]))
    assert await texts_found(store, avatar, "otters") == [old.text]
    assert await store.read(lambda tx: tx.passages.live([new.id, old.id])) == [old]
    assert await store.read(lambda tx: tx.passages.around([new.id, old.id], 9)) == [(old, [old])]
    assert await store.read(lambda tx: tx.passages.live_ids(avatar.id)) == [old.id]
    assert await store.read(lambda tx: tx.passages.pages([old.item_id], 9, -1)) == {old.item_id: [old]}

    def go_live(tx: Tx) -> None:
        item = tx.knowledge.by_id(avatar.id, old.item_id)
        assert item
        tx.knowledge.update(replace(item, generation=2))
        tx.passages.keep_only(item.id, 2)

    await store.write(go_live)
    assert await texts_found(store, avatar, "otters") == [new.text]
    assert await store.read(lambda tx: tx.passages.of_generation(old.item_id, 1)) == []
    assert await texts_found(store, avatar, "hands") == []


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("Do otters sleep?", 0),
        ("OTTER", 0),
        ("What does the X-200 cost?", 1),
        ("x200", 1),
        ("is it 19.99", 1),
        ("Where do bats hang?", 2),
        ("When do you open? at 9:30?", 3),
        ("cafés", 3),
    ],
)
async def test_words_are_found_by_their_stems(store: Store, avatar: Avatar, question: str, place: int) -> None:
    await known(store, avatar, ANIMALS)
    found = await texts_found(store, avatar, question.replace("é", "e"))
    assert found[0] == ANIMALS[place]


@pytest.mark.parametrize(
    "question", ["unicorns", "what is the", "", "?!", "%_'\";--", "NEAR(otters", '"otters', "* AND"]
)
async def test_other_words_find_nothing_and_break_nothing(store: Store, avatar: Avatar, question: str) -> None:
    await known(store, avatar, ANIMALS)
    assert len(await texts_found(store, avatar, question)) <= 1


async def test_a_rare_word_counts_more_than_a_common_one(store: Store, avatar: Avatar) -> None:
    common = [f"The delivery of order {index} takes days." for index in range(20)]
    await known(store, avatar, [*common, "A refund takes a week."])
    assert (await texts_found(store, avatar, "delivery refund"))[0] == "A refund takes a week."


async def test_scores_run_from_0_to_1_and_unknown_words_lower_them(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, ANIMALS)

    async def best(question: str) -> float:
        [matches] = await store.read(lambda tx: tx.passages.matching(avatar.id, [question], 10)) or [[]]
        assert matches == sorted(matches, key=lambda match: -match.score)
        return matches[0].score

    assert (
        0 < await best("otters and unicorns and dragons") < await best("otters and unicorns") < await best("otters") < 1
    )


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("de", "Die Rückgabe ist innerhalb von 30 Tagen möglich.", "Wie sind die Rückgaben?"),
        ("fr", "Les livraisons sont gratuites.", "La livraison est-elle gratuite ?"),
        ("es", "Los envíos tardan dos días.", "¿Cuánto tarda el envío?"),
        ("ja", "返品は三十日以内に可能です。", "返品できますか"),
        ("ru", "Доставка занимает два дня.", "доставки"),
        ("", "Quux frobnicates.", "quux"),
    ],
)
async def test_each_language_has_its_own_stems(
    store: Store, avatar: Avatar, language: str, text: str, question: str
) -> None:
    await known(store, avatar, ANIMALS)
    await known(store, avatar, [text], language)
    assert await texts_found(store, avatar, question) == [text]


async def test_titles_and_headings_are_searched_too(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar)
    passage = a_passage(item, "Within 30 days.", title="Warranty", heading="Returns > Shoes")
    await add(store, item, [passage])
    for question in ("warranty", "returning", "shoe"):
        assert await texts_found(store, avatar, question) == [passage.text]


async def test_another_avatar_s_passages_are_never_found(store: Store, avatar: Avatar) -> None:
    second = an_avatar(an_account(id=avatar.account_id))
    await store.write(lambda tx: tx.avatars.add(second))
    await known(store, second, ANIMALS)
    assert await texts_found(store, avatar, "otters") == []
    assert await store.read(lambda tx: tx.passages.matching(avatar.id, ["otters"], 10)) is None
    assert not await store.read(lambda tx: tx.passages.has_any(avatar.id))
    assert await store.read(lambda tx: tx.passages.has_any(second.id))


async def test_a_generation_in_the_making_is_no_knowledge_yet(store: Store, avatar: Avatar) -> None:
    item = an_item(avatar, generation=0)
    await add(store, item, [a_passage(item, "Otters.", generation=1)])
    assert not await store.read(lambda tx: tx.passages.has_any(avatar.id))
    assert await store.read(lambda tx: tx.passages.matching(avatar.id, ["otters"], 10)) is None


async def test_several_questions_are_answered_as_each_by_itself(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, ANIMALS)
    questions = ["otters", "unicorns", "", "bats"]
    together = await store.read(lambda tx: tx.passages.matching(avatar.id, questions, 10))
    alone = [
        await store.read(lambda tx, each=each: tx.passages.matching(avatar.id, [each], 10))  # type: ignore[misc]
        for each in questions
    ]
    assert [together] == [[found for [found] in alone]]


async def test_at_most_the_limit_is_found(store: Store, avatar: Avatar) -> None:
    await known(store, avatar, [f"Otter number {index}." for index in range(30)])
    assert len(await texts_found(store, avatar, "otters", limit=7)) == 7
