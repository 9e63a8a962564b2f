import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from longread.errors import LongreadError, RunBusyError, UsageError
from longread.models.base import Message, Reply, Sampling
from longread.reading.journal import Journal
from longread.reading.notes import Add, Entry, Notes
from longread.reading.recording import Change
from longread.types import Answer, Chunk, ChunkCount, Citation, Corpus, Document, Span, Usage

CORPUS = Corpus((Document("d1", "a.txt", "text"), Document("d2", "b.txt", "more")))
REPLY = Reply("hello", "hm", "stop", Usage(1, 10, None, 3, None), (1, 2, 3), (7,), (-0.5, -1.0, -0.25))


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "state")
    yield journal
    journal.close()


def begin(journal: Journal, key: str = "key"):
    return journal.begin(key, ["Why?"], "tiny", CORPUS, {"paths": ["."]}, b"input\x00")


def test_only_the_owner_can_read_it(journal: Journal, tmp_path: Path) -> None:
    run = begin(journal)
    run.record("k", REPLY, 5)
    for path in (tmp_path / "state").iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_reply_comes_back_as_it_was(journal: Journal) -> None:
    run = begin(journal)
    assert run.recall("k") is None
    run.record("k", REPLY, 5)
    assert run.recall("k") == REPLY
    assert run.usage() == Usage(1, 10, None, 3, None)


def test_a_void_reply_is_asked_for_again_but_still_counted(journal: Journal) -> None:
    run = begin(journal)
    run.record("k", REPLY, 5)
    run.void(["k"])
    assert run.recall("k") is None
    run.record("k", Reply("better"), 5)
    again = run.recall("k")
    assert again is not None and again.text == "better"
    assert run.usage().calls == 2


def test_everything_survives_in_another_process(journal: Journal, tmp_path: Path) -> None:
    run = begin(journal)
    run.record("k", REPLY, 5)
    run.plan("sequential", [Chunk(0, (Span("d1", 0, 4), Span("d2", 0, 4)), 9)])
    run.settle("ratio", 1.25)
    notes = Notes().update([Add("a claim")], "plan", _section())
    run.step(0, 0, 0, Notes(), notes, Change((Add("a claim"),), ()))
    answer = Answer("yes [1]", True, (Citation("a.txt", 0, 4, 1, None, "text"),), chunks=ChunkCount(1, 1, 1))
    run.finish([answer])
    run.close()
    script = (
        "import sys; from pathlib import Path; from longread.reading.journal import Journal\n"
        "j = Journal(Path(sys.argv[1])); row = j.find('key'); run = j.resume(row.id)\n"
        "print(row.answers[0].citations[0].text, row.noted, run.chunks()[0].spans[1].doc, run.settle('ratio', 9),\n"
        "      run.recall('k').token_ids, [s.added[0].claim for s in j.steps(row.id)], j.stdin(row.id))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "state")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "text 1 d2 1.25 (1, 2, 3) ['a claim'] b'input\\x00'"


def _section():
    from longread.reading.section import Sections

    return Sections(CORPUS, [Chunk(0, (Span("d1", 0, 4),), 1)])[0]


def test_one_writer_a_run(journal: Journal, tmp_path: Path) -> None:
    run = begin(journal)
    other = Journal(tmp_path / "state")
    with pytest.raises(RunBusyError, match=run.id):
        other.resume(run.id)
    assert other.busy(run.id)
    run.close()
    other.resume(run.id).close()
    other.close()


def test_the_latest_run_of_a_key_is_found(journal: Journal) -> None:
    begin(journal, "other")
    begin(journal)
    second = begin(journal)
    found = journal.find("key")
    assert found is not None and found.id == second.id
    assert journal.find("none") is None
    assert next(iter(journal.list(2))).id == second.id


def test_a_beginning_of_an_id_must_be_unique(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(("abc111111111", "1" * 16, "abc222222222", "2" * 16))  # a run's id, and its nonce
    monkeypatch.setattr("secrets.token_hex", lambda size: next(ids))
    run = begin(journal)
    assert journal.resolve("ab") == run.id
    for nobody in ("zz", ""):
        with pytest.raises(UsageError, match="no run"):
            journal.resolve(nobody)
    begin(journal)
    with pytest.raises(UsageError, match="2 runs"):
        journal.resolve("abc")
    assert journal.resolve("abc1") == run.id


def test_dropped_entries_stay_on_record(journal: Journal) -> None:
    run = begin(journal)
    gone = Entry(1, "gone", "quote", Span("d1", 0, 4), 0)
    run.step(0, 0, 0, Notes(), Notes(), Change((), (gone,)))
    assert next(journal.steps(run.id)).dropped == (gone,)


def test_a_folder_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LongreadError, match="state_dir"):
        Journal(tmp_path / "file")


def test_a_journal_of_another_format_is_left_alone(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="99"):
        Journal(tmp_path)


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LongreadError, match=r"journal\.db"):
        Journal(tmp_path)


async def test_recorded_model_asks_once_for_each_request(journal: Journal) -> None:
    from longread.reading.recording import RecordedModel

    class Model:
        name, window, structured, ratio, asked = "m", None, False, None, 0

        def count(self, text: str) -> int:
            return len(text)

        async def calibrate(self, samples) -> bool:
            return False

        async def chat(self, messages, sampling, on_delta=None) -> Reply:
            self.asked += 1
            return Reply(f"reply {self.asked}")

        async def close(self) -> None: ...

    model, run = Model(), begin(journal)
    ask = (Message.of("user", "x"),), Sampling(5)
    first = RecordedModel(model, run)
    assert [(await first.chat(*ask)).text, (await first.chat(*ask)).text] == ["reply 1", "reply 2"]
    second = RecordedModel(model, run)
    assert [(await second.chat(*ask)).text, (await second.chat(*ask)).text] == ["reply 1", "reply 2"]
    assert (await second.chat((Message.of("user", "y"),), Sampling(5))).text == "reply 3"


def test_several_threads_share_a_journal(journal: Journal) -> None:
    def work(name: str) -> int:
        run = begin(journal, name)
        for i in range(50):
            run.record(str(i), REPLY, 5)
        return run.usage().calls

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, "abcd")) == [50] * 4


def test_a_file_damaged_later_is_one_clear_error(journal: Journal, tmp_path: Path) -> None:
    begin(journal)
    journal.close()
    path = tmp_path / "state" / "journal.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with pytest.raises(LongreadError, match="journal"):
        Journal(tmp_path / "state").list()


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Journal(tmp_path).close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
