"""What the things that pages are about are called: every form that the pages tell or that can be derived.

A root is a name of its own, such as `Trinidad` and `Tobago`, which make up one name. Every form belongs to one root.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from longread.synth.entities import naming_relation
from longread.synth.facts import Fact
from longread.synth.facts.keyed import JOINT
from longread.synth.proper import ROMAN, SHORT
from longread.synth.values import plain

Kind = Literal["name", "adjective", "plural", "prefix", "short", "dotted"]


class Form(NamedTuple):
    """What a way of calling something stands for."""

    root: str
    kind: Kind
    tail: str = ""
    """What of the form stays: ` Islands`, `man`."""


class Known(NamedTuple):
    """The names of a corpus."""

    forms: Mapping[str, Form]
    """Without accents."""
    entities: Mapping[str, str]
    """A document, and the whole name of what it is about -> the first root of the name."""


class _Claim(NamedTuple):
    level: int
    """0 the name that a page goes by, 1 what else it is called, 2 what it was called, 3 what else has a name."""
    form: str
    root: str
    kind: Kind


_CALLED = re.compile(r"(?:long form|short form|abbreviation|alias|aliases|also known as)$", re.IGNORECASE)
_FORMER = re.compile(r"\bformer(?:ly)?(?: names?)?$", re.IGNORECASE)
_DEMONYM = re.compile(r"\b(?:nationality|demonym)s?(?: / (?:noun|adjective))?$", re.IGNORECASE)
_ASIDE = re.compile(r"\s*(?:\(([^()]*)\)|\[[^\[\]]*\])")
_BETWEEN = re.compile(r"[;,/] ?(?:or |and )?| or ")
_AND = re.compile(r" and (?:the )?")
_PROPER = r"[a-z]{0,3}'?[A-Z][\w'.-]*"
_PHRASE = re.compile(rf"{_PROPER}(?: (?:[a-z]{{1,3}}|{_PROPER}))*")
_CORE = re.compile(r".* of (?:[Tt]he )?(?:Great )?")
_MANY = ("s", "es", "man", "men", "woman", "women")
_PEOPLE = ("man", "men", "woman", "women")
_ADJECTIVE = ("n", "an", "ian", "ean", "ese", "lese", "ish", "i", "ic", "er", "ar", "ite", "ien")
_ENDINGS = re.compile(r"(?:[aeiouy]+s?|i?stan|land)$")
"""What a name loses before an adjective's ending."""
_BEFORE_O = re.compile(r"(?:ia|ea|[aeoy]|ey)$")
_OFTEN, _DISTINCT = 0.5, 0.9
"""Share of the pages that give a name to something, and of the names that differ."""
_STEM = 4
"""Letters below which a stem says too little."""
_SPECIAL = re.compile(r"&#?\w{2,8};|[^\x00-\x7f]")
_ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|" + _SPECIAL.pattern, re.DOTALL)


def folded(text: str, escaped: bool = False) -> tuple[str, list[int]]:
    """`text` without accents and entities (and escapes of JSON), and where each of its characters comes from."""
    parts: list[str] = []
    where: list[int] = []
    at = 0
    for found in (_ESCAPED if escaped else _SPECIAL).finditer(text):
        letters = _letters(found.group())
        parts += (text[at : found.start()], letters)
        where += (*range(at, found.start()), *[found.start()] * len(letters))
        at = found.end()
    where += range(at, len(text) + 1)
    return "".join((*parts, text[at:])), where


