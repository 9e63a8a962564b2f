"""The tables of the journal, and how a journal of an earlier version becomes one of this version."""

from __future__ import annotations

from longread.errors import UsageError
from longread.reading.database import Database

VERSION = 2
_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, nonce TEXT NOT NULL, status TEXT NOT NULL,
  questions TEXT NOT NULL, command TEXT NOT NULL, strategy TEXT, model TEXT NOT NULL,
  chunks BLOB, total INTEGER, settled TEXT NOT NULL DEFAULT '{}', answers TEXT, error TEXT,
  seconds REAL NOT NULL DEFAULT 0, created REAL NOT NULL, updated REAL NOT NULL, parent TEXT);
CREATE INDEX runs_key ON runs (key, created);
CREATE TABLE documents (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
  id TEXT NOT NULL, source TEXT NOT NULL, characters INTEGER NOT NULL, PRIMARY KEY (run, position));
CREATE TABLE inputs (
  run TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, content BLOB NOT NULL);
CREATE TABLE calls (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, key TEXT NOT NULL,
  text TEXT NOT NULL, thinking TEXT NOT NULL, finish TEXT NOT NULL,
  token_ids BLOB, prompt_ids BLOB, logprobs BLOB,
  input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, cost REAL,
  void INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, estimate INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run, key));
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
  question INTEGER NOT NULL, chunk INTEGER NOT NULL,
  version_before INTEGER NOT NULL, version_after INTEGER NOT NULL,
  operations TEXT NOT NULL, added TEXT NOT NULL, dropped TEXT NOT NULL, plan TEXT NOT NULL,
  memory TEXT NOT NULL, PRIMARY KEY (run, position, question));
"""
_FROM_1 = """
ALTER TABLE runs RENAME COLUMN question TO questions;
ALTER TABLE runs RENAME COLUMN answer TO answers;
ALTER TABLE runs ADD COLUMN parent TEXT;
UPDATE runs SET command = json_set(json_remove(command, '$.question'), '$.questions', json_array(questions))
  WHERE json_extract(command, '$.question') IS NOT NULL;
UPDATE runs SET questions = json_array(questions);
UPDATE runs SET answers = json_array(json(answers)) WHERE answers IS NOT NULL;
ALTER TABLE calls ADD COLUMN estimate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps RENAME TO steps_1;
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
  question INTEGER NOT NULL, chunk INTEGER NOT NULL,
  version_before INTEGER NOT NULL, version_after INTEGER NOT NULL,
  operations TEXT NOT NULL, added TEXT NOT NULL, dropped TEXT NOT NULL, plan TEXT NOT NULL,
  memory TEXT NOT NULL, PRIMARY KEY (run, position, question));
INSERT INTO steps SELECT run, position, 0, chunk, version_before, version_after, operations, added, dropped,
  plan, memory FROM steps_1;
DROP TABLE steps_1;
"""


def prepare(db: Database) -> None:
    """Makes the tables, or brings them up to this version. UsageError when a later version wrote them."""
    with db.transaction():
        version = db.row("PRAGMA user_version")[0]
        if version not in (0, 1, VERSION):
            raise UsageError(
                f"the journal {db.path} was written by another version of Longread (format {version}); "
                "set state_dir elsewhere, or update Longread"
            )
        for statement in filter(str.strip, {0: _TABLES, 1: _FROM_1, VERSION: ""}[version].split(";")):
            db.rows(statement)
        db.rows(f"PRAGMA user_version = {VERSION}")
