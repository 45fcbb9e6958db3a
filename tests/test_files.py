"""Files are written whole or not at all, whatever happens in between."""

import errno
import json
import os
import stat

import pytest

from hyena_np import files
from hyena_np.errors import OutputError
from hyena_np.files import make_folder, remove_parts, write_bytes, write_json


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


class TestWriteBytes:
    def test_writes_and_says_where(self, tmp_path):
        path = write_bytes(str(tmp_path / "a"), b"\x00one")
        assert path == tmp_path / "a"
        assert path.read_bytes() == b"\x00one"

    def test_replaces_what_was_there_and_leaves_nothing_else(self, tmp_path):
        for content in (b"a longer content", b"short", b""):
            write_bytes(tmp_path / "a", content)
            assert (tmp_path / "a").read_bytes() == content
        assert names(tmp_path) == ["a"]

    def test_others_may_read_it_as_they_may_read_any_new_file(self, tmp_path):
        write_bytes(tmp_path / "ours", b"")
        (tmp_path / "theirs").touch()
        modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")}
        assert len(modes) == 1, [oct(mode) for mode in modes]

    def test_is_whole_before_it_has_its_name(self, tmp_path, monkeypatch):
        """The old file stands until the new one is complete and on the disk."""
        path, seen = write_bytes(tmp_path / "a", b"old"), []
        replace, fsync = os.replace, os.fsync

        def watch(name, function):
            def call(*args):
                seen.append((name, path.read_bytes()))
                return function(*args)

            monkeypatch.setattr(files.os, name, call)

        watch("fsync", fsync)
        watch("replace", replace)
        write_bytes(path, b"new")
        assert seen == [("fsync", b"old"), ("replace", b"old")]
        assert path.read_bytes() == b"new"

    @pytest.mark.parametrize("step", ["fsync", "chmod", "replace", "fdopen"])
    @pytest.mark.parametrize(
        "error",
        [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()],
        ids=lambda e: type(e).__name__,
    )
    def test_a_failure_leaves_the_old_file_and_no_other(self, tmp_path, monkeypatch, step, error):
        path = write_bytes(tmp_path / "a", b"old")
        monkeypatch.setattr(files.os, step, failing(error))
        if isinstance(error, OSError):
            with pytest.raises(OutputError, match=r"a: cannot be written \(No space left on device\)$"):
                write_bytes(path, b"new")
        else:
            with pytest.raises(KeyboardInterrupt):
                write_bytes(path, b"new")
        monkeypatch.undo()
        assert path.read_bytes() == b"old"
        assert names(tmp_path) == ["a"]

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(OutputError, match=r"missing/a: cannot be written \(No such file or directory\)"):
            write_bytes(tmp_path / "missing" / "a", b"")

    def test_a_folder_in_the_way(self, tmp_path):
        (tmp_path / "a").mkdir()
        with pytest.raises(OutputError, match=r"a: cannot be written"):
            write_bytes(tmp_path / "a", b"")
        assert names(tmp_path) == ["a"]

    def test_an_output_error_is_an_os_error(self, tmp_path):
        with pytest.raises(OSError):
            write_bytes(tmp_path / "missing" / "a", b"")


def test_json_is_readable_by_people_and_ends_its_last_line(tmp_path):
    value = {"name": "recall", "numbers": [1, 2.5, None], "nested": {"ok": True}}
    text = write_json(tmp_path / "a.json", value).read_text()
    assert json.loads(text) == value
    assert text.endswith("}\n")
    assert '\n  "name": "recall"' in text


class TestMakeFolder:
    def test_makes_parents_and_accepts_what_exists(self, tmp_path):
        for _ in range(2):
            assert make_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
        assert (tmp_path / "a" / "b").is_dir()
        assert names(tmp_path / "a" / "b") == []

    @pytest.mark.parametrize("name", ["file", "file/below"])
    def test_a_file_in_the_way(self, tmp_path, name):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OutputError, match=rf"{name}: cannot be written"):
            make_folder(tmp_path / name)
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_folder_that_exists_but_takes_no_file(self, tmp_path, monkeypatch):
        refused = PermissionError(errno.EACCES, "Permission denied")
        monkeypatch.setattr(files.tempfile, "TemporaryFile", failing(refused))
        with pytest.raises(OutputError, match=r"cannot be written \(Permission denied\)"):
            make_folder(tmp_path)


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    for name in (".a[1].x0.part", ".a[1].x1.part", ".b.x0.part", "a[1]", "a[1].part", ".a1.x0.part"):
        (tmp_path / name).touch()
    remove_parts(tmp_path / "a[1]")
    assert names(tmp_path) == [".a1.x0.part", ".b.x0.part", "a[1]", "a[1].part"]
    remove_parts(tmp_path / "missing" / "a")  # nothing to remove, nothing to complain about
