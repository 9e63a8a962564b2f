"""Renamed documents hold none of the names they had, and are asked about like others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal

import pytest

from longread.synth.entities import build
from longread.synth.facts import facts
from longread.synth.naming import folded
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.proper import WORD, addressed
from longread.synth.rename import rename
from longread.synth.values import quantity
from longread.types import Document, document_id
from tests.synth import pages

HELD_OUT = {
    "Nigeria": "Nigerian", "Niger": "Nigerien", "Guinea": "Guinean", "Guinea-Bissau": "Bissau-Guinean",
    "Equatorial Guinea": "Equatorial Guinean", "New Zealand": "New Zealander", "France": "French",
    "Côte d'Ivoire": "Ivoirian", "Netherlands": "Dutch", "Trinidad and Tobago": "Trinidadian",
    "Uzbekistan": "Uzbekistani", "Turkey": "Turkish", "North Korea": "Korean", "South Korea": "Korean",
    "Solomon Islands": "Solomon Islander", "Cook Islands": "Cook Islander",
}  # fmt: skip
NOUNS = {"Turkey": "Turk", "Netherlands": "Dutchman(men), Dutchwoman"}
LONG = {"North Korea": "Democratic People's Republic of Korea", "South Korea": "Republic of Korea"}
LEFT = """
    Nigeria Nigerian Nigerians Niger Nigerien Guinea Guinean Bissau Zealand Zealander Zealanders France French
    Frenchman Frenchmen Franco Ivoire Ivoirian Netherlands Dutch Dutchman Trinidad Tobago Trinidadian Uzbek
    Uzbeks Uzbekistan Turkish Turks Korea Korean Koreas Solomon Holland USN
