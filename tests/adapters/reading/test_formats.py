"""What is read out of each kind of document."""

from collections.abc import Callable

import pytest

from adapters.reading.extract import Extract
from adapters.reading.kinds import Kind, kind_of
from adapters.reading.pdf_pages import read_pdf
from adapters.reading.pieces import pieces_of
from adapters.reading.plain import read_markdown, read_text
from adapters.reading.table_rows import read_csv
from adapters.reading.web_page import read_html
from adapters.reading.word import read_docx
from domain.knowledge.reading import FailureCode, Raw, Unreadable
from tests.parts import documents


def raw(body: str | bytes, name: str = "", media_type: str = "", url: str | None = None) -> Raw:
    return Raw(body.encode() if isinstance(body, str) else body, media_type, name or None, url)


def texts(extract: Extract) -> list[str]:
    return [piece.text for piece in pieces_of(extract, None)]


def refusal(read: Callable[[Raw], object], document: Raw) -> FailureCode:
    with pytest.raises(Unreadable) as failed:
        read(document)
    return failed.value.code


def test_pdf_keeps_pages_and_its_title() -> None:
    extract = read_pdf(raw(documents.pdf("We open at nine.", "Cake is 3 EUR.", title="Price list")))
    assert extract.title == "Price list"
    assert [(piece.text, piece.page) for piece in pieces_of(extract, None)] == [
        ("We open at nine.", 1), ("Cake is 3 EUR.", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("title", ["untitled", "Microsoft Word - draft 7.doc", "invoice.pdf"])
def test_a_title_that_a_program_made_up_is_none(title: str) -> None:
    assert read_pdf(raw(documents.pdf("Text", title=title))).title == ""


def test_pdf_joins_words_that_a_line_broke() -> None:
    assert texts(read_pdf(raw(documents.pdf("Open on week-\ndays and 9-\n5")))) == ["Open on weekdays and 9-\n5"]


def test_pdf_that_only_its_owner_may_change_is_read() -> None:
    assert texts(read_pdf(raw(documents.pdf("Open", owner_password="secret")))) == ["Open"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (documents.pdf("Open", password="secret"), FailureCode.ENCRYPTED),
        (documents.scanned_pdf(), FailureCode.SCANNED),
        (documents.pdf(*["Page"] * 51), FailureCode.TOO_MANY_PAGES),
    ],
    ids=["locked", "scanned", "long"],
)
def test_pdf_that_cannot_be_read(body: bytes, code: FailureCode) -> None:
    assert refusal(read_pdf, raw(body)) is code


def test_fifty_pages_are_read() -> None:
    assert len(texts(read_pdf(raw(documents.pdf(*["Page"] * 50))))) == 50


def test_docx_keeps_headings_lists_and_tables_in_order() -> None:
    extract = read_docx(raw(documents.docx(title="Our rules")))
    assert extract.title == "Our rules"
    assert [(piece.heading, piece.text) for piece in pieces_of(extract, None)] == [
        ("Returns", "You can return anything within thirty days of buying it."),
        (
            "Returns > Fees",
            "| Country | Fee |\n| --- | --- |\n| Italy | 4 EUR |\n| Spain | 6 EUR |\n\n"
            "- First call us\n- Then send it\nAfter the table comes the end.",
        ),
    ]


def test_html_keeps_what_the_page_is_about() -> None:
    extract = read_html(raw(documents.PAGE, url="https://ravenna.example/pages/today?x=1"))
    found = "\n".join(f"{piece.heading}: {piece.text}" for piece in pieces_of(extract, None))
    assert extract.title == "Opening hours - Ravenna Bakery"
    assert "from nine to five" in found
    assert "Prices: | Item | Price |" in found
    assert "| Cake | 3 EUR |" in found
    for around in ("cookies", "Accept", "About us", "rights reserved", "track", "color"):
        assert around not in found


def test_html_tells_its_links_and_where_it_belongs() -> None:
    extract = read_html(raw(documents.PAGE, url="https://ravenna.example/pages/today?x=1"))
    assert extract.url == "https://ravenna.example/hours"
    assert extract.links == (
        "https://ravenna.example/", "https://ravenna.example/about", "https://ravenna.example/pages/more.html",
    )  # fmt: skip


def test_a_page_cannot_claim_another_host() -> None:
    page = documents.PAGE.replace('href="/hours"', 'href="https://other.example/hours"')
    assert read_html(raw(page, url="https://ravenna.example/today")).url == "https://ravenna.example/today"


@pytest.mark.parametrize("page", ["<p>We open at nine.</p>", "<html><body>We open <b>at</b> nine.", "We open at nine."])
def test_a_page_of_a_few_words_is_read(page: str) -> None:
    assert " ".join(" ".join(texts(read_html(raw(page)))).replace("*", "").split()) == "We open at nine."


@pytest.mark.parametrize(
    "body", ['<div id="root"></div>', "<noscript>Please turn JavaScript on.</noscript>", "Loading…"]
)
def test_a_page_that_only_scripts_fill(body: str) -> None:
    assert refusal(read_html, raw(f"<html><body>{body}<script src='/app.js'></script>")) is FailureCode.NEEDS_JAVASCRIPT


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_rows_name_their_columns(separator: str) -> None:
    rows = [["Item", "Price", "Note"], ["Cake", "3", ""], ["Tea, green", "2", 'the "best"']]
    quoted = "\r\n".join(separator.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)
    assert texts(read_csv(raw(quoted))) == ['Item: Cake; Price: 3\nItem: Tea, green; Price: 2; Note: the "best"']


def test_csv_without_names_and_with_uneven_rows() -> None:
    assert texts(read_csv(raw("Cake,3\nTea,2,hot\n\n,,\nMilk"))) == ["Cake; 3\nTea; 2; hot\nMilk"]


def test_csv_puts_a_few_rows_in_a_passage() -> None:
    body = "Item,Price\n" + "".join(f"Cake number {number},{number}\n" for number in range(200))
    found = texts(read_csv(raw(body)))
    assert 5 < len(found) < 10
    assert "\n".join(found).count("Item: Cake number ") == 200


WORDS = "Die Bäckerei öffnet täglich um neun Uhr früh und schließt für gewöhnlich um fünf. " * 3
JAPANESE = "当店の営業時間は平日の午前九時から午後五時までです。土曜日と日曜日はお休みをいただいております。" * 3


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_text_in_many_charsets(charset: str) -> None:
    document = raw(WORDS.encode(charset), "a.txt")
    assert kind_of(document) is Kind.TEXT
    assert "".join(texts(read_text(document))) == WORDS.rstrip()


@pytest.mark.parametrize("charset", ["shift_jis", "euc_jp", "utf-16"])
def test_japanese_in_many_charsets(charset: str) -> None:
    assert texts(read_text(raw(JAPANESE.encode(charset)))) == [JAPANESE]


def test_a_charset_that_is_told_is_believed() -> None:
    assert texts(read_text(raw("цена".encode("koi8-r"), media_type="text/plain; charset=koi8-r"))) == ["цена"]
    page = "<meta charset=iso-8859-2><p>Ceny są różne, zależą od wielkości.</p>"
    assert "Ceny są różne" in texts(read_html(raw(page.encode("iso-8859-2"))))[0]
    assert texts(read_text(raw("price", media_type="text/plain; charset=base64"))) == ["price"]


def test_text_comes_without_what_cannot_be_stored() -> None:
    body = "a\u0000b\ufeff\u200bc\u00ad \u0007e\u0301\r\nf\u2028g"
    assert texts(read_text(raw(body))) == ["abc é\nf\ng"]


def test_nothing_turns_the_direction_of_what_is_shown_around_it() -> None:
    page = "<title>a\u202egnp.exe</title><body><p>The opening \u2067hours\u2069 are nine to five.</p></body>"
    extract = read_html(raw(page, "text/html"))
    assert (extract.title, texts(extract)) == ("agnp.exe", ["The opening hours are nine to five."])


def test_markdown_keeps_headings_code_and_tables() -> None:
    body = (
        "# Guide\n\nIntro.\n\n## Use\nRun it:\n```sh\n# not a heading\n\nrun\n```\n"
        "Last\n----\n| a | b |\n|---|---|\n| 1 | 2 |\n# End"
    )
    extract = read_markdown(raw(body))
    assert extract.title == "Guide"
    assert [(piece.heading, piece.text) for piece in pieces_of(extract, None)] == [
        ("", "Intro."),
        ("Use", "Run it:\n\n```sh\n# not a heading\n\nrun\n```"),
        ("Last", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("", "End"),
    ]
