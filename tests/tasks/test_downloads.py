"""Downloads from a server on this machine: kept whole and right, or not at all."""

import builtins
import hashlib
import io
import logging
import socket
import tarfile
import time
import zipfile

import numpy as np
import pytest

from hyena_np.errors import BackendError, ConfigError, DataError, OutputError
from hyena_np.tasks import downloads, image_sets, text_sources
from hyena_np.tasks.corpora import Corpus
from hyena_np.tasks.downloads import Source, download
from hyena_np.tasks.image_sets import MNIST_SOURCES, load_images
from hyena_np.tasks.text_sources import TEXT_SOURCES, TextSource, download_text, load_corpus
from support.file_server import FileServer

pytest.importorskip("pooch", reason="Pooch is not installed")

CONTENT = b"To be, or not to be.\n" * 1000


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with FileServer() as server:
        server.files["/play.txt"] = CONTENT
        yield server


@pytest.fixture
def source(server):
    return Source("play.txt", server.url("/play.txt"), sha256(CONTENT))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_once_and_is_used_without_a_server_afterwards(server, source, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert download(source, folder).read_bytes() == CONTENT
    assert names(folder) == ["play.txt"]
    server.stop()
    assert download(source, folder) == folder / "play.txt"
    assert server.requests == ["/play.txt"]


def test_md5_is_taken_too(server, tmp_path):
    md5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    assert download(Source("x", server.url("/play.txt"), md5), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("before", [None, b"an older file"])
def test_a_wrong_checksum_leaves_nothing_behind(server, source, tmp_path, before):
    server.files["/play.txt"] = CONTENT[:-1]
    if before is not None:
        (tmp_path / "play.txt").write_bytes(before)
    with pytest.raises(DataError, match=r"has not the checksum of play\.txt") as caught:
        download(source, tmp_path)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ([] if before is None else ["play.txt"])
    if before is not None:
        assert (tmp_path / "play.txt").read_bytes() == before


def test_a_damaged_file_is_fetched_again(server, source, tmp_path):
    (tmp_path / "play.txt").write_bytes(CONTENT[:100])
    assert download(source, tmp_path).read_bytes() == CONTENT
    assert server.requests == ["/play.txt"]


def test_a_connection_that_breaks_off_leaves_nothing_behind(server, source, tmp_path):
    server.cut.add("/play.txt")
    with pytest.raises(DataError, match=r"play\.txt"):
        download(source, tmp_path)
    assert names(tmp_path) == []


def test_a_file_that_is_not_there_is_told_in_one_line(server, tmp_path):
    absent = Source("absent", server.url("/absent"), sha256(b""))
    with pytest.raises(DataError, match=r"/absent: cannot be downloaded \(HTTP status 404; .*by hand\)"):
        download(absent, tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_is_down_is_told_in_one_line(server, source, tmp_path):
    server.stop()
    with pytest.raises(DataError, match=r"cannot be downloaded \(ConnectionError; ") as caught:
        download(source, tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250 + len(str(tmp_path))
    assert names(tmp_path) == []


def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.1)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        before = time.monotonic()
        with pytest.raises(DataError, match="Timeout"):
            download(Source("x", url, sha256(b"")), tmp_path)
        assert time.monotonic() - before < 4
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        download(source, tmp_path / "file" / "folder")


def test_nothing_is_logged_and_the_log_of_others_stays_as_it_was(source, tmp_path, caplog):
    import pooch

    log, level = pooch.get_logger(), pooch.get_logger().level
    log.addHandler(caplog.handler)
    log.setLevel(logging.DEBUG)
    try:
        download(source, tmp_path)
        assert log.level == logging.DEBUG
    finally:
        log.setLevel(level)
        log.removeHandler(caplog.handler)
    assert not caplog.records


def without(monkeypatch, missing):
    original = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == missing:
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_pooch_the_extra_is_named(source, tmp_path, monkeypatch):
    without(monkeypatch, "pooch")
    with pytest.raises(BackendError, match=r'pip install "hyena-np\[data\]"'):
        download(source, tmp_path)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    without(monkeypatch, "sklearn")
    with pytest.raises(BackendError, match=r'pip install "hyena-np\[data\]"'):
        image_sets.digit_images()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../play.txt"),
        ("name", ""),
        ("name", ".."),
        ("url", "file:///play.txt"),
        ("url", "play.txt"),
        ("checksum", None),
        ("checksum", ""),
        ("checksum", "sha256:"),
        ("checksum", "a" * 64),
        ("checksum", "md5:" + "a" * 64),
        ("checksum", "sha1:" + "a" * 40),
    ],
)
def test_a_source_needs_an_address_and_a_checksum(field, value):
    good = {"name": "play.txt", "url": "http://localhost/play.txt", "checksum": "md5:" + "0" * 32}
    Source(**good)
    with pytest.raises(ConfigError, match=field):
        Source(**(good | {field: value}))


# --- corpora ------------------------------------------------------------------------------------------------


def zipped(member, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


def test_a_named_corpus_is_downloaded_once_and_cut(source, server, tmp_path, monkeypatch):
    monkeypatch.setitem(text_sources.TEXT_SOURCES, "tiny-shakespeare", TextSource(source))
    assert load_corpus("tiny-shakespeare", folder=tmp_path).text == CONTENT.decode()
    assert load_corpus("tiny-shakespeare", 5, tmp_path) == Corpus("tiny-shakespeare[:5]", "To be")
    assert len(server.requests) == 1


@pytest.mark.parametrize(("encoding", "text"), [("utf-8", "café"), ("latin-1", "cafÃ©")])
def test_a_corpus_of_ones_own_inside_an_archive(server, tmp_path, encoding, text):
    server.files["/own.zip"] = archive = zipped("own", "café".encode())
    own = TextSource(Source("own.zip", server.url("/own.zip"), sha256(archive)), "own", encoding)
    assert download_text("own", own, tmp_path) == Corpus("own", text)


@pytest.mark.parametrize("archive", [b"no archive", zipped("other", "text")])
def test_an_archive_without_the_text_is_told(server, tmp_path, archive):
    server.files["/own.zip"] = archive
    own = TextSource(Source("own.zip", server.url("/own.zip"), sha256(archive)), "own")
    with pytest.raises(DataError, match=r"own\.zip: is no zip archive that holds 'own'"):
        download_text("own", own, tmp_path)


def test_the_default_corpus_needs_no_network():
    assert load_corpus(limit=1000).text.count("\n") > 10


def test_an_unknown_corpus_is_told():
    with pytest.raises(ConfigError, match="'text9', allowed are library, tiny-shakespeare, text8, enwik8"):
        load_corpus("text9")


def test_every_known_corpus_has_its_checksum():
    assert all(known.source.checksum.startswith("sha256:") for known in TEXT_SOURCES.values())


# --- images -------------------------------------------------------------------------------------------------


def test_mnist_is_downloaded_and_keeps_its_test_set(server, tmp_path, monkeypatch):
    for name in MNIST_SOURCES:
        n = 20 if name.startswith("train") else 5
        if "images" in name:
            content = b"\0\0\x08\x03" + bytes([0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(4 * n))
        else:
            content = b"\0\0\x08\x01" + bytes([0, 0, 0, n]) + bytes(i % 10 for i in range(n))
        server.files[f"/{name}"] = content
        monkeypatch.setitem(MNIST_SOURCES, name, Source(name, server.url(f"/{name}"), sha256(content)))
    split = load_images("mnist", np.random.default_rng(0), 0.25, tmp_path)
    assert [len(part) for part in split] == [15, 5, 5]
    np.testing.assert_array_equal(split.test.labels, np.arange(5))
    learned = np.concatenate([split.train.images, split.validation.images])
    np.testing.assert_allclose(np.sort(learned, axis=None), np.arange(80) / 255, rtol=1e-6)


def cifar_archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_cifar_is_read_inside_its_archive(server, tmp_path, monkeypatch):
    files = {f"data_batch_{i}.bin": bytes([i]) + bytes(3072) for i in range(1, 6)}
    files["test_batch.bin"] = bytes([9]) + bytes([255]) * 3072

    def serve(files):
        server.files["/cifar"] = content = cifar_archive(files)
        known = Source("cifar", server.url("/cifar"), sha256(content))
        monkeypatch.setattr(image_sets, "CIFAR10_SOURCE", known)
        return load_images("cifar10", np.random.default_rng(0), 0.2, tmp_path)

    split = serve(files)
    assert sorted([*split.train.labels, *split.validation.labels]) == [1, 2, 3, 4, 5]
    assert split.test.labels.tolist() == [9] and (split.test.images == 1).all()
    assert names(tmp_path) == ["cifar"]
    with pytest.raises(DataError, match="no archive of the binary version"):
        serve({name: content for name, content in files.items() if name != "test_batch.bin"})


def test_an_unknown_image_set_is_told():
    with pytest.raises(ConfigError, match="'svhn', allowed are digits, mnist, cifar10"):
        load_images("svhn", np.random.default_rng(0))
