"""Text on this machine: the standard library, always the same, and files that may be anything."""

import hashlib
import os
import sysconfig

import pytest

from hyena_np.errors import ConfigError, DataError
from hyena_np.tasks import corpora
from hyena_np.tasks.corpora import Corpus, read_text, standard_library

# --- Python's library ---------------------------------------------------------------------------------------


def test_the_library_is_plain_text_of_the_length_asked_for():
    corpus = standard_library(200_000)
    assert len(corpus.text) == 200_000
    assert all(character == "\n" or " " <= character <= "~" for character in set(corpus.text))
    assert corpus.text.count("def ") > 200
    assert corpus == standard_library(200_000)
    assert standard_library(5000).text == corpus.text[:5000]
    assert corpus.name.startswith(f"python-{sysconfig.get_python_version()}")


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A small library, with everything in it that must stay out."""
    files = {
        "b.py": "b = 1\n",
        "a.py": "a = 1",  # without a line feed at its end
        "a/c.py": "c = 1\n",
        "empty.py": "",
        "data.txt": "no source",
        "test/d.py": "d = 1\n",
        "a/tests/e.py": "e = 1\n",
        "site-packages/f.py": "f = 1\n",
        "config-3.11/g.py": "g = 1\n",
        "_sysconfigdata__linux.py": "h = 1\n",
        "accent.py": "é = 1\n",
        "tab.py": "if i:\n\ti = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / "latin.py").write_bytes(b"j = '\xe9'\n")
    monkeypatch.setattr(corpora.sysconfig, "get_path", lambda _: str(tmp_path))
    return tmp_path


def test_files_are_sorted_and_joined(library):
    assert standard_library(None).text == "a = 1\nc = 1\nb = 1\n"


@pytest.mark.parametrize("limit", [1, 5, 6, 7, 17, 18, 1000])
def test_a_cut_shows_in_the_name_and_in_the_checksum(library, limit):
    whole, cut = standard_library(None), standard_library(limit)
    assert cut.text == whole.text[:limit]
    assert cut.name == whole.name + (f"[:{limit}]" if limit < 18 else "")
    assert cut.sha256 == hashlib.sha256(cut.text.encode()).hexdigest()


def test_a_python_without_its_source_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora.sysconfig, "get_path", lambda _: str(tmp_path / "python311.zip"))
    with pytest.raises(DataError, match="no source of Python's standard library"):
        standard_library()


@pytest.mark.parametrize("limit", [0, -1, 2.5])
def test_a_limit_is_a_positive_integer(limit):
    with pytest.raises(ConfigError, match="limit"):
        standard_library(limit)


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"one\r\ntwo\n", "one\ntwo\n"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("gr\u00fc\u00df \N{GRINNING FACE}".encode(), "gr\u00fc\u00df \N{GRINNING FACE}"),
        (b" ", " "),
    ],
    ids=["line ends", "byte-order mark", "beyond ASCII", "a space"],
)
def test_a_text_file_is_read(tmp_path, content, text):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert read_text(str(path)) == read_text(path) == Corpus("notes.txt", text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"abc\xff\xfed", r"is not UTF-8 text \(byte 0xff at offset 3\)"),
        (b"\xef\xbb\xbfab\x80", r"is not UTF-8 text \(byte 0x80 at offset 5\)"),
        ("é".encode() + b"\r\n\0b", r"is not text \(NUL byte at offset 4\)"),
        (b"caf\xc3", r"byte 0xc3 at offset 3"),
    ],
    ids=["nothing", "only a mark", "UTF-16", "behind a mark", "NUL", "cut off"],
)
def test_a_file_that_is_no_text_is_refused_with_the_place(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_text(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_text(tmp_path / "absent.txt")
    with pytest.raises(DataError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_text("a\0b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DataError, match="is no regular file"):
            read_text(tmp_path / "pipe")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_file_is_told(tmp_path):
    path = tmp_path / "locked"
    path.write_text("text")
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        read_text(path)


def test_the_head_of_a_corpus():
    corpus = Corpus("x", "abc")
    assert corpus.head(2) == Corpus("x[:2]", "ab")
    assert corpus.head(3) is corpus
    with pytest.raises(ConfigError, match="characters"):
        corpus.head(0)
    assert len(repr(Corpus("x", "a" * 10**6))) < 100
