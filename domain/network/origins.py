"""Where a browser's request comes from, and by which names it may ask for this server.

No cookie is ever read, so that no site can act for a visitor of ours unasked. What these rules keep is an owner's word
on whether an avatar may be embedded, and that only this machine reaches a server that listens on it alone.
"""

from urllib.parse import urlsplit

from domain.network.addresses import host_port, is_loopback


def foreign_site(origin: str | None, host: str | None, public_url: str) -> str | None:
    """The `Origin` of a request, if it is another site's page that asks.

    None for pages of ours, which are those at `public_url` and those at the `Host` that the request itself names, and
    for programs, which send no origin. A page without an origin of its own sends `null`, which is foreign.
    """
    if origin is None:
        return None
    try:
        own = f"{urlsplit(origin).scheme}://{host}" if host else public_url
        return None if host_port(origin) in (host_port(public_url), host_port(own)) else origin
    except ValueError:
        return origin


def is_local_name(host: str | None, public_url: str) -> bool:
    """Whether a `Host` header names this machine or the public address; programs may leave it out.

    Any other name may be one that a site pointed at this machine, for its pages to reach what they could not reach.
    """
    if not host:
        return True
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return is_loopback(name) or name == urlsplit(public_url).hostname
