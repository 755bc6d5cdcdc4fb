"""Which terms are remembered: those of words that come again."""

from adapters.words import terms


def test_words_are_remembered_and_clauses_without_spaces_are_not() -> None:
    terms.stems.cache_clear()
    assert list(terms.terms("X-200 walks", "en")) == ["x200", "x", "200", "walk"]
    assert list(terms.terms("今日は良い天気です。明日も晴れるでしょう", "ja"))[:2] == ["今日", "日は"]
    assert terms.stems.cache_info().currsize == 2