def _letters(special: str) -> str:
    if special.startswith("\\"):
        special = chr(int(special[2:], 16)) if special[1] == "u" and len(special) > 2 else " "
    text = unicodedata.normalize("NFKD", html.unescape(special).replace("’", "'").replace("‘", "'"))
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def learn(
    facts: Mapping[str, Mapping[str, Fact]], seen: Counter[str], proper: Sequence[Sequence[str]]
) -> Known:
    """The names of what the pages are about, and after them the others.

    Args:
        facts: By document and relation.
        seen: How often each word stands in the corpus, as it is written, without accents; prefixes with their hyphen.
        proper: Words that are names by how they are written, each with all ways in which it is.
    """
    naming = naming_relation(facts)
    if not naming:
        return Known({}, {})
    parts = {doc: found for doc, own in facts.items() if (found := _own_parts(naming, own))}
    claims = [claim for doc, roots in parts.items() for claim in _claims(naming, facts[doc], roots)]
    claims += [_Claim(3, name, name, "name") for name in _titles(facts) if not name.isalpha()]
    claims = [claim for claim in claims if claim.level == 0 or not _common(claim.form, seen)]
    forms: dict[str, Form] = {}
    by_form: defaultdict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        by_form[claim.form].append(claim)
    # Names before what is derived of them, short before long, so that `Dutchman` follows `Dutch`.
    for form in sorted(by_form, key=lambda form: (min(by_form[form]).level, len(form), form)):
        level = min(by_form[form]).level
        best = [claim for claim in by_form[form] if claim.level == level]
        if best[0].kind in ("adjective", "plural") and (derived := _inherited(form, forms)):
            forms[form] = derived
        elif len({claim.root for claim in best}) == 1:
            forms[form] = Form(best[0].root, best[0].kind)
        elif level in (0, 1):  # what several are called is none's, and has a root of its own
            forms[form] = Form(form, best[0].kind)
    for form, (root, kind, _) in list(forms.items()):
        if kind in ("adjective", "plural"):
            for suffix in _MANY:
                forms.setdefault(form + suffix, _suffixed(Form(root, kind), suffix))
    forms.update(_tails(forms, seen))
    _derive(forms, seen)
    for form, (root, kind, tail) in list(forms.items()):
        if kind == "name" and form.isalpha() and seen[f"{form}s"]:  # the two Koreas
            forms.setdefault(f"{form}s", Form(root, kind, f"{tail}s"))
        if form.startswith("Saint "):
            for short in ("St. ", "St "):
                forms.setdefault(short + form.removeprefix("Saint "), Form(root, kind, tail))
        if kind == "short" and 2 <= len(form) <= 4 and form.isalpha():
            forms.setdefault("".join(f"{letter}." for letter in form), Form(root, "dotted"))
    _others(forms, proper)
    entities = {doc: roots[0] for doc, roots in parts.items()}
    named = {folded(plain(own[naming].value))[0]: doc for doc, own in facts.items() if naming in own}
    return Known(forms, entities | {name: entities[doc] for name, doc in named.items() if doc in entities})


