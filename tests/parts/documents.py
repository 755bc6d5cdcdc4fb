"""Real documents, made as a test needs them."""

import io
import zipfile
from collections.abc import Sequence

from docx import Document
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

PAGE = """<!doctype html><html lang="en"><head><title>Opening hours - Ravenna Bakery</title>
<link rel="canonical" href="/hours"><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a> <a href="/about#team">About us</a></nav>
<div id="cookie-banner" class="cookie-consent"><p>We use cookies to improve your experience.</p>
<button>Accept</button></div>
<main><h1>Opening hours</h1><p>We are open every day of the week from nine to five, and you are welcome to bring your
dog with you. <a href="more.html">Read more</a> about <a href="mailto:a@b.example">us</a>.</p>
<h2>Prices</h2><table><tr><th>Item</th><th>Price</th></tr><tr><td>Cake</td><td>3 EUR</td></tr>
<tr><td>Tea</td><td>2 EUR</td></tr></table></main>
<footer><p>Copyright Ravenna Bakery, all rights reserved.</p></footer><script>track()</script></body></html>"""


def pdf(*pages: str, title: str = "", password: str | None = None, owner_password: str | None = None) -> bytes:
    """With `owner_password` only, anybody may read it."""
    file = io.BytesIO()
    canvas = Canvas(file)
    if title:
        canvas.setTitle(title)
    for page in pages:
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(60, 780 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    if password is None and owner_password is None:
        return file.getvalue()
    return _locked(file, password or "", owner_password)


def _locked(file: io.BytesIO, password: str, owner_password: str | None) -> bytes:
    writer, locked = PdfWriter(clone_from=PdfReader(file)), io.BytesIO()
    writer.encrypt(password, owner_password, algorithm="AES-256")
    writer.write(locked)
    return locked.getvalue()


def scanned_pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawImage(ImageReader(Image.new("L", (200, 300), 128)), 0, 0, 400, 600)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def docx(title: str = "") -> bytes:
    document, file = Document(), io.BytesIO()
    document.core_properties.title = title
    document.add_heading("Returns", 1)
    document.add_paragraph("You can return anything within thirty days of buying it.")
    document.add_heading("Fees", 2)
    rows: Sequence[Sequence[str]] = (("Country", "Fee"), ("Italy", "4 EUR"), ("Spain", "6 EUR"))
    table = document.add_table(len(rows), 2)
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document.add_paragraph("First call us", style="List Bullet")
    document.add_paragraph("Then send it", style="List Bullet")
    document.add_paragraph("After the table comes the end.")
    document.save(file)
    return file.getvalue()


def docx_bomb() -> bytes:
    """About 100 kB that unpack to 100 MB."""
    file = io.BytesIO(docx())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/media/image1.bin", bytes(100 * 1024 * 1024))
    return file.getvalue()


KINDS = {
    "a.pdf": pdf("We open at nine.", "Cake is 3 EUR."),
    "a.docx": docx(),
    "a.html": PAGE.encode(),
    "a.csv": b"Item,Price\nCake,3\n" * 30,
    "a.md": b"# Hours\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n" * 5,
    "a.txt": "Öffnungszeiten\n\n".encode("utf-16") * 30,
}
