"""Pages of a Relay connection."""

from typing import TypeVar

from strawberry import relay

from domain.errors import BadRequest

PAGE_MAX = 100
NodeType = TypeVar("NodeType", bound=relay.Node)


def page_size(first: int | None, usual: int) -> int:
    if first is not None and not 1 <= first <= PAGE_MAX:
        raise BadRequest.field("first", f"takes 1 to {PAGE_MAX}")
    return first or usual


def page_info(edges: list[relay.Edge[NodeType]], has_next: bool, after: str | None) -> relay.PageInfo:
    return relay.PageInfo(
        has_next_page=has_next,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
