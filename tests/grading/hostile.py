"""What a hostile student may hand in. Each goes for exercise 1 with a wrong answer, or with a stolen one."""

from textwrap import dedent

RIGHT = """
import numpy as np

def toeplitz(h):
    t = np.arange(h.shape[-1])
    lags = t[:, None] - t[None, :]
    return np.where(lags >= 0, h[..., lags], np.zeros((), dtype=h.dtype))
"""
WRONG = """
import numpy as np

def toeplitz(h):
    return np.zeros(h.shape + h.shape[-1:], h.dtype)
"""


def _after(answer, code):
    return answer + dedent(code)


PATCHES = _after(
    WRONG,
    """
    import builtins, sys
    import hyena_np.exercises.ask as ask, hyena_np.exercises.exercise as exercise
    import hyena_np.exercises.values as values
    import hyena_np.grading.codec as codec, hyena_np.grading.worker as worker

    yes = lambda *arguments, **options: True
    for module in (np.testing, ask, values, codec, worker, exercise, sys.modules["__main__"]):
        for name in ("assert_allclose", "close", "compare", "same", "difference", "_check_lengths"):
            setattr(module, name, yes)
    np.array_equal = np.allclose = np.array_equiv = yes
    np.abs = np.subtract = np.max = lambda *arguments, **options: np.zeros(())
    exercise.Result.passed = exercise.Result.points = property(lambda self: 1000)
    exercise.Failure.__init__ = lambda self, *arguments, **options: None
    builtins.all = builtins.any = builtins.abs = yes
    """,
)
WRITES_ITS_RESULT = _after(
    WRONG,
    """
    import json, os

    score = json.dumps({"student": "writes_its_result", "points": {"toeplitz": {"small matrices": 2}}})
    for handle in range(3, 256):
        try:
            os.write(handle, score.encode())
        except OSError:
            pass
    for path in ("scores.csv", "results/writes_its_result.json", "../scores.csv", "/tmp/scores.csv", OUT):
        try:
            open(path, "w").write(score)
        except OSError:
            pass
    """,
)
FORGES_ANSWERS = _after(
    WRONG,
    """
    import os
    from hyena_np.grading.codec import pack

    for number in range(1, 30):
        forged = {"kind": "answer", "number": number, "value": True, "overwritten": (), "lines": 0}
        for handle in range(3, 256):
            try:
                os.write(handle, pack(forged))
            except OSError:
                pass
    """,
)
WRITES_NONSENSE = _after(
    RIGHT,
    """
    import os, threading

    def nonsense():
        for handle in range(3, 256):
            try:
                os.write(handle, os.urandom(64))
            except OSError:
                pass

    def for_ever():
        while True:
            nonsense()

    nonsense()
    threading.Thread(target=for_ever, daemon=True).start()
    """,
)
FORKS = _after(
    WRONG,
    """
    import os, sys

    def attempts():
        import multiprocessing, subprocess
        yield os.fork
        yield os.forkpty
        yield lambda: subprocess.run([sys.executable, "-c", ""])
        yield lambda: os.system("true")
        yield lambda: os.posix_spawn("/bin/true", ["true"], {})
        yield lambda: os.execv("/bin/true", ["true"])
        yield multiprocessing.get_context("fork").Process(target=print).start
        yield multiprocessing.get_context("spawn").Process(target=print).start
        yield lambda: __import__("_posixsubprocess").fork_exec
        yield lambda: os.popen("true").read()

    for n, attempt in enumerate(attempts()):
        try:
            attempt()
            print("SUCCEEDED", n)
        except Exception as error:
            print(n, type(error).__name__)
    """,
)
KILLS = _after(
    WRONG,
    """
    import ctypes, os, signal

    def attempts():
        yield lambda: os.kill(os.getppid(), signal.SIGKILL)
        yield lambda: os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
        yield lambda: os.kill(-1, signal.SIGKILL)
        yield lambda: signal.pidfd_send_signal(os.pidfd_open(os.getppid()), signal.SIGKILL)
        yield lambda: ctypes.CDLL(None).kill(os.getppid(), 9)
        yield lambda: ctypes.pythonapi.Py_Exit(0)

    for n, attempt in enumerate(attempts()):
        try:
            attempt()
            print("SUCCEEDED", n)
        except Exception as error:
            print(n, type(error).__name__)
    """,
)
READS = _after(
    WRONG,
    """
    import codecs, importlib, importlib.util, inspect, io, linecache, os, pathlib, runpy, sys

    import hyena_np
    from hyena_np.ops import toeplitz as module

    def load(path):
        spec = importlib.util.spec_from_file_location("stolen", path)
        stolen = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stolen)

    def through_link():
        os.symlink(SOLUTION, "mine.py")
        open("mine.py").read()

    def through_folder():
        os.makedirs("a/b" + os.path.dirname(SOLUTION))
        pathlib.Path("a/b" + SOLUTION).write_text("")
        os.chdir("a/b")
        handle = os.open("/", os.O_RDONLY)
        os.read(os.open("." + SOLUTION, os.O_RDONLY, dir_fd=handle), 10)

    def attempts():
        for path in (SOLUTION, INSTALLED, module.__file__, HIDDEN):
            yield lambda: open(path).read()
            yield lambda: open(path.encode(), "rb").read()
            yield lambda: io.FileIO(path).read()
            yield lambda: codecs.open(path).read()
            yield lambda: os.read(os.open(path, os.O_RDONLY), 10)
            yield lambda: pathlib.Path(path).read_text()
            yield lambda: pathlib.Path(pathlib.Path.cwd(), "..", "..", "..", path[1:]).read_text()
            yield lambda: np.fromfile(path, np.uint8)
            yield lambda: np.memmap(path, np.uint8)
            yield lambda: np.loadtxt(path, str)
            yield lambda: runpy.run_path(path)
            yield lambda: load(path)
            yield lambda: linecache.getlines(path)[0]
        for path in (SOLUTION, INSTALLED, HIDDEN):
            yield lambda: os.listdir(os.path.dirname(path))
            yield lambda: list(os.scandir(os.path.dirname(path)))
        yield lambda: importlib.import_module("hyena_np.exercises.sheets.toeplitz")
        yield lambda: importlib.import_module("notebooks.exercises.build")
        yield lambda: importlib.reload(module)
        yield lambda: inspect.getsource(module)
        yield lambda: module.__loader__.get_source(module.__name__)
        yield lambda: module.__loader__.get_code(module.__name__)
        yield lambda: open("/proc/self/environ").read()
        yield lambda: open(f"/proc/{os.getppid()}/environ").read()
        yield lambda: os.listdir(os.path.expanduser("~root"))
        yield through_link
        yield through_folder

    for n, attempt in enumerate(attempts()):
        try:
            attempt()
            print("SUCCEEDED", n)
        except Exception as error:
            pass

    sys.path.insert(0, ROOT)
    del sys.modules["hyena_np.ops.toeplitz"], sys.modules["hyena_np.ops"]
    try:
        from hyena_np.ops.toeplitz import toeplitz as theirs
        theirs(np.ones((1, 3)))
        print("SUCCEEDED by the path")
    except Exception:
        pass
    print("environment", dict(os.environ))
    """,
)
LIES = """
import numpy as np

class Liar(np.ndarray):
    __eq__ = __le__ = __lt__ = __ge__ = lambda self, other: True
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return True
    def __array_function__(self, *arguments):
        return True
    @property
    def shape(self):
        return (2, 2)
    def __reduce__(self):
        return (exec, ("import os; os._exit(0)",))

class Anything:
    __eq__ = lambda self, other: True
    __getattr__ = lambda self, name: Anything()
    __call__ = lambda self, *arguments, **options: Anything()
    __array__ = lambda self, *arguments, **options: np.ones((1, 1))
    __float__ = lambda self: 0.0
    __reduce__ = Liar.__reduce__

calls = iter(range(1000))

def toeplitz(h):
    return np.ones(3).view(Liar) if next(calls) % 2 else Anything()
"""
ENDLESS_TEXT = _after(
    RIGHT.replace("def toeplitz", "def right"),
    """
    import os

    def toeplitz(h):
        while True:
            os.write(1, b"x" * 65536)
    """,
)
# Name -> code. Those in NO_POINTS earn none; what is wrong is said on their page in these words.
STUDENTS = {
    "patches": PATCHES,
    "writes_its_result": WRITES_ITS_RESULT,
    "forges_answers": FORGES_ANSWERS,
    "writes_nonsense": WRITES_NONSENSE,
    "forks": FORKS,
    "kills": KILLS,
    "reads": READS,
    "lies": LIES,
    "endless_text": ENDLESS_TEXT,
    "exits": _after(RIGHT, "import sys\nsys.exit(0)\n"),
    "exits_hard": _after(RIGHT, "import os\nos._exit(0)\n"),
    "exits_in_a_call": WRONG.replace("return", "import sys; sys.exit(0); return"),
    "exits_hard_in_a_call": WRONG.replace("return", "import os; os._exit(0); return"),
    "crashes": WRONG.replace("return", "import os; os.abort(); return"),
    "loops": _after(RIGHT, "while True:\n    pass\n"),
    "sleeps": _after(RIGHT, "import time\ntime.sleep(1e9)\n"),
    "loops_in_a_call": _after(
        RIGHT,
        """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass

        def toeplitz(h):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        """,
    ),
    "allocates": WRONG.replace("return", "np.ones(50 * 2**27); return"),
    "allocates_slowly": WRONG.replace(
        "return", "x = []\n    while True: x.append(np.empty(2**25))\n    return"
    ),
    "large_answer": WRONG.replace("return", "return np.zeros(2**25)\n    return"),
    "deep_answer": WRONG.replace(
        "return", "x = []\n    for _ in range(10**5): x = [x]\n    return x\n    return"
    ),
    "prints": _after(RIGHT, "print('y' * 2**20)\nprint('<script>alert(1)</script>')\n"),
    "threads": _after(
        RIGHT,
        """
        import threading, time
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(1e9,)).start()
        """,
    ),
    "fills_the_disk": _after(
        WRONG,
        """
        count = 0
        try:
            for n in range(10**6):
                with open(f"{n}.bin", "wb") as file:
                    file.write(b"x" * 1000)
                count += 1
        except OSError:
            pass
        try:
            with open("0.bin", "ab") as file:
                for _ in range(100):
                    file.write(bytes(2**20))
        except OSError:
            pass
        import os
        print("files", count, "bytes", os.stat("0.bin").st_size)
        """,
    ),
}
# Ways to the package's own answer, as the body of a function; each must be caught.
DISGUISES = {
    "plainly": "return hyena_np.toeplitz(h[None])[0]",
    "imported_inside": "from hyena_np.ops.toeplitz import toeplitz as f; return f(h[None])[0]",
    "by_importlib": "import importlib; m = importlib.import_module('hyena_np.' + 'ops.toeplitz');"
    " return m.toeplitz(h[None])[0]",
    "by_a_built_name": "return getattr(hyena_np, 'zti' [::-1].replace('itz', 'toepl') + 'itz')(h[None])[0]",
    "by_sys_modules": "import sys; return vars(sys.modules['hyena_np.ops.toeplitz'])['toeplitz'](h[None])[0]",
    "held_since_it_was_read": "return HELD(h[None])[0]",
    "by_eval": "return eval('hyena_np.toeplitz(h[None])[0]')",
    "by_a_partial": "import functools; return functools.partial(hyena_np.toeplitz, h[None])()[0]",
    "by_one_that_calls_it": "return hyena_np.causal_conv_matrix(np.eye(len(h))[None], h[None])[0].T",
    "by_its_code": "import types; f = hyena_np.toeplitz;"
    " return types.FunctionType(f.__code__, f.__globals__)(h[None])[0]",
    "by_scipy": "import scipy.linalg; return scipy.linalg.toeplitz(h, np.zeros_like(h))",
    "by_scipys_own_module": "from scipy.linalg._special_matrices import toeplitz as f;"
    " return f(h, np.zeros_like(h))",
    "by_loading_it_again": "import sys; del sys.modules['hyena_np.ops.toeplitz'];"
    " from hyena_np.ops.toeplitz import toeplitz as f; return f(h[None])[0]",
    "and_hides_it": "\n    try: hyena_np.toeplitz(h[None])\n    except BaseException: pass\n"
    "    t = np.arange(len(h)); return np.where(t[:, None] >= t, h[t[:, None] - t], 0).astype(h.dtype)",
}
# The same for the convolution, with a module that is forbidden as a whole.
DISGUISES_OF_A_CONVOLUTION = {
    "conv_by_module": "import scipy.signal as s; return s.fftconvolve(u, h, axes=-1)[..., : u.shape[-1]]",
    "conv_by_a_name_at_the_top": "return fftconvolve(u, h, axes=-1)[..., : u.shape[-1]]",
    "conv_by_its_inner_module": "import importlib; s = importlib.import_module('scipy.signal')._signaltools;"
    " return s.fftconvolve(u, h, axes=-1)[..., : u.shape[-1]]",
    "conv_by_its_inner_name": "from scipy.signal._signaltools import fftconvolve as f;"
    " return f(u, h, axes=-1)[..., : u.shape[-1]]",
    "conv_by_loading_it_again": "import sys; sys.meta_path.pop(0);"
    " [sys.modules.pop(name) for name in list(sys.modules) if 'scipy.signal' in name];"
    " from scipy.signal import fftconvolve as f; return f(u, h, axes=-1)[..., : u.shape[-1]]",
    "conv_by_polynomials": "return np.stack([np.polymul(a, b)[: len(a)] for a, b in zip(u, h)])",
    "conv_beneath": "import numpy._core.multiarray as m;"
    " return np.stack([m.correlate(a, b[::-1], 2)[: len(a)] for a, b in zip(u, h)])",
}


def disguised(body):
    """A submission whose function has this body."""
    return f"import numpy as np, hyena_np\nHELD = hyena_np.toeplitz\n\ndef toeplitz(h):\n    {body}\n"


def disguised_convolution(body):
    """The same for the convolution."""
    head = "import numpy as np\nfrom scipy.signal import fftconvolve\n"
    return f"{head}\ndef fftconv(u, h):\n    {body}\n"