def _titles(facts: Mapping[str, Mapping[str, Fact]]) -> set[str]:
    """Names that pages give to something of theirs, such as a capital: no two pages give it the same."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for own in facts.values():
        for relation, fact in own.items():
            if relation.casefold().endswith("name"):
                values[relation].append(plain(fact.value))
    return {
        name
        for given in values.values()
        if len(given) >= _OFTEN * len(facts) and len(set(given)) >= _DISTINCT * len(given)
        for value in given
        for name in (*_phrases(value), value)
        if _PHRASE.fullmatch(name)
    }


def _own_parts(naming: str, own: Mapping[str, Fact]) -> tuple[str, ...]:
    """What makes up the name that a page goes by, or the first name it has otherwise; empty without any."""
    others = [
        fact for relation, fact in own.items() if _sibling(relation, naming) and _CALLED.search(relation)
    ]
    for fact in ([own[naming]] if naming in own else []) + others:
        if parts := tuple(_parts(plain(fact.value))):
            return parts
    return ()


def _sibling(relation: str, naming: str) -> bool:
    return relation.rpartition(JOINT)[0] == naming.rpartition(JOINT)[0]


def _parts(value: str) -> Iterator[str]:
    for phrase in _phrases(value):
        pieces = _AND.split(phrase)
        # `Turks and Caicos Islands` is one name, as its first half is none without the last word.
        if all(_PHRASE.fullmatch(piece) for piece in pieces) and not phrase.endswith(("Islands", "Lands")):
            yield from pieces
        else:
            yield phrase


def _phrases(value: str) -> Iterator[str]:
    """The names of a value, without asides and articles."""
    text = folded(_ASIDE.sub("", value))[0]
    for part in _BETWEEN.split(text):
        name = part.strip().removeprefix("The ")
        if _PHRASE.fullmatch(name):
            yield name


def _claims(naming: str, own: Mapping[str, Fact], roots: Sequence[str]) -> Iterator[_Claim]:
    for root in roots:
        yield _Claim(0, root, root, "name")
    if naming in own and len(roots) == 1:
        value = folded(plain(own[naming].value))[0]
        aside = _ASIDE.search(value)
        if aside and _PHRASE.fullmatch(value.replace("(", "").replace(")", "")):
            yield _Claim(0, value, roots[0], "name")
        if aside and " " in (aside[1] or "") and _PHRASE.fullmatch(aside[1]):
            yield _Claim(1, aside[1], roots[0], "name")
    for relation, fact in own.items():
        value = plain(fact.value)
        if _DEMONYM.search(relation):
            for form in _phrases(value):
                if not form.isupper():
                    yield _Claim(1, form, _nearest(form, roots), "adjective")
        elif _sibling(relation, naming) and (_CALLED.search(relation) or _FORMER.search(relation)):
            level = 2 if _FORMER.search(relation) else 1
            for phrase in _phrases(value):
                short: Kind = "short" if phrase.isupper() else "name"
                if not any(re.search(rf"\b{re.escape(root)}\b", phrase) for root in roots):
                    yield _Claim(level, phrase, _nearest(phrase, roots), short)
                if core := _CORE.match(phrase):
                    for piece in _parts(phrase[core.end() :]):
                        yield _Claim(level, piece, _nearest(piece, roots), "name")


def _nearest(form: str, roots: Sequence[str]) -> str:
    """The root that begins most like `form`; the first of those alike."""

    def alike(root: str) -> int:
        same = 0
        for a, b in zip(form, root, strict=False):
            if a != b:
                break
            same += 1
        return same

    return max(roots, key=alike)


def _common(form: str, seen: Counter[str]) -> bool:
    """Whether a form is a word like others, or a number."""
    return bool(ROMAN.fullmatch(form)) or (form.isalpha() and seen[form.lower()] > seen[form])


def _inherited(form: str, forms: Mapping[str, Form]) -> Form | None:
    """`Korean` is what `Korea` is, and `Dutchman` what `Dutch` is."""
    for suffix in (*_ADJECTIVE, *_MANY):
        if form.endswith(suffix) and (base := forms.get(form.removesuffix(suffix))):
            return _suffixed(base, suffix)
    return None


def _suffixed(base: Form, suffix: str) -> Form:
    if suffix in _PEOPLE:
        return Form(base.root, "adjective", suffix)
    return Form(base.root, "plural" if suffix in ("s", "es") else "adjective")


def _tails(forms: Mapping[str, Form], seen: Counter[str]) -> dict[str, Form]:
    """Names that end as others do in a word like others, such as `Islands`, keep it."""
    names = [
        form for form, (root, kind, _) in forms.items() if kind == "name" and form == root and " " in form
    ]
    ends = Counter(name.rpartition(" ")[2] for name in names)
    kept: dict[str, Form] = {}
    for name in names:
        end = name.rpartition(" ")[2]
        if ends[end] > 1 and end not in forms and seen[end.lower()]:
            kept[name] = Form(name, "name", f" {end}")
    return kept


def _derive(forms: dict[str, Form], seen: Counter[str]) -> None:
    """Adds the words of the corpus that are a stem of a name and an ending that adjectives have."""
    stems: defaultdict[str, set[str]] = defaultdict(set)
    whole: defaultdict[str, set[str]] = defaultdict(set)
    """Stems that are words by themselves: `Uzbek`, of `Uzbekistan`."""
    prefixes: defaultdict[str, set[str]] = defaultdict(set)
    for form, (root, kind, _) in forms.items():
        if not form.isalpha() or form.isupper() or kind not in ("name", "adjective"):
            continue
        bare = _ENDINGS.sub("", form)
        for stem in {form, bare}:
            stems[stem].add(root)
        if form.endswith(("stan", "land")):
            whole[bare].add(root)
        prefixes[_BEFORE_O.sub("", form) + "o-"].add(root)
    for word in [word for word in seen if word not in forms and seen[word] > seen[word.lower()]]:
        if word.endswith("-"):
            found: tuple[set[str], Kind] | None = (prefixes[word], "prefix") if word in prefixes else None
            word = word.removesuffix("-")
        else:
            found = _derived(word, stems, whole)
        if found and len(found[0]) == 1 and word not in forms:
            forms[word] = Form(next(iter(found[0])), found[1])


def _others(forms: dict[str, Form], proper: Sequence[Sequence[str]]) -> None:
    """Adds names that no page tells of: each has a root of its own, but for plurals."""
    known = {form.casefold() for form in forms}
    for written in sorted(proper, key=lambda written: (len(written[0]), written[0])):
        first = written[0]
        kind: Kind = "short" if first.isupper() and len(first) <= SHORT else "name"
        one = forms.get(first[:-1]) if first[-1] == "s" else None
        stands = one._replace(tail=one.tail + "s") if one else Form(first, kind)
        for word in written:
            form = word.title() if word.isupper() and stands.kind != "short" else word
            if form not in forms and not (word.isupper() and word.casefold() in known):
                forms[form] = stands


def _derived(
    word: str, stems: Mapping[str, set[str]], whole: Mapping[str, set[str]]
) -> tuple[set[str], Kind] | None:
    kinds: tuple[tuple[str, Kind], ...] = ((word, "adjective"), (word.removesuffix("s"), "plural"))
    for singular, kind in kinds[: 2 if word.endswith("s") else 1]:
        if len(singular) >= _STEM and singular in whole:
            return whole[singular], kind
        for suffix in sorted(_ADJECTIVE, key=len):
            stem = singular.removesuffix(suffix)
            if stem != singular and len(stem) >= _STEM and stem in stems:
                return stems[stem], kind
    return None
