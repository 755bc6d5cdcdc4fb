"""What each plan includes, as data."""

from collections.abc import Mapping

from domain.errors import QuotaExceeded
from domain.knowledge.items import KnowledgeTotals

GIB = 1024**3
SELF_HOSTED = "self-hosted"
KNOWLEDGE: Mapping[str, KnowledgeTotals] = {SELF_HOSTED: KnowledgeTotals(items=10_000, bytes=10 * GIB)}


def check_room(totals: KnowledgeTotals, plan: str = SELF_HOSTED) -> None:
    """Raises `QuotaExceeded` when an account's knowledge would come to more than its plan includes."""
    most = KNOWLEDGE[plan]
    for unit, used, included in (("items", totals.items, most.items), ("bytes", totals.bytes, most.bytes)):
        if used > included:
            raise QuotaExceeded(
                f"Your plan includes {included} {unit} of knowledge. Delete some, and add this again.",
                {"unit": unit, "included": included},
            )
