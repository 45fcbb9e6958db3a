"""What keeps a submission in its place: the fence, the walls, and an end that leaves nothing behind."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from grading.classes import python
from hyena_np.grading.process import end
from hyena_np.grading.surroundings import PREFIX, surroundings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system cannot limit a process")


ATTEMPTS = """
    import os, signal, socket, sys
    secret, own = sys.argv[1:]

    def attempt(name, call):
        try:
            call()
            print(name)
        except (PermissionError, OSError) as error:
            pass

    def attempts():
        attempt("read", lambda: open(secret).read())
        attempt("list", lambda: os.listdir(os.path.dirname(secret)))
        attempt("write", lambda: open(secret + ".new", "w"))
        attempt("environment", lambda: open(f"/proc/{os.getppid()}/environ").read())
        attempt("signal", lambda: os.kill(os.getppid(), 0))
        attempt("own", lambda: open(os.path.join(own, "mine"), "w").write("x"))
        attempt("own again", lambda: open("mine").read())
        attempt("null", lambda: open("/dev/null", "w").write("x"))
        attempt("library", lambda: open(os.__file__).read())
"""
INSIDE = ["own", "own", "again", "null", "library"]


@pytest.fixture
def places(tmp_path):
    secret, own = tmp_path / "secrets" / "secret.txt", tmp_path / "own"
    secret.parent.mkdir()
    secret.write_text("42")
    own.mkdir()
    return secret, own


def test_the_fence_keeps_everything_else_out(places):
    code = """
    library = os.path.join(os.path.dirname(own), "library")
    os.mkdir(library)
    os.mkdir(os.path.join(os.path.dirname(secret), "inner"))
    os.symlink(os.path.join(os.path.dirname(secret), "inner"), os.path.join(library, "link"))
    open(os.path.join(library, "closed.py"), "w").close()
    from hyena_np.grading.fence import Yard, close_fence
    close_fence(Yard((own,), (os.path.dirname(os.__file__), library), (os.path.join(library, "closed.py"),)))
    attempts()
    attempt("closed", lambda: open(os.path.join(library, "closed.py")))
    attempt("through a link and back", lambda: open(os.path.join(library, "link/../secret.txt")))
    attempt("link", lambda: os.symlink(secret, "link"))
    attempt("folder", lambda: os.open(own, os.O_RDONLY))
    attempt("dots", lambda: open(os.path.dirname(os.__file__) + "/../../../.." + secret))
    attempt("socket", lambda: socket.socket())
    attempt("fork", os.fork)
    """
    secret, own = places
    assert python(ATTEMPTS + code, secret, own, cwd=own) == INSIDE


def test_the_walls_hold_without_the_fence(places):
    code = """
    from hyena_np.grading.walls import build_walls
    print("version", build_walls((own,), (os.path.dirname(os.__file__),)))
    attempts()
    """
    secret, own = places
    version, *did = python(ATTEMPTS + code, secret, own, cwd=own)[1:]
    if int(version) < 1:
        pytest.skip("this system has no Landlock")
    assert did == (INSIDE if int(version) >= 6 else ["signal", *INSIDE])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who works where is known on Linux only")
def test_an_end_leaves_nothing_behind(tmp_path):
    """Neither a child in the session, nor one that has left it and works in the folder."""
    code = """
    import subprocess, sys
    for new in (False, True):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=new)
        print(child.pid, flush=True)
    import time
    time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        children = [int(process.stdout.readline()) for _ in range(2)]
        end(process, tmp_path)
    until = time.monotonic() + 10
    while alive := [pid for pid in children if is_alive(pid)]:
        assert time.monotonic() < until, alive
        time.sleep(0.02)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_copy_of_the_package_holds_no_answer_and_goes_away(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        (tmp_path / f"{PREFIX}{pid}-left" / "work-1").mkdir(parents=True)
    with surroundings() as around:
        package = around.folder / "package" / "hyena_np"
        assert (package / "ops" / "toeplitz.py").exists()
        assert not (package / "exercises" / "sheets").exists()
        assert not (package / "exercises" / "start").exists()
        assert "def check" in (package / "exercises" / "__init__.py").read_text()
        assert not list(package.rglob("*.toml"))
        with around.own_folder() as own:
            (own / "closed").mkdir(mode=0o000)
            environment = around.environment(own)
        assert not own.exists()
        assert "PYTHONPATH" not in environment
        first, *libraries = around.path  # no checkout among them, wherever its environment lies
        assert first == str(package.parent)
        assert {os.path.basename(path) for path in libraries} <= {"site-packages", "dist-packages"}
    left = [path.name for path in tmp_path.iterdir()]
    assert left == [f"{PREFIX}{os.getpid()}-left"]  # of a run that is still alive
