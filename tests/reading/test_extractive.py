"""The extractive policy finds chains of evidence among decoys, and says when there is none."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from longread.models.base import Delta
from longread.reading.extractive import ExtractivePolicy
from longread.reading.notes import Add, Notes
from longread.reading.policy import NOT_ANSWERED, Draft
from longread.reading.section import Sections
from longread.types import Chunk, Corpus, Document, Span

WORDS = """committee reported annual figures stable several members argued storage grain large barns river transport
slow winter ice blocked channels merchants complained officials promised repairs roads market music school teacher
garden letter morning evening window paper table company founder born capital year country city""".split()
FIRST = "Jane John Mary Ivan Lena Omar Petra Hugo Nadia Felix Greta Boris Clara Emil Rosa Victor".split()
LAST = "Roe Doe Marek Vance Ostrow Kessler Duval Brandt Holt Sorel Tanaka Rinaldi Moreau Quist".split()
SYLLABLES = "ka lo mi ra ten vor sul bra dex nim par qui zol fen gar hal".split()
TEMPLATES = ("{0} was founded by {1}.", "{1} was born in {2}.", "{2} lies on the river {3}.")
QUESTIONS = {
    2: "In which city was the founder of {0} born?",
    3: "On which river lies the city where the founder of {0} was born?",
}
CHUNKS = 200


def chunked(documents: Sequence[Document], size: int = 4_000) -> Sections:
    """Chunks of one document each, cut at line ends."""
    chunks: list[Chunk] = []
    for document in documents:
        at = 0
        while at < len(document.text):
            end = document.text.rfind("\n", at, at + size) + 1 if at + size < len(document.text) else 0
            end = end or min(len(document.text), at + size)
            chunks.append(Chunk(len(chunks), (Span(document.id, at, end),), size // 4))
            at = end
    return Sections(Corpus(tuple(documents)), chunks)


def planted(
    hops: int, seed: int, against: bool, without: int | None = None
) -> tuple[str, list[str], Sections]:
    """A question, its evidence and a text that holds it among the same relations of others, chunk by chunk."""
    r = random.Random(seed)

    def name(syllables: int) -> str:
        return "".join(r.choice(SYLLABLES) for _ in range(syllables)).capitalize()

    people = r.sample([f"{a} {b}" for a in FIRST for b in LAST], 40)
    worlds = [(name(3) + "on", person, name(2) + "ia", name(4)) for person in people]
    chains = [[t.format(*world) for t in TEMPLATES[:hops]] for world in worlds]
    places = sorted(r.sample(range(CHUNKS), hops), reverse=against)
    planned = [(p, s) for i, (p, s) in enumerate(zip(places, chains[0], strict=True)) if i != without]
    planned += [(r.randrange(CHUNKS), s) for chain in chains[1:] for s in chain]
    lines: list[str] = []
    for chunk in range(CHUNKS):
        for _ in range(30):
            words = r.choices(WORDS, k=r.randint(8, 18))
            lines.append(" ".join(words).capitalize() + ".")
        for sentence in (s for p, s in planned if p == chunk):
            lines.insert(len(lines) - r.randrange(1, 29), sentence)
    text = "\n".join(lines)
    question = QUESTIONS[hops].format(worlds[0][0])
    return question, chains[0], chunked([Document("d", "big.txt", text)])


async def ask(question: str, sections: Sections, policy: ExtractivePolicy | None = None) -> Draft:
    """Reads one section after the other."""
    policy = policy or ExtractivePolicy()
    task = await policy.begin(question, sections, withhold=True)
    notes = Notes()
    for section in sections:
        (noted,) = await policy.note([task], [notes], section, len(sections))
        ((notes, _),) = policy.fit([task], [notes.update(noted.operations, noted.plan, section)])
    shown: list[Delta] = []
    draft = await policy.answer(task, notes, shown.append)
    assert "".join(delta.text for delta in shown) == draft.text
    return draft


async def ask_whole(question: str, sections: Sections) -> Draft:
    """Reads everything in one pass."""
    policy = ExtractivePolicy()
    task = await policy.begin(question, sections, withhold=True)
    return await policy.whole(task, sections.whole(), lambda _: None)


def cited(draft: Draft, sections: Sections) -> list[str]:
    """The cited passages, taken from the documents."""
    entries = {entry.id: entry for entry in draft.notes.entries}
    spans = [entries[id].span for id in draft.cited]
    return [sections.corpus.text(span) for span in spans if span]


def document(text: str, kind: str = "text", source: str = "a.txt") -> Sections:
    return chunked([Document("d", source, text, kind)], size=500)


@pytest.mark.parametrize("against", [False, True], ids=["in order", "against order"])
@pytest.mark.parametrize("hops", [2, 3])
@pytest.mark.parametrize("seed", range(3))
async def test_planted_chains_are_cited_whole_and_in_order(hops: int, seed: int, against: bool) -> None:
    question, evidence, sections = planted(hops, seed, against)
    for draft in (await ask(question, sections), await ask_whole(question, sections)):
        assert draft.answered
        assert cited(draft, sections) == evidence
        assert draft.text == "\n".join(f"{s} [{n}]" for n, s in enumerate(evidence, 1))


@pytest.mark.parametrize(("hops", "without"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
async def test_without_one_hop_there_is_no_answer(hops: int, without: int) -> None:
    question, _, sections = planted(hops, 5, False, without)
    draft = await ask(question, sections)
    assert not draft.answered
    assert draft.cited == ()
    assert draft.text == NOT_ANSWERED


async def test_a_question_about_something_else_is_not_answered() -> None:
    _, _, sections = planted(2, 1, False)
    assert not (await ask("How many grams of sugar go into tiramisu?", sections)).answered
    assert not (await ask("", sections)).answered
    assert not (await ask("Who?", chunked([]))).answered


async def test_requests_about_the_form_of_the_answer_do_not_steer_the_reading() -> None:
    question, evidence, sections = planted(2, 2, False)
    draft = await ask(
        f"{question} Answer with the name of the city and country, in capital letters.", sections
    )
    assert cited(draft, sections) == evidence


async def test_japanese() -> None:
    filler = "".join(
        f"{n}月の会議では市場の報告と学校の修理について話し合いが行われた。\n" for n in range(900)
    )
    others = "佐藤花子は緑川商事を設立した。\n緑川商事の本社は京都にある。\n鈴木一郎は白鳥工業を設立した。\n"
    text = (
        filler
        + "山田太郎は青空商事を設立した。\n"
        + filler
        + others
        + filler
        + "青空商事の本社は大阪にある。\n"
    )
    sections = document(text)
    draft = await ask("山田太郎が設立した会社の本社はどこですか", sections)
    assert cited(draft, sections) == ["山田太郎は青空商事を設立した。", "青空商事の本社は大阪にある。"]
    sections = document(text.replace("青空商事の本社は大阪にある。\n", ""))
    assert not (await ask("山田太郎が設立した会社の本社はどこですか", sections)).answered


async def test_chinese() -> None:
    filler = "".join(f"第{n}次会议讨论了市场报告和学校修缮的问题。\n" for n in range(900))
    others = "李强创办了长河集团。长河集团总部设在武汉。王芳创办了金山公司。\n"
    sections = document(
        filler + "远景科技总部设在长沙。\n" + filler + others + filler + "张伟创办了远景科技。\n" + filler
    )
    draft = await ask("张伟创办的公司总部设在哪个城市？", sections)
    assert cited(draft, sections) == ["张伟创办了远景科技。", "远景科技总部设在长沙。"]


async def test_code_is_followed_from_class_to_base_across_files() -> None:
    filler = "\n".join(f"def helper_{n}(value, queue):\n    return value + queue[{n}]\n" for n in range(200))
    web = "class WebServer(Mixin, PlainServer):\n    threads = True\n"
    plain = "class PlainServer(net.SocketServer):\n    allow = 1\n"
    net = (
        "class SocketServer(Base):\n    def activate(self):\n        self.socket.listen(self.backlog_size)\n"
    )
    sections = chunked(
        [
            Document("n", "net.py", filler + net + filler, "code"),
            Document("w", "web.py", filler + plain + filler + web, "code"),
        ]
    )
    draft = await ask("What backlog_size does WebServer listen with?", sections)
    assert [text.partition("\n")[0] for text in cited(draft, sections)] == [
        "class WebServer(Mixin, PlainServer):",
        "class PlainServer(net.SocketServer):",
        "self.socket.listen(self.backlog_size)",
    ]


async def test_a_record_is_found_by_the_page_it_is_on() -> None:
    def page(country: str, capital: str, n: int) -> Document:
        text = '{\n  "Introduction": {\n    "text": "' + f"{country} is a country. " * 30 + '"\n  },\n'
        text += '  "Government": {\n    "Name": {\n      "text": "' + country + '"\n    },\n'
        text += '    "Capital": {\n      "text": "' + capital + '"\n    }\n  }\n}\n'
        return Document(str(n), f"{n}.json", text, "json")

    names = [("Arvania", "Tollos"), ("Bergland", "Quimper"), ("Cassia", "Moorvik"), ("Dorn", "Elsby")]
    sections = chunked([page(*pair, n) for n, pair in enumerate(names)], size=400)
    draft = await ask("What is the capital of Cassia?", sections)
    assert "Moorvik" in cited(draft, sections)[0]
    assert all("Tollos" not in text for text in cited(draft, sections))


async def test_a_pronouns_sentence_is_quoted_with_the_one_before() -> None:
    sections = document(
        "Grain was stored in barns. Jane Roe is an engineer. She was born in Turin. Ice came."
    )
    draft = await ask("Where was Jane Roe born?", sections)
    assert cited(draft, sections)[0] == "Jane Roe is an engineer. She was born in Turin."


async def test_budgets_are_kept() -> None:
    question, evidence, sections = planted(2, 3, False)
    policy = ExtractivePolicy(notes_tokens=300, quotes=1)
    task = await policy.begin(question, sections, withhold=True)
    notes = Notes()
    for section in sections:
        (noted,) = await policy.note([task], [notes], section, len(sections))
        assert len(noted.operations) <= 6
        ((notes, _),) = policy.fit([task], [notes.update(noted.operations, noted.plan, section)])
        assert sum(policy.count(e.claim + e.quote) for e in notes.entries) <= 300
    assert set(evidence) <= {entry.quote for entry in notes.entries}
    assert len((await policy.answer(task, notes, lambda _: None)).cited) == 1


async def test_what_full_notes_have_no_place_for_is_not_noted() -> None:
    question, _, sections = planted(2, 3, False)
    tight, roomy = ExtractivePolicy(notes_tokens=60), ExtractivePolicy(notes_tokens=10_000)
    task = await roomy.begin(question, sections, withhold=True)

    async def adds(policy: ExtractivePolicy, held: Notes, at: int) -> list[Add]:
        (noted,) = await policy.note([task], [held], sections[at], len(sections))
        return [one for one in noted.operations if isinstance(one, Add)]

    every = [await adds(roomy, Notes(), at) for at in range(len(sections))]
    at = max(range(len(sections)), key=lambda n: len({one.weight for one in every[n]}))
    worths = sorted(one.weight for one in every[at])
    least = (worths[0] + worths[-1]) / 2
    assert worths[0] < least
    held = Notes().update(every[at], None, sections[at])
    full = replace(held, entries=tuple(entry._replace(weight=least) for entry in held.entries))
    assert sorted(one.weight for one in await adds(roomy, full, at)) == worths
    assert sorted(one.weight for one in await adds(tight, full, at)) == [w for w in worths if w >= least]


def test_settings_show_in_the_fingerprint() -> None:
    prints = {
        p.fingerprint for p in (ExtractivePolicy(), ExtractivePolicy(9), ExtractivePolicy(notes_tokens=9))
    }
    assert len(prints) == 3


def test_tokens_are_counted_in_bytes() -> None:
    assert [ExtractivePolicy().count(text) for text in ("", "abcd", "abcde", "漢字")] == [0, 1, 2, 2]
