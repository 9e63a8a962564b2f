"""Text to search terms: what two texts must share for one to speak of the other.

Words are lower-cased and lightly stemmed, identifiers are split and also kept whole, Chinese, Japanese and
Korean runs become character bigrams, stop words go. Left out: synonyms, compound splitting, other languages'
stemming.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import chain

TOKEN = re.compile(r"\w+(?:[.'’]\w+|(?<=\d),\d{3}(?!\d))*")
"""A word, number, identifier or run of ideographs, as it stands in the text."""

_CJK = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
CJK = re.compile(f"[{_CJK}]")
"""A character of a script that writes no spaces between words (or, for Korean, glues particles to them)."""

# A bigram across two scripts is mostly a word with a particle stuck to it, so each script runs alone.
_RUN = re.compile(
    r"(?P<han>[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
    r"|(?P<hiragana>[\u3040-\u309f]+)"
    r"|(?P<other>[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]+|[\uac00-\ud7af]+)"
    rf"|(?P<word>[^{_CJK}]+)"
)
_HAN_STOPS = re.compile("[的了是在吗呢哪谁么们这个誰何嗎們這個]")
"""Function characters; a Han run is cut at them."""
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_MARKS = re.compile("[\u0300-\u036f]")
_QUALITY = re.compile("(?:en|an)(?:t|ce|cy)$")
_VOWEL = re.compile("[aeiouy]")

_FUNCTION_WORDS = """
    a an the this that these those some any each every either neither both all such same own other
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves one
    am is are was were be been being have has had having do does did doing done can could may might must shall
    should will would ought
    and or but nor so yet if then else than because as until while of at by for with about against between
    into through during before after above below to from up down in out on off over under again further once
    here there not no become becomes became only very too also just more most much many few
    who whom whose which what when where why how whether
    don doesn didn isn aren wasn weren haven hasn hadn won wouldn shouldn couldn
    please tell per via etc
    der das und ist ein eine den dem le la les de des du et est el los del un una une y que
    wer wen wem wann wo wie welche welcher welches warum wieviel hat haben wurde wurden qui quand comment quel
    quelle quels quelles pourquoi combien ou a ont quien cuando donde como cual cuantos por ha
"""
STOP = frozenset(_FUNCTION_WORDS.split())
"""English words that tell nothing, question words among them, and the commonest of other languages."""

_HIRAGANA_FUNCTION = """
    した する して され れた てい いる いた ある あり あっ った です ます まし でし こと もの これ それ あれ
    この その あの どの どこ だれ なに なん いつ いく から まで より ので のに には では とは ため よう など
    だっ であ って という いう とい られ せる ない なか かっ はど こで すか はい のは のが のを がど ここ そこ
    たの しま つま のた たは どち どん んな たか にあ にい はな んで なの のか いま ませ せん また おり てお
"""
_HIRAGANA_STOPS = frozenset(_HIRAGANA_FUNCTION.split())

_MEMO_WORDS = 200_000
"""Words whose terms are remembered; the memory starts afresh when full, so that any text fits."""
_MEMO_LENGTH = 40


class _Terms(dict[str, tuple[str, ...]]):
    def __missing__(self, token: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(_split(token)))
        if len(token) <= _MEMO_LENGTH:
            if len(self) >= _MEMO_WORDS:
                self.clear()
            self[token] = found
        return found


_terms = _Terms()


def terms(text: str) -> list[str]:
    """The terms of `text` in order, repeats included."""
    return list(chain.from_iterable(map(_terms.__getitem__, TOKEN.findall(text))))


def token_terms(token: str) -> tuple[str, ...]:
    """The terms of one match of `TOKEN`."""
    return _terms[token]


def overlap(question_terms: Collection[str], text: str) -> float:
    """The share of the question's distinct terms that `text` has, from 0 to 1."""
    wanted = set(question_terms)
    return len(wanted.intersection(terms(text))) / len(wanted) if wanted else 0.0


def stem(word: str) -> str:
    """A lower-case English word without its commonest endings.

    Inflection (-s, -ed, -ing) and the doer's and deed's endings that questions swap for each other (founder,
    founded; locate, location). Stems need not be words, only equal where meanings are.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "zes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word in ("used", "using"):
        return "use"
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and _VOWEL.search(word[: -len(ending)]):
            word = _undouble(word[: -len(ending)])
            break
    for ending, least in (("er", 4), ("or", 4), ("ly", 4)):
        if word.endswith(ending) and len(word) - 2 >= least:
            word = _undouble(word[:-2])
            break
    if len(word) >= 8 and (noun := _QUALITY.search(word)):
        return word[: noun.start()]
    if word.endswith(("sion", "tion")) and len(word) >= 7:
        word = word[:-3]
    if word.endswith("e") and len(word) >= 4:
        word = word[:-1]
    elif word.endswith("y") and len(word) >= 4 and word[-2] not in "aeiou":
        word = word[:-1] + "i"
    return word


def _undouble(word: str) -> str:
    return word[:-1] if word[-1] == word[-2] and word[-1] not in "lsz" else word


def _split(token: str) -> Iterator[str]:
    if CJK.search(token):
        for run in _RUN.finditer(unicodedata.normalize("NFKC", token)):
            if run.lastgroup == "word":
                yield from (term for part in TOKEN.findall(run.group()) for term in _words(part))
            else:
                yield from _bigrams(run.group(), run.lastgroup or "")
    else:
        yield from _words(token)


def _bigrams(run: str, script: str) -> Iterator[str]:
    for part in _HAN_STOPS.split(run) if script == "han" else (run,):
        if len(part) == 1 and script != "hiragana":
            yield part
        for at in range(len(part) - 1):
            if script != "hiragana" or part[at : at + 2] not in _HIRAGANA_STOPS:
                yield part[at : at + 2]


def _words(token: str) -> Iterator[str]:
    token = token.replace("’", "'")
    if not token.isascii():
        token = _MARKS.sub("", unicodedata.normalize("NFKD", token))
    for ending in ("'s", "'S"):
        token = token.removesuffix(ending)
    token = token.strip("_")
    lower = token.lower()
    if lower in STOP or lower.partition("'")[0] in STOP:
        return
    if token[:1].isdigit() and "," in token:
        token = lower = lower.replace(",", "")
    if token.isalpha() and (lower == token or lower == token[:1].lower() + token[1:] or token.isupper()):
        yield stem(lower)
        return
    if token.replace(".", "").isdigit():
        yield lower
        return
    parts = [stem(part.lower()) for part in _CAMEL.findall(token)]
    if lower and parts != [lower]:
        yield lower
    if "." in lower:
        yield from (name for name in lower.split(".") if len(name) > 1 and name not in STOP)
    yield from (part for part in parts if len(part) > 1 and part not in STOP)
