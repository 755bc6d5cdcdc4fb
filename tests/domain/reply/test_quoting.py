"""What is quoted of a passage."""

import pytest

from domain.reply.quoting import relevant

WRAPPED = """\
Keep two things, in different places: the **database**, and the **secret** that opens
the provider keys ([secret.key](docs/settings.md), or `AVATARIUM_SECRET_KEY`). Who has both
has the keys.
"""
TABLE = """\
| code | status | when |
|---|---|---|
| `SESSION_ENDED` | 400 | the session was ended. |
| `SESSION_EXPIRED` | 400 | 30 minutes passed |
| `UNAUTHORIZED` | 401 | no token was sent |
"""
CODE = """\
To put the avatar on your site, paste this frame:

```html
<iframe src="https://a.example/embed"
  width="400"></iframe>
```

![A picture](frame.png) It needs no script. It is safe.
"""


def test_a_sentence_goes_on_in_the_next_line() -> None:
    assert relevant("Which secret?", WRAPPED) == (
        "Keep two things, in different places: the database, and the secret that opens the provider keys "
        "(secret.key, or AVATARIUM_SECRET_KEY). Who has both has the keys."
    )


def test_short_lines_are_sentences_of_their_own() -> None:
    hours = "Monday 9 to 5\nTuesday 10 to 4\nWednesday closed\nThursday 9 to 5"
    assert relevant("Tuesday?", hours) == "Tuesday 10 to 4. Wednesday closed. Thursday 9 to 5."


def test_items_are_sentences_of_their_own_however_long_they_are() -> None:
    items = f"- Mint {'tea ' * 20}\n- Rooibos has no caffeine\n1. Sencha is green\n2. Hojicha is brown"
    assert relevant("rooibos", items) == "Rooibos has no caffeine. Sencha is green. Hojicha is brown."


def test_a_short_text_is_quoted_whole() -> None:
    assert relevant("How do I start the server?", "Run it. It starts the server.") == "Run it. It starts the server."


def test_of_a_table_only_the_rows_that_were_asked_for() -> None:
    assert relevant("What does SESSION_EXPIRED mean?", TABLE) == "SESSION_EXPIRED: 400; 30 minutes passed."
    assert relevant("Which session errors?", TABLE) == (
        "SESSION_ENDED: 400; the session was ended. SESSION_EXPIRED: 400; 30 minutes passed."
    )


def test_a_table_about_something_else_is_quoted_from_its_beginning() -> None:
    assert relevant("なに？", TABLE).startswith("SESSION_ENDED: 400; the session was ended. SESSION_EXPIRED")


def test_code_stays_as_it_is() -> None:
    assert relevant("How do I put it on my site?", CODE) == (
        'To put the avatar on your site, paste this frame: <iframe src="https://a.example/embed" width="400"></iframe>'
    )
    assert relevant("script", CODE) == "It needs no script. It is safe."


@pytest.mark.parametrize("text", ["", "\n\n", "```", "|", "| |", "|---|", "![](x)", "***"])
def test_of_nothing_nothing_is_quoted(text: str) -> None:
    assert relevant("What?", text).strip(" |.*") == ""
