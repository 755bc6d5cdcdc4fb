"""What every verb is given: the services, and who is calling."""

from asyncio import Task
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.accounts import Account, Identity
from domain.knowledge.ports import KnowledgeNews
from domain.limits import Hit
from domain.ports import Clock, Limiter, Models, ReplyLog, SignIn, Telemetry, Vault
from domain.tables import Store

if TYPE_CHECKING:
    from resolvers.answering.recall import Recall
    from resolvers.answering.turns import Turns
    from resolvers.jobs import Workers
    from resolvers.probe import Probe


@dataclass(frozen=True, slots=True)
class Services:
    """Every port, opened. `public_url` has no slash at its end."""

    public_url: str
    clock: Clock
    store: Store
    replies: ReplyLog
    models: Models
    vault: Vault
    sign_in: SignIn
    limiter: Limiter
    telemetry: Telemetry
    turns: "Turns"
    workers: "Workers"
    recall: "Recall"
    news: KnowledgeNews
    probe: "Probe"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who proved who they are: a person who signed in, or a program with an API key.

    `account` is None for a person who has not created anything yet.
    """

    identity: Identity | None
    account: Account | None

    @property
    def account_id(self) -> str | None:
        return self.account.id if self.account else None


@dataclass(slots=True)
class Context:
    """One caller: of a request, or of a socket with all its operations.

    `token` is a bearer token as sent, not yet verified. `foreign_site` is the origin of another
    site's page that asks; None for our own pages and for programs. `hits` are the last rate limits that the
    request counted against, for the door to tell. `verifying` is the one check of the token, within `of_query`.
    """

    services: Services
    request_id: str
    client_ip: str
    token: str | None = None
    foreign_site: str | None = None
    hits: list[Hit] = field(default_factory=list)
    verifies_once: bool = False
    verifying: Task[Caller] | None = None

    def of_query(self) -> "Context":
        """For one query, which changes nothing: the token is verified once, however many verbs it calls."""
        return replace(self, verifies_once=True)
