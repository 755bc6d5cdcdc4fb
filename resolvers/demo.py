"""The demo avatar that greets whoever starts the server for the first time, and knows the manual."""

from collections.abc import Sequence
from uuid import uuid4

from domain.accounts import Account
from domain.avatars import Avatar, AvatarSettings
from domain.knowledge.additions import Addition, content_of
from domain.knowledge.items import KnowledgeItem, KnowledgeType
from domain.knowledge.jobs import index_job
from domain.ports import Clock
from domain.souls import system_prompt
from domain.tables import Store, Tx

DEMO_EMAIL = "demo@localhost"
DEMO_SUBJECT = f"local:{DEMO_EMAIL}"
DEMO_SHORT_ID = "DemoAvatar1"


async def ensure_demo(store: Store, clock: Clock, public_url: str, manual: Sequence[str] = ()) -> None:
    """Makes the demo account with its avatar, once: a demo avatar that was deleted stays deleted.

    `manual`: the pages that it answers from, each in Markdown that begins with its title.
    """

    def add(tx: Tx) -> None:
        if tx.accounts.by_subject(DEMO_SUBJECT):
            return
        account = Account(str(uuid4()), DEMO_SUBJECT, DEMO_EMAIL, "Demo", clock.now())
        tx.accounts.add(account)
        avatar = demo_avatar(account, public_url)
        tx.avatars.add(avatar)
        for page in manual:
            add_page(tx, avatar, page)

    await store.write(add)


def add_page(tx: Tx, avatar: Avatar, page: str) -> None:
    content = content_of(KnowledgeType.TEXT, Addition(content=page))
    item = KnowledgeItem(
        str(uuid4()), avatar.id, KnowledgeType.TEXT, content.title, avatar.created_at, avatar.created_at
    )
    item = content.put_into(item)
    tx.knowledge.add(item, content.body)
    tx.jobs.add(index_job(item))


def demo_avatar(account: Account, public_url: str) -> Avatar:
    settings = AvatarSettings(
        slug="demo",
        name="Ava",
        tagline="I answer from Avatarium's own manual",
        avatar_model_url=f"{public_url}/presets/female-01.glb",
        avatar_preset="female-01",
        personality="Warm, curious and brief. Knows that it is the demo of Avatarium, a self-hosted avatar platform.",
        greeting="Hi, I am Ava! Ask me anything about Avatarium. How do I embed an avatar, for example?",
        traits=("friendly", "concise", "honest"),
        tone="warm",
    )
    return Avatar(
        id=str(uuid4()),
        account_id=account.id,
        short_id=DEMO_SHORT_ID,
        settings=settings,
        system_prompt=system_prompt(settings),
        created_at=account.created_at,
        updated_at=account.created_at,
    )
