"""Text cut into terms for the search by words: the same for both databases.

A term is a word's stem in its language. Scripts without spaces give pairs of characters. A code such as `X-200` is
found whole, without its hyphen, and by its parts.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b

import Stemmer

ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
FUNCTION_WORDS = {
    "en": """a about
        am an and any are as at be been being but by can could did do does for from had has have how i if in
        into is it its just like may me might mine my of on or our ours shall should so some such than that
        the their them then there these they this those to too us was we were what when where which who whom
        whose why will with would you your yours please tell know get got let s t ve ll re d m""",
    "de": """aber als also am an auch auf aus bei bin bis bist da damit dann das dass dem den der des die dies diese
        dieser dieses doch du ein eine einem einen einer eines er es euch euer für gibt hab habe haben hat
        ich ihm ihn ihnen ihr ihre im in ins ist ja kann können man mein meine mich mir mit nach nicht noch
        nun nur ob oder sein seine sich sie sind so über um und uns unser vom von vor wann war warum was
        wenn wer werden wie wir wird wo zu zum zur bitte denn mal""",
    "fr": """à ai au aux avec ce ces cet cette comment d dans de des du elle elles en est et eu il ils j je l la le les
        leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ou où par pas peut peux pour pourquoi
        qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont sur t ta te tes toi ton
        tu un une vos votre vous y""",
    "es": """a al algo como con cual cuál cuáles cuando cuándo cuánto de del desde donde dónde e el él ella ellas ellos
        en es esa ese eso esta está están este esto hay la las le les lo los me mi mis muy nos o os para
        pero por porque puede puedo que qué quien quién se ser si sí sin sobre son su sus también te tiene
        tienen tu tus un una uno y ya yo""",
    "it": """a ad ai al alla alle anche che chi ci come con cosa da dal dalla dei del della delle di dove e è ed gli ha
        hanno i il in io la le lei lo loro lui ma mi mio ne nei nel nella noi non o per perché più può quale
        quali quando quanto se si sono su sua sue sul sulla suo tra tu un una uno voi""",
    "pt": """a ao aos as até com como da das de dela dele do dos e é ela ele eles em essa esse esta está este eu foi há
        isso isto já lhe mais mas me meu minha na não nas nem no nos o onde os ou para pela pelo por porque
        pode qual quais quando quanto que quem se sem ser seu sua são também te tem tu um uma você""",
    "nl": """aan al als bij dat de den deze die dit door een en er had heb hebben heeft het hij hoe hun ik in is je jij
        kan kunnen maar me met mij mijn na naar niet nog nu of om onder ons ook op over te tot uit uw van
        voor waar waarom wanneer was wat we welke werd wie wij wordt zal ze zich zij zijn zo""",
}  # fmt: skip
IGNORED = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{UNSPACED}]+|[^\W{UNSPACED}_]+(?:[-._/@'’+][^\W{UNSPACED}_]+)*")
JOINT = re.compile(r"[-._/@'’+]")
IS_UNSPACED = re.compile(rf"[{UNSPACED}]")
LONGEST = 64
HIDDEN = 15


def terms(text: str, language: str) -> Iterator[str]:
    """Every term of a passage, in order, as often as it stands there."""
    for word in words(text):
        yield from forms(word, language)


def questions_terms(question: str, languages: Iterable[str]) -> list[tuple[str, ...]]:
    """For each word of a question the terms that it may stand as in a passage of one of the languages.

    Function words are left out, unless the question has nothing else.
    """
    known = list(languages) or [""]
    groups: dict[tuple[str, ...], None] = {}
    for word in words(question):
        if any(word in IGNORED.get(language, ()) for language in known):
            continue
        by_language = [forms(word, language) for language in known]
        for variants in zip(*by_language, strict=True):
            groups[tuple(dict.fromkeys(variants))] = None
    return list(groups)


def words(text: str) -> Iterator[str]:
    return (word[:LONGEST] for word in WORD.findall(text.casefold()))


def forms(word: str, language: str) -> tuple[str, ...]:
    """The terms of one word. There are as many in every language."""
    return pairs(word) if IS_UNSPACED.match(word) else stems(word, language)


def pairs(word: str) -> tuple[str, ...]:
    """Of characters. Such a word is often a whole clause, and hardly ever comes again."""
    return tuple(word[i : i + 2] for i in range(max(1, len(word) - 1)))


@lru_cache(maxsize=50_000)
def stems(word: str, language: str) -> tuple[str, ...]:
    found = [stem(part, language) for part in JOINT.split(word)]
    if len(found) == 1:
        return (found[0],)
    whole = JOINT.sub("", word) if any(character.isalpha() for character in word) else word
    return (whole, *found)


def stem(word: str, language: str) -> str:
    algorithm = ALGORITHMS.get(language)
    if algorithm is None or not word.isalpha():
        return word
    return str(stemmer(algorithm).stemWord(word))


@lru_cache
def stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm, 0)


def indexed(avatar_id: str, text: str, language: str) -> str:
    """The terms of a passage as the index keeps them, with a space between."""
    return " ".join(hidden(avatar_id, term) for term in terms(text, language))


@lru_cache(maxsize=20_000)
def hidden(avatar_id: str, term: str) -> str:
    """The term as the index keeps it: a hash of its own for each avatar, `HIDDEN` characters long.

    So an avatar is searched without a look at the others' passages, and a deleted word is nowhere in the index,
    whose pages keep deleted terms until they are merged.
    """
    return "w" + blake2b(f"{avatar_id}\n{term}".encode(), digest_size=HIDDEN // 2).hexdigest()
