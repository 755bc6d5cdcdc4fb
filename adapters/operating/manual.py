"""The pages of Avatarium's own manual, which the demo avatar answers from."""

from pathlib import Path

PAGES = (
    "README.md",
    "docs/questions.md",
    "docs/settings.md",
    "docs/conversations.md",
    "docs/knowledge.md",
    "docs/retrieval.md",
    "docs/embedding.md",
    "docs/graphql.md",
    "docs/rest.md",
    "docs/errors.md",
    "docs/operations.md",
    "docs/backup.md",
)
IN_A_WHEEL = Path(__file__).with_name("manual_pages")
IN_A_CHECKOUT = Path(__file__).parents[2]


def manual() -> list[str]:
    """Each page as Markdown, beginning with its title."""
    folder = IN_A_WHEEL if IN_A_WHEEL.exists() else IN_A_CHECKOUT
    return [(folder / page).read_text(encoding="utf-8") for page in PAGES]