""".split()  # fmt: skip
"""Not seen by the renamer; `turkey` in lower case is a bird, and is tested for by itself."""
PROSE = (
    "NIGERIA's border with Niger, and the islands around here; Nigerians, Nigerien and Franco-Nigerian trade, the "
    "New Zealand Dollar, French\u00a0law, C\u00f4te d'Ivoire and Cote d'Ivoire, a Frenchman, the two Koreas, Uzbeks; "
    "Trinidad alone; turkey &amp; rice; Equatorial Guinea, not Guinea-Bissau; https://x.org/new-zealand/a; "
    "Turks; one dollar; 1 May 1980"
)
UNTOLD = (
    "The soldiers left in May. Soviet-era tanks of the Soviets, a Rhodesian's farm near RHODESIA; later (Rhodesia) "
    "the Siamese twins and trade with Siam, Ottoman\u00a0law; the R\u00e9publique Fran\u00e7aise and the "
    "d'Alg\u00e9rie line; rubles (SUR) and leke (ALL), all told; Xi and Pope Pius XI; mail@rhodesiaembassy.org, "
    "https://siamembassy.gov/trade/law; <em>siam</em> means gold; on Monday in March, Trade Law; 5 Btu. Tanks left."
)
"""With names that no page tells of: plain, plural, possessive, hyphenated, of states that are no more, foreign, in
addresses joined to others, and codes of currencies."""
UNTOLD_NAMES = re.compile(
    r"(?i:soviet|rhodes|siam(?!</em>)|ottoman|francaise|algerie|republique|pius)|\b(?:SUR|ALL|Xi)\b"
)
STAYS = re.compile(
    r"The soldiers left in May\. (\w+)-era tanks of the \1s, a \w+'s farm near [A-Z]+; later \(\w+\) "
    r"the \w+ twins and trade with \w+, \w+\xa0law; the \w+ \w+ and the d'\w+ "
    r"line; rubles \([A-Z]{3}\) and leke \([A-Z]{3}\), all told; \w+ and \w+ \w+ XI; mail@\w+\.org, "
    r"https://\w+\.gov/trade/law; <em>siam</em> means gold; on Monday in March, Trade Law; 5 Btu\. Tanks left\."
)


def _documents() -> list[Document]:
    names = list(HELD_OUT)
    made = []
    for number, (name, page) in enumerate(
        zip(names, pages.records(train=len(names), evaluation=0).values(), strict=True)
    ):
        around = [names[(number + step) % len(names)] for step in (1, -1)]
        record = page | {
            "Neighbours": {"text": "; ".join(f"{who} {100 + 7 * len(who + name)} km" for who in around)},
            "Nationality": {"noun": f"{NOUNS.get(name, HELD_OUT[name])}(s)", "adjective": HELD_OUT[name]},
            "Share": "99.9%", "Count": 950, "Founded": "29 February 1904", "Prose": PROSE, "Seen": "1960",
            "Government": {
                "Country name": {
                    "conventional long form": LONG.get(name, f"State of {name}"), "conventional short form": name,
                    "former": "Holland" if name == "Netherlands" else "none",
                    "abbreviation": "USN" if number == 1 else "",
                }
            },
        }  # fmt: skip
        made.append(
            pages.document(
                json.dumps(record, indent=1, ensure_ascii=number % 2 > 0), f"pages/{name.lower()}.json"
            )
        )
    return made


@pytest.fixture(scope="module")
def given() -> list[Document]:
    return _documents()


@pytest.fixture(scope="module")
def renamed(given: list[Document]) -> tuple[Document, ...]:
    return rename(given, 1)


def _names(documents: Sequence[Document]) -> list[str]:
    return [page.name for page in build({one.id: list(facts(one)) for one in documents}).pages]


def _values(document: Document) -> dict[str, str]:
    return {fact.relation: fact.value for fact in facts(document)}


def test_no_name_is_left(given: list[Document], renamed: tuple[Document, ...]) -> None:
    words = re.compile(rf"\b(?:{'|'.join(LEFT)})\b", re.IGNORECASE)
    assert all(len(words.findall(one.text)) > 15 for one in given)
    for one in renamed:
        assert not words.findall(json.dumps(json.loads(one.text), ensure_ascii=False))
        assert not words.findall(one.source)
        assert "turkey &amp; rice" in _values(one)["Prose"]


def _untold() -> list[Document]:
    return [
        pages.document(
            json.dumps(
                {"name": name, "Near": f"{other} 5 km", "Prose": UNTOLD, "Use (Btu)": f"{number} Btu"},
                ensure_ascii=number % 2 > 0,
            ),
            f"{name}.json",
        )
        for number, (name, other) in enumerate(
            [("Avaria", "Borduria"), ("Borduria", "Avaria"), ("Syldavia", "Avaria")]
        )
    ]


def test_names_that_no_page_tells_of_go_too() -> None:
    for old, new in zip(_untold(), rename(_untold(), 1), strict=True):
        assert len(UNTOLD_NAMES.findall(folded(_values(old)["Prose"])[0])) == 17
        text = _values(new)["Prose"]
        assert not UNTOLD_NAMES.findall(folded(text)[0])
        assert STAYS.fullmatch(text), text


def test_names_that_no_page_tells_of_keep_apart() -> None:
    (first, *_), given = rename(_untold(), 1), UNTOLD
    old, new = (WORD.findall(folded(text)[0]) for text in (given, _values(first)["Prose"]))
    assert len(old) == len(new)
    became = dict(zip(old, new, strict=True))
    assert [became[word] for word in old] == new
    assert became["Rhodesia"].upper() == became["RHODESIA"]
    pairs = {(word.casefold(), other.casefold()) for word, other in became.items()}
    assert len(pairs) == len({other for _, other in pairs})


def test_words_of_addresses_go_where_they_are_rare_or_hold_a_name() -> None:
    found = [{"www", "org", "bvemb", "embassy"}, *[{"www", "org", "avarianpost"}] * 30]
    assert addressed(found, {"embassy"}, {"avaria"}) == {"bvemb", "avarianpost"}


def test_names_are_a_bijection_and_new(given: list[Document], renamed: tuple[Document, ...]) -> None:
    before, after = _names(given), _names(renamed)
    assert len(before) == len(after) == len(set(after)) == len(HELD_OUT)
    corpus = "\n".join(one.text for one in given).casefold()
    assert not [name for name in after if name.split()[0].casefold() in corpus]


def test_names_are_the_same_in_all_documents(renamed: tuple[Document, ...]) -> None:
    names = dict(zip(HELD_OUT, _names(renamed), strict=True))
    values = [_values(one) for one in renamed]
    assert len({value["Prose"].rpartition(";")[0] for value in values}) == 1
    text = values[0]["Prose"]
    assert text.startswith(f"{names['Nigeria'].upper()}'s border with {names['Niger']},")
    assert f"the {names['New Zealand']} Dollar" in text
    assert text.count(names["Côte d'Ivoire"]) == 2
    assert f"{names['Equatorial Guinea']}, not {names['Guinea-Bissau']};" in text
    assert f"/{names['New Zealand'].lower()}/a" in text
    assert names["Solomon Islands"].endswith(" Islands")
    assert " and " in names["Trinidad and Tobago"]


def test_numbers_change_in_their_format(given: list[Document], renamed: tuple[Document, ...]) -> None:
    changed = 0
    for old, new in zip(given, renamed, strict=True):
        values = list(_values(new).values())
        for before, after in zip(_values(old).values(), values, strict=True):
            if (was := quantity(before)) and before != "1960":
                now = quantity(after)
                assert now and (now.unit, now.year) == (was.unit, was.year)
                digits = Decimal(re.sub(r"[^\d.]", "", re.split(r" \((?:19|20)", before)[0]) or 0)
                least = was.number.copy_abs() / digits * Decimal(1).scaleb(digits.as_tuple().exponent)
                assert abs(now.number - was.number) <= abs(was.number) / 10 + least
                assert re.sub(r"[\d,]+", "", before) == re.sub(r"[\d,]+", "", after)
                changed += now.number != was.number
        assert Decimal(_values(new)["Share"].rstrip("%")) <= 100
        assert _values(new)["Seen"] == "1960"
        assert json.loads(new.text)["Count"] in range(855, 1046)
    assert changed > 100


def test_borders_are_equal_on_both_sides_and_dates_keep_their_distance(renamed: tuple[Document, ...]) -> None:
    base = pages.base_of(renamed)
    lengths = {
        (page.name, link.name): link.number for page in base.pages for link in page.links["Neighbours"]
    }
    assert lengths and all(lengths[b, a] == length for (a, b), length in lengths.items())
    for page in base.pages:
        founded, prose = page.dates["Founded"], re.findall(r"1 May (\d{4})", page.facts["Prose"].value)
        assert int(prose[0]) - founded.year == 1980 - 1904
        assert founded.year < 1904


def test_the_seed_decides(given: list[Document], renamed: tuple[Document, ...]) -> None:
    assert rename(given, 1) == renamed
    assert not set(_names(rename(given, 2))) & set(_names(renamed))
    assert all(one.id == document_id(one.source, one.text) for one in renamed)
    assert len({one.source for one in renamed}) == len(renamed)


def test_other_documents_follow(given: list[Document]) -> None:
    note = Document("n", "new-zealand.md", "Of Niger.\fOf Nigeria.", "text", pages=(0, 10))
    broken = pages.document('{"a": "Nigeria', "b.json")
    *_, new, odd = rename([*given, note, broken], 1)
    assert "Niger" not in new.text + odd.text and "zealand" not in new.source
    assert [new.text[start : start + 3] for start in new.pages] == ["Of ", "Of "]
    assert rename([note], 1)[0].text == note.text


def test_renamed_documents_make_proven_samples(tmp_path_factory: pytest.TempPathFactory) -> None:
    out = tmp_path_factory.mktemp("renamed") / "out"
    run(rename(pages.documents(), 3), Recipe(40, (4_000,)), out)
    proven = list(prove(out))
    assert len(proven) > 20 and not [failed for _, failed in proven if failed]
