"""Small data files of the benchmarks' official schemas."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]

LONGBENCH_V1: Rows = [
    {
        "_id": f"{name}{'0' * 8}",
        "dataset": name,
        "input": f"Who is meant in {name}?",
        "context": f"Passage 1:\nThe one meant in {name} is Ada Lovelace.\n",
        "answers": ["Ada Lovelace", "Countess of Lovelace"],
        "length": 12,
        "language": "en",
        "all_classes": None,
    }
    for name in ("2wikimqa", "hotpotqa", "musique", "narrativeqa", "qasper")
]
LONGBENCH_V2: Rows = [
    {
        "_id": f"66f{number}",
        "domain": "Single-Document QA",
        "sub_domain": "Legal",
        "difficulty": difficulty,
        "length": length,
        "question": "When does the lease end? ",
        "choice_A": "In May",
        "choice_B": "In June",
        "choice_C": "Never",
        "choice_D": "It is not said",
        "answer": answer,
        "context": "The lease runs until the end of June.\r\nSigned.",
    }
    for number, (difficulty, length, answer) in enumerate([("easy", "short", "B"), ("hard", "long", "D")])
]


def mrcr(needles: int = 2, turns: int = 3, words: int = 1000) -> dict[str, Any]:
    """A row; `turns` pairs of request and poem, then the request for one of them."""
    chat = []
    for turn in range(turns):
        chat.append({"role": "user", "content": f"write a poem about tapirs, take {turn}"})
        chat.append({"role": "assistant", "content": f"Poem {turn}: " + "tapir " * words})
    prefix = "x7Kp2mQ9zT"
    chat.append({"role": "user", "content": f"Prepend {prefix} to the 2nd poem about tapirs."})
    return {
        "prompt": json.dumps(chat),
        "answer": prefix + chat[3]["content"],
        "random_string_to_prepend": prefix,
        "n_needles": needles,
        "desired_msg_index": 3,
        "total_messages": len(chat),
        "n_chars": sum(len(message["content"]) for message in chat),
        "date_added": "04-12-2025",
    }


FRAMES: Rows = [
    {
        "question": "How old was the founder when the bridge opened?",
        "answer": "42",
        "articles": [
            {"title": "The Founder", "text": "Born in 1800."},
            {"title": "The Bridge", "text": "Opened in 1842."},
        ],
        "reasoning_types": "Numerical reasoning | Temporal reasoning",
        "wiki_links": "[]",
    },
    {
        "question": "Which town has the kiln?",
        "answer": "Ebbenstead",
        "articles": [{"title": "Kiln", "text": "It stands in Ebbenstead."}],
        "reasoning_types": "Multiple constraints",
        "wiki_links": "[]",
    },
]
DOCMATH: Rows = [
    {
        "question_id": f"{subset}-testmini-{number}",
        "source": "tatqa",
        "original_question_id": "17",
        "question": "What was the margin, in percent?",
        "paragraphs": ["Revenue was 200.", "| item | value |\n| profit | 25 |", "Nothing else."],
        "table_evidence": [1],
        "paragraph_evidence": [0],
        "python_solution": "def solution():\n    return 25 / 200 * 100",
        "ground_truth": truth,
    }
    for subset in ("complong", "compshort", "simplong", "simpshort")
    for number, truth in enumerate([12.5, -3.0])
]
PERSONA = "You are a professional data analyst."
REQUIREMENTS = (
    "Output requirements:\n1. Use the value from the latest file.\n"
    "2. Please place the final answer at the end, and strictly use the format: The answer is: xxx.\n"
)


def corpusqa(id: str, question: str, answer: Any, documents: list[str]) -> dict[str, Any]:
    """A row, with the prompt as it was sent."""
    body = "".join(f"# Document {number}:\n{text}\n" for number, text in enumerate(documents, 1))
    return {
        "id": id,
        "domain": id.rpartition("_")[0],
        "set": "128k",  # in all files
        "type": "",
        "question": question,
        "answer": answer,
        "doc_files": [f"{number}.md" for number in range(len(documents))],
        "prompt": [
            {"role": "system", "content": PERSONA},
            {"role": "user", "content": f"{body}\n# Question:\n{question}\n\n{REQUIREMENTS}"},
        ],
    }


CORPUSQA: Rows = [
    corpusqa("education_en_1", "How many sections?", 282.0, ["Three.\n", "A # Question: in a text\n"]),
    corpusqa(
        "education_en_2", "Which schools?", ["North", "South"], ["Three.\n", "A # Question: in a text\n"]
    ),
    corpusqa("financial_zh_1", "哪些公司?", [], ["甲", "乙\r\n"]),
]


def longmemeval(
    id: str = "gpt4_1", type: str = "temporal-reasoning", answer: Any = "18 days"
) -> dict[str, Any]:
    """A row with two sessions that are not in order of their dates."""
    return {
        "question_id": id,
        "question_type": type,
        "question": "How long ago did I plant the fig?",
        "answer": answer,
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_session_ids": ["answer_b", "ultrachat_a"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/12 (Fri) 10:00"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "I like tea."},
                {"role": "assistant", "content": "So do I."},
            ],
            [
                {"role": "user", "content": "I planted the fig today.", "has_answer": True},
                {"role": "assistant", "content": "Water it.", "has_answer": False},
            ],
        ],
        "answer_session_ids": ["ultrachat_a"],
    }


LONGMEMEVAL: Rows = [
    longmemeval(),
    longmemeval("b2_abs", "multi-session", "You did not say when the lime was planted."),
    longmemeval("c3", "knowledge-update", 3),
]


def write_jsonl(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def write_json(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1), "utf-8")
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def write_zip(path: Path, files: dict[str, Rows]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in files.items():
            archive.writestr(name, "".join(json.dumps(row) + "\n" for row in rows))
    return path
