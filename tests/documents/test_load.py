"""Which files below a path are read, under which names, and what is said about the others."""

import io
import json
import os
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.documents.load import load
from longread.errors import InputError, UsageError
from longread.types import Corpus


def tree(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        write(folder, name, text)
    return folder


def write(folder: Path, name: str, text: str = "text") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(corpus: Corpus, folder: Path) -> list[str]:
    return [document.source.removeprefix(f"{folder.as_posix()}/") for document in corpus]


def skipped(corpus: Corpus, folder: Path) -> dict[str, str]:
    return {source.removeprefix(f"{folder.as_posix()}/"): reason for source, reason in corpus.skipped}


def test_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for name in ("b.txt", "chapter10.txt", "chapter2.txt", "a/z.txt", "a/sub/x.txt", "10", "9"):
        write(tmp_path, name)
    expected = ["9", "10", "a/sub/x.txt", "a/z.txt", "b.txt", "chapter2.txt", "chapter10.txt"]
    assert names(load(tmp_path), tmp_path) == expected


def test_sources_are_what_the_user_would_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "docs/a.txt")
    monkeypatch.chdir(tmp_path)
    for path, source in (
        ("docs", "docs/a.txt"),
        ("docs/", "docs/a.txt"),
        (".", "docs/a.txt"),
        ("./docs/a.txt", "docs/a.txt"),
        ("../" + tmp_path.name, f"../{tmp_path.name}/docs/a.txt"),
        (tmp_path, (tmp_path / "docs/a.txt").as_posix()),
    ):
        assert [document.source for document in load(path)] == [source]


def test_ids_depend_on_name_and_text(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "one")
    write(tmp_path, "b.txt", "one")
    before = [document.id for document in load(tmp_path)]
    assert before == [document.id for document in load(tmp_path)]
    write(tmp_path, "b.txt", "two")
    after = [document.id for document in load(tmp_path)]
    assert len({*before, *after}) == 3 and all(len(id) == 16 for id in before)


def test_nested_gitignore_files_hold_below_their_own_folder(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "*.log\n/build/\n!keep.log\ndoc/*.tmp\n!\n")
    write(tmp_path, "sub/.gitignore", "/local.txt\n!*.log\n*.txt\n!keep.txt\n")
    for name in ("a.log", "keep.log", "build/x.txt", "local.txt", "doc/a.tmp", "doc/sub/a.tmp"):
        write(tmp_path, name)
    for name in ("build/x.md", "a.log", "local.txt", "keep.txt", "deep/a.txt"):
        write(tmp_path, f"sub/{name}")
    corpus = load(tmp_path)
    expected = ["doc/sub/a.tmp", "keep.log", "local.txt", "sub/a.log", "sub/build/x.md", "sub/keep.txt"]
    assert names(corpus, tmp_path) == expected
    assert [reason for _, reason in corpus.skipped] == ["5 entries ignored by .gitignore"]


def test_gitignore_of_the_repository_around_the_folder_counts(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", "*.log\n/src/secret.txt\n/out/\n")
    for name in ("src/a.log", "src/secret.txt", "src/a.txt", "out/a.txt"):
        write(tmp_path, name)
    assert names(load(tmp_path / "src"), tmp_path) == ["src/a.txt"]
    assert names(load(tmp_path / "out"), tmp_path) == ["out/a.txt"]
    assert names(load(tmp_path / "src" / "a.log"), tmp_path) == ["src/a.log"]


PARTS = st.sampled_from(["a", "b", "ab", "a.log", "x"])
PATTERNS = st.lists(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "", "!"]),
            st.sampled_from(["", "", "/", "**/"]),
            st.sampled_from(["a", "b", "*", "a*", "*.log", "a/b", "a/*", "a/**", "x"]),
            st.sampled_from(["", "", "/"]),
        ),
    ).filter(
        lambda pattern: not pattern.endswith("**/")
    ),  # pathspec lets "a/**/" match "a" itself, git does not
    max_size=5,
)


