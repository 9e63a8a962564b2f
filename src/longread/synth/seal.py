"""What a finished data set holds, as digests, so that a change which alters no answer is seen as well.

Who changes the files can make their seal anew; the root of that seal is then another than the one that was noted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from longread.errors import InputError
from longread.synth import dataset
from longread.synth.dataset import Made
from longread.synth.roles.kept import PARAPHRASES, TRIPLES, VIEWS
from longread.types import Document, Sample, document_id

SEAL = "seal.json"


class Seal(BaseModel):
    """A digest by id, of each document with its split and of each sample with its quotes and tries; and by name, of
    each file with what a model said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: dict[str, str]
    samples: dict[str, str]
    files: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> Seal:
        """Of what the files of a data set hold, whatever its seal says."""
        samples = {}
        for shard in dataset.shards(folder):
            tries = dataset.read_tries(shard)
            for one in dataset.read_samples(shard):
                content = (asdict(one.sample), one.quotes, tries.get(one.sample.id))
                samples[one.sample.id] = _digest(content)
        return cls(
            documents={
                one.id: _digest((one.source, one.kind, split, one.text, one.parts))
                for one, split in dataset.read_documents(folder / dataset.DOCUMENTS)
            },
            samples=samples,
            files={
                name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
                for name in (TRIPLES, VIEWS, PARAPHRASES)
                if (folder / name).exists()
            },
        )

    @classmethod
    def read(cls, path: Path) -> Seal:
        """InputError when there is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InputError(f"{path} cannot be read: `longread synth run` did not finish there") from error

    @property
    def root(self) -> str:
        """Of all of it."""
        return _digest([sorted(part.items()) for part in (self.documents, self.samples, self.files)])

    def fault(self, made: Made, now: Seal) -> str:
        """What of a sample and its documents, as they are `now`, is not what was sealed; empty when all is."""
        sample = made.sample
        if sample.id not in self.samples:
            return "it was not there when the data set was sealed"
        for doc in sample.documents:
            if doc not in self.documents:
                return f"document {doc} was not there when the data set was sealed"
            if self.documents[doc] != now.documents.get(doc):
                return f"document {doc} is not as it was sealed"
        same = self.samples[sample.id] == now.samples[sample.id]
        return "" if same else "it is not as it was sealed"

    def changed(self, now: Seal) -> list[str]:
        """The files with what a model said that are not, `now`, what was sealed."""
        names = self.files.keys() | now.files.keys()
        return sorted(name for name in names if self.files.get(name) != now.files.get(name))


def sample_id(split: str, type_: str, plan: str, documents: Sequence[str]) -> str:
    """Binds what is asked to its documents, whose ids bind their text."""
    return _digest((split, type_, plan, list(documents)))[:16]


def bound(sample: Sample, documents: Mapping[str, Document]) -> str:
    """Which id of a sample does not go with what it stands for; empty when all do."""
    if sample.id != sample_id(sample.split, sample.type, sample.plan, sample.documents):
        return "its id is not that of its plan and documents"
    held = [documents[doc] for doc in sample.documents if doc in documents]
    wrong = [one.id for one in held if document_id(one.source, one.text) != one.id]
    return f"document {wrong[0]} holds another text than its id says" if wrong else ""


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
