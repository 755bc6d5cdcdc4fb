"""The demo avatar that greets whoever starts the server for the first time."""

from uuid import uuid4

from domain.accounts import Account
from domain.avatars import Avatar, AvatarSettings
from domain.ports import Clock, Store, Tx
from domain.souls import system_prompt

DEMO_EMAIL = "demo@localhost"
DEMO_SUBJECT = f"local:{DEMO_EMAIL}"
DEMO_SHORT_ID = "DemoAvatar1"


async def ensure_demo(store: Store, clock: Clock, public_url: str) -> None:
    """Makes the demo account with its avatar, once: a demo avatar that was deleted stays deleted."""

    def add(tx: Tx) -> None:
        if tx.accounts.by_subject(DEMO_SUBJECT):
            return
        account = Account(str(uuid4()), DEMO_SUBJECT, DEMO_EMAIL, "Demo", clock.now())
        tx.accounts.add(account)
        tx.avatars.add(demo_avatar(account, public_url))

    await store.write(add)


def demo_avatar(account: Account, public_url: str) -> Avatar:
    settings = AvatarSettings(
        slug="demo",
        name="Ava",
        tagline="I show what Avatarium avatars can do",
        avatar_model_url=f"{public_url}/presets/female-01.glb",
        avatar_preset="female-01",
        personality="Warm, curious and brief. Knows that it is the demo of a self-hosted avatar platform.",
        greeting="Hi, I am Ava! Ask me anything.",
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
