"""HTML: what the page is about, without what stands around it on every page, and where it links to."""

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

import trafilatura
from lxml import html

from adapters.reading.characters import cleaned, decoded, one_line
from adapters.reading.extract import Extract
from adapters.reading.plain import markdown
from domain.knowledge.items import TITLE_MAX, URL_MAX
from domain.knowledge.reading import FailureCode, Raw, Unreadable

CHARSET = re.compile(rb"<meta[^<>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
CHARSET_WITHIN_BYTES = 4096
LINKS_MAX = 2000
HARDLY_ANYTHING = 16
NEVER_TEXT = "//script | //style | //noscript | //template | //svg"
AROUND_TEXT = "//head | //nav | //footer | //aside | //form"


def read_html(raw: Raw) -> Extract:
    """Raises `Unreadable` for a page that only its scripts could fill."""
    charset = CHARSET.search(raw.body[:CHARSET_WITHIN_BYTES])
    page = _parsed(cleaned(decoded(raw.body, raw.media_type, charset[1].decode() if charset else None)))
    title = one_line(page.findtext(".//title") or "", TITLE_MAX)
    address, links = _address(page, raw.url), tuple(_links(page, raw.url))
    has_scripts = bool(page.xpath("//script"))
    _drop(page, NEVER_TEXT)
    text = trafilatura.extract(page, output_format="markdown", include_comments=False, favor_recall=True) or ""
    text = text if text.strip() else _all_text(page)
    if has_scripts and len(text.strip()) < HARDLY_ANYTHING:
        raise Unreadable(FailureCode.NEEDS_JAVASCRIPT)
    extract = markdown(cleaned(text), title)
    return Extract(extract.blocks, extract.title, address, links)


def _parsed(text: str) -> html.HtmlElement:
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    return html.document_fromstring(text.encode(), parser=parser, ensure_head_body=True)


def _drop(page: html.HtmlElement, path: str) -> None:
    for element in page.xpath(path):
        element.drop_tree()


def _all_text(page: html.HtmlElement) -> str:
    """For a page in which no main part is recognised, such as one that is a few words long."""
    _drop(page, AROUND_TEXT)
    return "\n\n".join(" ".join(text.split()) for text in page.itertext() if text.strip())


def _address(page: html.HtmlElement, url: str | None) -> str | None:
    """Where the page says that it belongs, as long as that is on the same host."""
    named = next(iter(page.xpath("//link[@rel='canonical']/@href")), "")
    canonical = _absolute(url or "", named)
    if url and canonical and urlsplit(canonical).hostname == urlsplit(url).hostname:
        return canonical
    return url


def _links(page: html.HtmlElement, url: str | None) -> Iterator[str]:
    """Each address once, absolute and without a fragment, in the page's order."""
    base = _absolute(url or "", next(iter(page.xpath("//base/@href")), "")) or url or ""
    found: set[str] = set()
    for href in page.xpath("//a/@href | //area/@href"):
        link = _absolute(base, href)
        if link and link not in found and len(found) < LINKS_MAX:
            found.add(link)
            yield link


def _absolute(base: str, href: str) -> str | None:
    try:
        link = urldefrag(urljoin(base, href.strip())).url
        parts = urlsplit(link)
    except ValueError:
        return None
    usable = href.strip() and parts.scheme in ("http", "https") and parts.hostname and link.isprintable()
    return link if usable and len(link) <= URL_MAX and " " not in link else None
