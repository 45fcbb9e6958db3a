"""The lab's files are taken by their checksum, from wherever they come, and nothing else is."""

import io
import json
import tarfile
import zipfile

import pytest
from click.testing import CliRunner

from notebooks.lab import build, pyodide, wheels
from notebooks.lab.files import LabError, missing, sha256, take

GOOD = {"a.whl": b"first", "b.zip": b"second"}
WANTED = {name: sha256(content) for name, content in GOOD.items()}


def folder(path, files):
    (path / "deep").mkdir(parents=True)
    for name, content in files.items():
        (path / "deep" / name).write_bytes(content)
    return path


def tar(path, files):
    archive = path.with_suffix(".tar.bz2")
    with tarfile.open(archive, "w:bz2") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"pyodide/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def zipped(path, files):
    archive = path.with_suffix(".whl")
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(f"assets/{name}", content)
    return archive


@pytest.mark.parametrize("kind", [folder, tar, zipped])
def test_wanted_files_are_taken_out_of_any_source(kind, tmp_path):
    source = kind(tmp_path / "source", GOOD | {"c.js": b"not wanted"})
    assert missing(WANTED, tmp_path / "cache") == WANTED
    assert take(WANTED, source, tmp_path / "cache") == set()
    assert missing(WANTED, tmp_path / "cache") == {}
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["a.whl", "b.zip"]


@pytest.mark.parametrize("kind", [folder, tar, zipped])
def test_a_file_with_other_bytes_is_not_taken(kind, tmp_path):
    source = kind(tmp_path / "source", GOOD | {"a.whl": b"First"})
    assert take(WANTED, source, tmp_path / "cache") == {"a.whl"}
    assert missing(WANTED, tmp_path / "cache").keys() == {"a.whl"}


def test_a_file_that_changes_in_the_cache_is_noticed(tmp_path):
    take(WANTED, folder(tmp_path / "source", GOOD), tmp_path)
    (tmp_path / "a.whl").write_bytes(b"bad luck")
    assert missing(WANTED, tmp_path).keys() == {"a.whl"}


def test_no_folder_and_no_archive(tmp_path):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(LabError, match="allowed are a folder, a tar archive and a zip archive"):
        take(WANTED, tmp_path / "text", tmp_path / "cache")


LOCKED = {
    "numpy": {"depends": [], "file_name": "numpy.whl", "sha256": sha256(b"numpy")},
    "scipy": {"depends": ["NumPy", "open_blas"], "file_name": "scipy.whl", "sha256": sha256(b"scipy")},
    "open-blas": {"depends": [], "file_name": "blas.zip", "sha256": sha256(b"blas")},
    "pandas": {"depends": ["numpy"], "file_name": "pandas.whl", "sha256": sha256(b"pandas")},
}
PACKAGES = {"numpy.whl": b"numpy", "scipy.whl": b"scipy", "blas.zip": b"blas"}


@pytest.fixture
def tiny(monkeypatch):
    """A Pyodide of two files and four packages, one of them wanted; returns all its files."""
    lock = json.dumps({"info": {}, "packages": LOCKED}).encode()
    core = {"pyodide.js": b"js", pyodide.LOCK: lock}
    pins = {"core": {name: sha256(content) for name, content in core.items()}, "packages": ["scipy"]}
    monkeypatch.setattr(pyodide, "PINS", pins)
    return core | PACKAGES


def no_source(_):
    raise LabError("nothing may be downloaded here")


def test_only_what_is_needed_is_collected(tiny, tmp_path, monkeypatch):
    for source in ("_from_npm", "_from_release"):
        monkeypatch.setattr(pyodide, source, no_source)
    given = folder(tmp_path / "given", tiny | {"pandas.whl": b"pandas"})
    core, lock = pyodide.collect(tmp_path / "cache", given)
    assert list(lock["packages"]) == ["numpy", "open-blas", "scipy"]
    assert {path.name for path in core.iterdir()} == tiny.keys()
    # A second time, the cache is enough.
    assert pyodide.collect(tmp_path / "cache", None) == (core, lock)


def test_what_is_absent_comes_from_npm_and_the_release(tiny, tmp_path, monkeypatch):
    npm = tar(tmp_path / "npm", {name: tiny[name] for name in ("pyodide.js", pyodide.LOCK)})
    release = tar(tmp_path / "release", tiny)
    monkeypatch.setattr(pyodide, "_from_npm", lambda _: npm)
    download = pyodide._from_release
    monkeypatch.setattr(pyodide, "_from_release", lambda scratch: download(scratch, release.as_uri()))
    core, _ = pyodide.collect(tmp_path / "cache", None)
    assert {path.name for path in core.iterdir()} == tiny.keys()


def test_a_wrong_file_is_named_and_so_is_the_way_out(tiny, tmp_path, monkeypatch):
    gone = (tmp_path / "gone").as_uri()
    download = pyodide._from_release
    monkeypatch.setattr(pyodide, "_from_release", lambda scratch: download(scratch, gone))
    given = folder(tmp_path / "given", tiny | {"scipy.whl": b"other"})
    with pytest.raises(LabError) as caught:
        pyodide.collect(tmp_path / "cache", given)
    message = str(caught.value)
    assert "1 files of Pyodide are missing; other bytes than the lock's: scipy.whl" in message
    assert "give --pyodide" in message and "\n" not in message


def test_a_package_that_pyodide_lacks():
    with pytest.raises(LabError, match="torch: is not in Pyodide"):
        pyodide.closure(["torch"], LOCKED)


def test_the_lock_gets_the_packages_that_are_not_pyodides(tmp_path, monkeypatch):
    pinned = {"lazy-loader": ("0.6", "0" * 64), "comm": ("0.2.3", "0" * 64)}
    monkeypatch.setattr(wheels, "pinned", lambda: pinned)
    monkeypatch.setattr(wheels, "requirements", lambda: {"numpy", "lazy-loader", "safetensors"})
    own = tmp_path / "hyena_np-1.2.3-py3-none-any.whl"
    for name in (own.name, "lazy_loader-0.6-py3-none-any.whl", "comm-0.2.3-py3-none-any.whl"):
        (tmp_path / name).write_bytes(name.encode())
    entries = wheels.lock_entries(tmp_path, own, {"numpy", *wheels.ALSO})
    assert entries.keys() == {"lazy-loader", "comm", "hyena-np"}
    package = entries["hyena-np"]
    assert package["depends"] == sorted([*wheels.ALSO, "lazy-loader", "numpy"])
    assert (package["imports"], package["version"]) == (["hyena_np"], "1.2.3")
    assert package["sha256"] == sha256(own.read_bytes())
    assert entries["comm"]["depends"] == ["traitlets"]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    result = CliRunner().invoke(build.main, ["--out", str(tmp_path), "--cache", str(tmp_path / "cache")])
    assert result.exit_code == 1
    assert "holds something else than a lab" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