@pytest.mark.skipif(not shutil.which("git"), reason="compares with git")
@given(
    st.sets(st.lists(PARTS, min_size=1, max_size=4).map("/".join), min_size=1, max_size=8), PATTERNS, PATTERNS
)
@settings(max_examples=60, deadline=None)
def test_gitignore_means_what_it_means_to_git(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], top: list[str], nested: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    for name in files:
        try:
            write(folder, name)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    write(folder, ".gitignore", "\n".join(top))
    if (folder / "a").is_dir():
        write(folder, "a/.gitignore", "\n".join(nested))
    command = [
        "git",
        "-C",
        folder,
        "-c",
        "core.excludesFile=",
        "ls-files",
        "-z",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    expected = sorted(name for name in listed if name and not name.endswith(".gitignore"))
    try:
        found = sorted(names(load(folder), folder))
    except InputError:
        found = []
    assert found == expected


def test_include_and_exclude_are_globs_relative_to_the_folder(tmp_path: Path) -> None:
    for name in ("a.py", "a.txt", "sub/b.py", "sub/test_b.py", "vendor/c.py", "sub/vendor/d.py"):
        write(tmp_path, name)
    assert names(load(tmp_path, include=["*.py"], exclude=["/vendor/", "test_*"]), tmp_path) == [
        "a.py",
        "sub/b.py",
        "sub/vendor/d.py",
    ]
    assert names(load(tmp_path, include=["sub/**"], exclude=["vendor"]), tmp_path) == [
        "sub/b.py",
        "sub/test_b.py",
    ]
    corpus = load(tmp_path, include=["*.py"], exclude=["vendor"])
    assert {reason for _, reason in corpus.skipped} == {
        "1 entry not matched by --include",
        "2 entries excluded",
    }


def test_named_files_are_read_whatever_include_says_but_exclude_still_counts(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "*")
    write(tmp_path, ".hidden.txt")
    write(tmp_path, "b.log")
    corpus = load(tmp_path / ".hidden.txt", tmp_path / "b.log", include=["*.py"], exclude=["*.log"])
    assert names(corpus, tmp_path) == [".hidden.txt"]
    assert skipped(corpus, tmp_path) == {"b.log": "excluded"}


def test_hidden_files_are_counted_and_the_folders_of_tools_are_not(tmp_path: Path) -> None:
    for name in (
        "a.txt",
        ".env",
        ".ssh/key",
        ".git/config",
        ".venv/x.py",
        "__pycache__/a.txt",
        "node_modules/a.js",
    ):
        write(tmp_path, name)
    write(tmp_path, "env/pyvenv.cfg")
    write(tmp_path, "env/lib/x.py")
    corpus = load(tmp_path)
    assert names(corpus, tmp_path) == ["a.txt"]
    assert [reason for _, reason in corpus.skipped] == ["2 entries hidden"]


def test_links_neither_loop_nor_lead_outside(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.txt", "secret")
    root = tmp_path / "root"
    write(root, "real.txt", "once")
    write(root, "sub/b.txt")
    for name, target in {
        "a_link.txt": "real.txt",
        "broken": "nowhere",
        "loop": "loop",
        "sub/up": "..",
        "out_file": "../outside/secret.txt",
        "out_folder": "../outside",
        "out_absolute": str(tmp_path / "outside"),
    }.items():
        (root / name).symlink_to(target)
    corpus = load(root)
    assert names(corpus, root) == ["real.txt", "sub/b.txt"]
    outside = "link that leads outside the folder"
    assert skipped(corpus, root) == {
        "broken": "broken link",
        "loop": "link that leads to itself",
        "out_file": outside,
        "out_folder": outside,
        "out_absolute": outside,
    }
    assert not any("secret" in document.text for document in corpus)
    assert names(load(root / "a_link.txt"), root) == ["a_link.txt"]


def test_one_file_named_in_several_ways_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.txt")
    corpus = load(tmp_path / "sub" / "a.txt", tmp_path, tmp_path / "sub" / ".." / "sub")
    assert len(corpus.documents) == 1 and not corpus.skipped


def test_special_files_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # a socket's path may have only 108 bytes
        listener.bind("socket")
        corpus = load(tmp_path, tmp_path / "pipe", "/dev/zero")
    assert [document.source for document in corpus] == [(tmp_path / "a.txt").as_posix()]
    reasons = [reason for _, reason in corpus.skipped]
    pipe = "named pipe (use - to read standard input)"
    assert reasons == [pipe, "socket", pipe, "device"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    write(tmp_path, "locked.txt")
    write(tmp_path, "closed/b.txt")
    (tmp_path / "locked.txt").chmod(0)
    (tmp_path / "closed").chmod(0)
    corpus = load(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert skipped(corpus, tmp_path) == {"locked.txt": "permission denied", "closed": "permission denied"}


def test_names_that_are_no_text_are_shown_and_read(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"caf\xe8.txt", b"two\nlines\x1b[31m.txt"):
        (tmp_path / os.fsdecode(name)).write_text("text")
    corpus = load(tmp_path)
    shown = [Path(document.source).name for document in corpus]
    assert sorted(shown) == ["caf\ufffd.txt", "caf\ufffd.txt (2)", "two\ufffdlines\ufffd[31m.txt"]
    assert json.loads(json.dumps(shown)) == shown
    assert "".join(shown).encode("utf-8")
    assert len({document.id for document in corpus}) == 3


def test_standard_input_is_one_document_of_any_format(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    corpus = load("-", tmp_path, "-", stdin=io.BytesIO("héllo".encode("utf-16")))
    assert next((d.source, d.text) for d in corpus) == ("-", "héllo")
    assert len(corpus.documents) == 2
    assert load("-", stdin=io.BytesIO(b"<html><p>text")).documents[0].kind == "html"
    with pytest.raises(InputError, match="-: empty"):
        load("-", stdin=io.BytesIO(b""))


def test_progress_names_each_file_before_it_is_read(tmp_path: Path) -> None:
    for name in ("a.txt", "b.png", "c.txt"):
        write(tmp_path, name)
    seen: list[str] = []
    load(tmp_path, on_file=seen.append)
    assert [Path(source).name for source in seen] == ["a.txt", "c.txt"]


@pytest.mark.parametrize("name", ["missing", "a.txt/below", "x" * 300, "nul\0byte"])
def test_path_that_does_not_exist_is_an_error_before_anything_is_read(tmp_path: Path, name: str) -> None:
    write(tmp_path, "a.txt")
    seen: list[str] = []
    with pytest.raises(InputError, match="no such file or folder") as error:
        load(tmp_path / "a.txt", f"{tmp_path}/{name}", on_file=seen.append)
    assert "\n" not in str(error.value) and not seen


def test_nothing_to_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a file, a folder, or -"):
        load()
    with pytest.raises(InputError, match="the folder holds no files"):
        load(tmp_path)


def test_strict_fails_on_what_cannot_be_read_and_on_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / ".hidden").write_text("text")
    (tmp_path / "left.out").write_text("text")
    assert len(load(tmp_path, exclude=["left.out"], strict=True).documents) == 1
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    (tmp_path / "noise.bin").write_bytes(bytes(range(32)) * 9)
    with pytest.raises(InputError, match=r"2 files could not be read.*--strict.*broken\.pdf.*noise\.bin"):
        load(tmp_path, strict=True)
    assert len(load(tmp_path).documents) == 2


@pytest.mark.skipif(find_spec("docling") is not None, reason="docling is installed")
def test_docling_is_asked_for_only_where_a_pdf_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert load(tmp_path, pdf="docling").documents
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 and no more")
    with pytest.raises(UsageError, match=r'pip install "longread\[docling\]"'):
        load(tmp_path, pdf="docling")
