"""The training loop: it learns, it repeats itself, and it can be killed anywhere.

Run as a program (``python test_loop.py FOLDER MOMENT N``), this file is the process that the tests kill.
"""

import functools
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    cross_entropy,
    files,
    get_backend,
    init_language_model,
    language_model,
    to_numpy,
)
from hyena_np.errors import (
    CheckpointError,
    ConfigError,
    NonFiniteError,
    OutputError,
    ShapeError,
    TokenError,
)
from hyena_np.models import objective
from hyena_np.models.serialise import config_to_dict
from hyena_np.training import checkpoint as checkpoint_module, loop
from hyena_np.training.checkpoint import load_checkpoint, save_checkpoint
from hyena_np.training.loop import (
    CHECKPOINT_NAME,
    METRICS_NAME,
    TrainConfig,
    initial_state,
    train,
    train_step,
)
from hyena_np.training.metrics import Evaluation, MetricsFile, read_metrics
from hyena_np.training.optim import adamw_init
from hyena_np.training.schedule import Schedule, learning_rate
from support.contract import read_only
from support.trees import leaves, tree_map

V, L = 5, 10
MODEL = LanguageModelConfig(
    V,
    n_layer=2,
    mixer=HyenaConfig(d_model=6, l_max=L, filter_order=4, num_inner_mlps=1, shift=0.5),
    d_inner=8,
    init="torch",
    embedding_std=0.3,
)
NUMPY = get_backend("numpy")
TOTAL = 17
CONFIG = TrainConfig(
    Schedule(0.03, warmup=3, total=TOTAL, decay="cosine", final=0.1), seed=3, eval_every=4, checkpoint_every=3
)


def sample(rng, step):
    """The previous token is the label."""
    ids = rng.integers(0, V, (4, L))
    labels = np.roll(ids, 1, axis=1)
    labels[:, 0] = -100
    return ids, labels


def evaluate(params):
    ids, labels = sample(np.random.default_rng(99), 0)
    logits, _ = language_model(ids, params, MODEL)
    right = (logits.argmax(axis=-1) == labels)[:, 1:]
    return Evaluation(float(np.mean(right)), float(cross_entropy(logits, labels)[0]))


def start(folder, config=CONFIG, resume=False, model=MODEL, backend=NUMPY, **options):
    run = options.pop("run", {"model": config_to_dict(model), "training": config_to_dict(config)})
    how = {"sample": sample, "evaluate": evaluate, "on_record": lambda record: None} | options
    return train(
        model, config, backend, how["sample"], how["evaluate"], folder, run, resume, how["on_record"]
    )


def rows(folder):
    """The metrics but for the time that they took."""
    return [record._replace(seconds=0.0) for record in read_metrics(Path(folder) / METRICS_NAME)]


def bits(state):
    """Everything that the next step depends on."""
    trees = {"params": state.params, "mean": state.optimizer.mean, "square": state.optimizer.square}
    arrays = {name: (x.dtype, x.shape, to_numpy(x).tobytes()) for name, x in leaves(trees).items()}
    return arrays | {"step": state.step, "optimizer step": state.optimizer.step, "rng": state.rng_state}


def assert_same_bits(a, b):
    a, b = bits(a), bits(b)
    assert a.keys() == b.keys()
    differing = [name for name in a if a[name] != b[name]]
    assert not differing, f"{len(differing)} parts of the state differ, the first is {differing[0]}"


@functools.cache
def uninterrupted(config=CONFIG, model=MODEL):
    """The final state and the rows of a run that nobody disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        result = start(folder, config, model=model)
        assert not result.interrupted
        return result.state, rows(folder)


def assert_as_if_nothing_had_happened(folder, result, config=CONFIG):
    """Weights, moments, generator and metrics of the undisturbed run, and no file too many."""
    state, expected = uninterrupted(config)
    assert not result.interrupted
    assert_same_bits(result.state, state)
    assert rows(folder) == expected
    saved = load_checkpoint(Path(folder) / CHECKPOINT_NAME, NUMPY)
    assert_same_bits(saved, state)
    assert sorted(path.name for path in Path(folder).iterdir()) == [CHECKPOINT_NAME, METRICS_NAME]


def calls_before(n, function, error):
    """A function that raises, once it has done its work for the n-th time."""
    count = itertools.count(1)

    def call(*args):
        result = function(*args)
        if next(count) == n:
            raise error
        return result

    return call


class Killed(BaseException):
    """As sudden as a kill: no handler of the loop may save anything."""


class TestLearning:
    def test_the_loss_falls_and_the_answers_become_right(self, tmp_path):
        config = replace(
            CONFIG, schedule=Schedule(0.03, warmup=5, total=80), eval_every=80, checkpoint_every=80
        )
        result = start(tmp_path, config)
        records = rows(tmp_path)
        assert records[0].loss > 1.2
        assert records[-1].loss < 0.1
        assert records[-1].accuracy == 1.0
        assert (records[-1].accuracy, records[-1].validation_loss) == evaluate(result.state.params)

    def test_one_step_is_forward_loss_backward_clip_and_update(self):
        state = initial_state(MODEL, CONFIG, NUMPY)
        ids, labels = sample(np.random.default_rng(0), 0)
        new, loss, norm = train_step(state, ids, labels, MODEL, CONFIG)
        expected, _ = cross_entropy(language_model(ids, state.params, MODEL)[0], labels)
        assert loss == expected
        assert norm > 0
        assert new.step == new.optimizer.step == 1
        after, _ = cross_entropy(language_model(ids, new.params, MODEL)[0], labels)
        assert after < loss

    def test_a_step_changes_nothing_that_it_was_given(self):
        state = initial_state(MODEL, CONFIG, NUMPY)
        locked = state._replace(
            params=read_only(state.params),
            optimizer=state.optimizer._replace(
                mean=read_only(state.optimizer.mean), square=read_only(state.optimizer.square)
            ),
        )
        ids, labels = sample(np.random.default_rng(0), 0)
        train_step(locked, ids, labels, MODEL, CONFIG)
        assert_same_bits(locked, state)

    def test_a_step_on_every_library(self, library):
        backend = get_backend(library.module, library.dtype)
        if library.device:
            backend = replace(backend, device=library.device_object)
        batch = sample(np.random.default_rng(0), 0)
        reference = initial_state(MODEL, CONFIG, get_backend("numpy", "float64"))
        _, expected, expected_norm = train_step(reference, *batch, MODEL, CONFIG)
        new, loss, norm = train_step(initial_state(MODEL, CONFIG, backend), *batch, MODEL, CONFIG)
        for tree in (new.params, new.optimizer.mean, new.optimizer.square):
            assert all(library.owns(x) for x in leaves(tree).values())
        assert library.to_numpy(loss) == pytest.approx(expected, rel=library.rtol)
        assert library.to_numpy(norm) == pytest.approx(expected_norm, rel=library.rtol)

    @pytest.mark.parametrize("train_positions", [False, True])
    def test_tables_stay_as_they_are_and_positions_move_on_request(self, tmp_path, train_positions):
        config = replace(CONFIG, train_positions=train_positions)
        begin, end = initial_state(MODEL, config, NUMPY), start(tmp_path, config).state
        for name, x in leaves(begin.params).items():
            constant = name.endswith(("positional.t", "window.deltas"))
            constant |= name.endswith("positional.z") and not train_positions
            assert np.array_equal(x, leaves(end.params)[name]) == constant, name


class TestRepeating:
    def test_the_first_weights_come_from_the_seed_alone(self):
        state = initial_state(MODEL, CONFIG, NUMPY)
        rng = np.random.default_rng(CONFIG.seed)
        expected = init_language_model(MODEL, rng, NUMPY)
        assert_same_bits(state, state._replace(params=expected, optimizer=adamw_init(expected), step=0))
        assert state.rng_state == rng.bit_generator.state

    def test_the_same_seed_gives_the_same_bits(self, tmp_path):
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path))

    def test_another_seed_gives_other_weights_and_batches(self, tmp_path):
        state, expected = uninterrupted()
        other = start(tmp_path, replace(CONFIG, seed=4)).state
        assert not any(a.loss == b.loss for a, b in zip(rows(tmp_path), expected, strict=True))
        assert other.rng_state != state.rng_state

    def test_files_and_measurements_do_not_change_the_course(self, tmp_path):
        """How often is looked at has no effect on what is learned."""
        rarely = replace(CONFIG, eval_every=100, checkpoint_every=100, log_every=100)
        assert_same_bits(start(tmp_path, rarely).state, uninterrupted()[0])

    @pytest.mark.parametrize("remat", [False, True])
    def test_remat_reaches_the_model(self, monkeypatch, remat):
        caches = []

        def watched(*args, **kwargs):
            logits, cache = language_model(*args, **kwargs)
            caches.extend(type(block).__name__ for block in cache.blocks)
            return logits, cache

        monkeypatch.setattr(objective, "language_model", watched)
        config = replace(CONFIG, remat=remat)
        batch = sample(np.random.default_rng(0), 0)
        train_step(initial_state(MODEL, config, NUMPY), *batch, MODEL, config)
        assert caches == ["RematCache" if remat else "BlockCache"] * 2

    @pytest.mark.parametrize("mixer", [MODEL.mixer, AttentionConfig(d_model=6, l_max=L, num_heads=2)])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_remat_gives_the_same_bits(self, tmp_path, mixer, dtype):
        model, backend = replace(MODEL, mixer=mixer), get_backend("numpy", dtype)
        states = []
        for remat in (False, True):
            states.append(
                start(
                    tmp_path,
                    replace(CONFIG, remat=remat),
                    model=model,
                    backend=backend,
                    evaluate=lambda p: Evaluation(),
                ).state
            )
        assert_same_bits(*states)


class TestMetrics:
    def test_a_row_where_one_is_due_and_the_accuracy_where_it_was_measured(self, tmp_path):
        config = replace(CONFIG, log_every=5, eval_every=4, checkpoint_every=6)
        seen = []
        start(tmp_path, config, on_record=seen.append)
        records = read_metrics(tmp_path / METRICS_NAME)
        assert records == seen
        assert [r.step for r in records] == [4, 5, 6, 8, 10, 12, 15, 16, 17]
        assert [r.step for r in records if r.accuracy is not None] == [4, 8, 12, 16, 17]
        assert [r.step for r in records if r.validation_loss is not None] == [4, 8, 12, 16, 17]
        for record in records:
            assert record.learning_rate == learning_rate(record.step - 1, config.schedule)
        assert all(a.seconds < b.seconds for a, b in itertools.pairwise(records))
        everything = {r.step: r for r in uninterrupted()[1]}
        for record in records:
            assert (record.loss, record.gradient_norm) == everything[record.step][1:4:2]

    def test_every_step_is_the_default(self):
        assert [r.step for r in uninterrupted()[1]] == list(range(1, TOTAL + 1))

    def test_time_goes_on_where_it_stood(self, tmp_path):
        start(tmp_path, sample=calls_before(8, sample, KeyboardInterrupt()))
        before = load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).seconds
        assert start(tmp_path, resume=True).state.seconds > before > 0
        seconds = [r.seconds for r in read_metrics(tmp_path / METRICS_NAME)]
        assert seconds == sorted(seconds)


# --- killed -------------------------------------------------------------------------------------------------


def kill_now():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_after(n, function):
    """The function, and a kill when it has done its work for the n-th time."""
    count = itertools.count(1)

    def call(*args):
        result = function(*args)
        if next(count) == n:
            kill_now()
        return result

    return call


def kill_in_checkpoint(n, place):
    """In the n-th checkpoint's write: with half its bytes on disk, or just before or after its renaming."""
    count, write_bytes, fdopen = itertools.count(1), files.write_bytes, os.fdopen

    class HalfFile:
        def __init__(self, handle, mode):
            self.file = fdopen(handle, mode)

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            self.file.close()

        def write(self, content):
            self.file.write(content[: len(content) // 2])
            self.file.flush()
            kill_now()

    def write(path, content):
        if next(count) == n:
            if place == "half":
                os.fdopen = HalfFile
            elif place == "before":
                os.replace = lambda *args: kill_now()
            else:
                os.replace = kill_after(1, os.replace)
        return write_bytes(path, content)

    checkpoint_module.write_bytes = write


def kill_in_row(n):
    """Half of the n-th row of the metrics."""
    count, append = itertools.count(1), MetricsFile.append

    def half(self, record):
        if next(count) == n:
            with self.path.open("a", newline="") as file:
                file.write(f"{record.step},{record.loss}"[:-2])
            kill_now()
        append(self, record)

    MetricsFile.append = half


def child(folder, moment, n):
    """Train in a process of one's own, to be killed at a moment or by the parent."""
    options = {"resume": True}
    if moment == "sample":
        options["sample"] = kill_after(n, sample)
    elif moment == "evaluate":
        options["evaluate"] = kill_after(n, evaluate)
    elif moment == "row":
        options["on_record"] = kill_after(n, lambda record: None)
    elif moment == "half a row":
        kill_in_row(n)
    elif moment == "from outside":

        def slow(rng, step):
            print(step, flush=True)
            time.sleep(60.0 if step == TOTAL - 1 else 0.01)  # it never ends by itself
            return sample(rng, step)

        options["sample"] = slow
    else:
        kill_in_checkpoint(n, moment)
    result = start(folder, **options)
    print("interrupted" if result.interrupted else "done", result.state.step, flush=True)


def begin(folder, moment, n=0):
    """The child process, its output in a pipe."""
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests.parent), str(tests)])
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), moment, str(n)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def finish(process):
    """Its exit status, what it said, and what it complained about."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out.split(), err


needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@needs_signals
class TestSigkill:
    """A process of its own, killed for real, then resumed here."""

    @pytest.mark.parametrize(
        ("moment", "n", "left_at"),
        [
            ("sample", 6, 3),
            ("evaluate", 2, 6),
            ("row", 9, 6),
            ("half a row", 11, 9),
            ("half", 1, None),
            ("half", 3, 6),
            ("before", 2, 3),
            ("after", 2, 6),
        ],
        ids=lambda x: str(x),
    )
    def test_at_every_kind_of_moment(self, tmp_path, moment, n, left_at):
        status, out, err = finish(begin(tmp_path, moment, n))
        assert (status, out) == (-signal.SIGKILL, []), err
        path = tmp_path / CHECKPOINT_NAME
        assert path.exists() == (left_at is not None)
        if left_at:
            assert load_checkpoint(path, NUMPY).step == left_at
        parts = list(tmp_path.glob(".*.part"))
        assert bool(parts) == (moment in ("half", "before"))
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def kill_at_random(self, folder, kills, rng):
        for _ in range(kills):
            process = begin(folder, "from outside")
            process.stdout.readline()  # it trains
            time.sleep(rng.uniform(0.0, 0.2))
            process.kill()
            status, _, err = finish(process)
            assert status == -signal.SIGKILL, err
        assert_as_if_nothing_had_happened(folder, start(folder, resume=True))

    def test_again_and_again_at_random_moments(self, tmp_path, rng):
        self.kill_at_random(tmp_path, 2, rng)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(5))
    def test_at_many_more_random_moments(self, tmp_path, seed):
        self.kill_at_random(tmp_path, 5, np.random.default_rng(seed))


class TestKilledBetweenAnyTwoSteps:
    """The same within this process, which is quicker."""

    def kill_before(self, step, folder, config):
        with pytest.raises(Killed):
            start(folder, config, sample=calls_before(step, sample, Killed()))
        assert_as_if_nothing_had_happened(folder, start(folder, config, resume=True), config)

    @pytest.mark.parametrize(
        ("step", "log_every"), [(1, 1), (2, 1), (3, 1), (4, 1), (9, 1), (TOTAL, 1), (6, 5), (14, 5)]
    )
    def test_some_steps(self, tmp_path, step, log_every):
        self.kill_before(step, tmp_path, replace(CONFIG, log_every=log_every))

    @pytest.mark.slow
    @pytest.mark.parametrize("log_every", [1, 5])
    @pytest.mark.parametrize("step", range(1, TOTAL + 1))
    def test_every_step(self, tmp_path, step, log_every):
        self.kill_before(step, tmp_path, replace(CONFIG, log_every=log_every))

    def test_several_times_in_one_run(self, tmp_path):
        for n in (2, 5, 1, 7):
            with pytest.raises(Killed):
                start(tmp_path, resume=True, sample=calls_before(n, sample, Killed()))
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))


class TestForgetfulCheckpoints:
    """Tests of the tests: each thing that a checkpoint could forget is missed on resuming."""

    def killed_and_resumed(self, folder):
        with pytest.raises(Killed):
            start(folder, sample=calls_before(11, sample, Killed()))
        assert_as_if_nothing_had_happened(folder, start(folder, resume=True))

    def test_the_honest_one_passes(self, tmp_path):
        self.killed_and_resumed(tmp_path)

    @pytest.mark.parametrize(
        "forget",
        [
            lambda c: c._replace(rng_state=initial_state(MODEL, CONFIG, NUMPY).rng_state),
            lambda c: c._replace(optimizer=c.optimizer._replace(mean=adamw_init(c.params).mean)),
            lambda c: c._replace(optimizer=c.optimizer._replace(square=tree_map(np.ones_like, c.params))),
            lambda c: c._replace(step=c.step - 1),
            lambda c: c._replace(params=tree_map(lambda x: x.astype(np.float16).astype(x.dtype), c.params)),
        ],
        ids=["generator", "mean", "square", "step", "precision"],
    )
    def test_a_checkpoint_that_forgets(self, tmp_path, monkeypatch, forget):
        honest = loop._checkpoint
        monkeypatch.setattr(loop, "_checkpoint", lambda *args: forget(honest(*args)))
        with pytest.raises(AssertionError, match=r"of the state differ"):
            self.killed_and_resumed(tmp_path)

    def test_metrics_that_are_not_cut_back(self, tmp_path, monkeypatch):
        monkeypatch.setattr(
            loop, "MetricsFile", lambda path, resume_at: MetricsFile(path, 10**9 * (resume_at > 0))
        )
        with pytest.raises(AssertionError, match=r"Record\(step=10"):
            self.killed_and_resumed(tmp_path)


# --- interrupted --------------------------------------------------------------------------------------------


class TestCtrlC:
    @pytest.mark.parametrize(
        ("where", "n", "steps"),
        [
            ("sample", 1, 0),
            ("sample", 8, 7),
            ("evaluate", 2, 7),
            ("on_record", 5, 4),
            ("on_record", TOTAL, TOTAL - 1),
        ],
    )
    def test_leaves_a_checkpoint_of_the_last_whole_step(self, tmp_path, where, n, steps):
        function = {"sample": sample, "evaluate": evaluate, "on_record": lambda record: None}[where]
        result = start(tmp_path, **{where: calls_before(n, function, KeyboardInterrupt())})
        assert result.interrupted
        assert result.state.step == steps
        assert_same_bits(load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY), result.state)
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    @pytest.mark.parametrize(
        ("module", "name"),
        [(objective, "language_model_backward"), (loop, "adamw"), (loop, "learning_rate")],
        ids=lambda x: x if isinstance(x, str) else "",
    )
    def test_within_a_step(self, tmp_path, monkeypatch, module, name):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, calls_before(5, getattr(module, name), KeyboardInterrupt()))
            result = start(tmp_path)
        assert result.interrupted
        assert 0 < result.state.step < TOTAL
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    @pytest.mark.parametrize("step", ["fsync", "replace"])
    def test_within_a_checkpoint_that_is_then_written_again(self, tmp_path, monkeypatch, step):
        with monkeypatch.context() as patch:
            # the first file is the metrics', the second the checkpoint of step 3
            patch.setattr(files.os, step, calls_before(2, getattr(os, step), KeyboardInterrupt()))
            result = start(tmp_path)
        assert result.interrupted
        assert result.state.step == 3
        assert_same_bits(load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY), result.state)
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def test_twice(self, tmp_path, monkeypatch):
        """The impatient lose the last steps, and nothing else."""
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(files.os, "replace", calls_before(3, os.replace, KeyboardInterrupt()))
            patch.setattr(files.os, "fsync", calls_before(4, os.fsync, KeyboardInterrupt()))
            start(tmp_path)
        assert load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).step in (3, 6)
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def test_an_interrupt_is_no_step(self, tmp_path):
        """Numbers that were drawn for a step that was not taken are drawn again."""
        result = start(tmp_path, sample=calls_before(8, sample, KeyboardInterrupt()))
        rng = np.random.default_rng()
        rng.bit_generator.state = result.state.rng_state
        drawn, _ = sample(rng, 7)
        rng = np.random.default_rng()
        rng.bit_generator.state = initial_state(MODEL, CONFIG, NUMPY).rng_state
        expected = [sample(rng, step)[0] for step in range(8)][-1]
        np.testing.assert_array_equal(drawn, expected)

    @needs_signals
    def test_a_real_one(self, tmp_path, rng):
        process = begin(tmp_path, "from outside")
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.2))
        process.send_signal(signal.SIGINT)
        status, out, err = finish(process)
        assert (status, out[-2], err) == (0, "interrupted", "")
        assert load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).step == int(out[-1])
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))


# --- not finite ---------------------------------------------------------------------------------------------


def spoilt(n, function, spoil):
    """The function, its n-th result spoilt."""
    count = itertools.count(1)

    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        return spoil(result) if next(count) == n else result

    return call


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestNonFinite:
    def nan_loss(self, patch, n):
        patch.setattr(objective, "cross_entropy", spoilt(n, cross_entropy, lambda r: (r[0] * np.nan, r[1])))

    def nan_gradient(self, patch, n):
        backward = objective.cross_entropy_backward
        patch.setattr(objective, "cross_entropy_backward", spoilt(n, backward, lambda g: g * np.nan))

    def test_names_the_step_and_the_last_good_checkpoint(self, tmp_path, monkeypatch):
        path = tmp_path / CHECKPOINT_NAME
        with monkeypatch.context() as patch:
            self.nan_loss(patch, 8)
            with pytest.raises(
                NonFiniteError, match=r"^step 8: the loss is nan and the .* norm \d"
            ) as caught:
                start(tmp_path)
        assert str(caught.value).endswith(f"the last good checkpoint is {path}")
        assert "learning rate" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert load_checkpoint(path, NUMPY).step == 6
        assert rows(tmp_path) == uninterrupted()[1][:7]
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def test_before_the_first_checkpoint(self, tmp_path, monkeypatch):
        self.nan_loss(monkeypatch, 2)
        with pytest.raises(NonFiniteError, match=r"^step 2: .* no checkpoint had been written yet$"):
            start(tmp_path)
        assert not (tmp_path / CHECKPOINT_NAME).exists()

    def test_an_older_runs_checkpoint_is_not_called_the_last_good_one(self, tmp_path, monkeypatch):
        start(tmp_path, replace(CONFIG, seed=4))
        self.nan_loss(monkeypatch, 2)
        with pytest.raises(NonFiniteError, match=r"no checkpoint had been written yet$"):
            start(tmp_path)

    def test_a_gradient_whose_norm_is_infinite(self, tmp_path, monkeypatch):
        infinite = spoilt(5, loop.clip_by_global_norm, lambda r: (r[0], r[1] + np.inf))
        monkeypatch.setattr(loop, "clip_by_global_norm", infinite)
        with pytest.raises(NonFiniteError, match=r"^step 5: the loss is \d\S* and the gradient's norm inf"):
            start(tmp_path)

    def test_steps_that_are_not_looked_at_are_caught_before_they_are_saved(self, tmp_path, monkeypatch):
        config = replace(CONFIG, log_every=7, eval_every=7, checkpoint_every=6)
        with monkeypatch.context() as patch:
            self.nan_gradient(patch, 8)
            with pytest.raises(NonFiniteError, match=r"^step 12: the loss is nan .* last good checkpoint is"):
                start(tmp_path, config)
        assert load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).step == 6
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, config, resume=True), config)

    def test_ctrl_c_does_not_save_them_either(self, tmp_path, monkeypatch):
        config = replace(CONFIG, log_every=7, eval_every=7, checkpoint_every=6)
        with monkeypatch.context() as patch:
            self.nan_gradient(patch, 8)
            with pytest.raises(NonFiniteError, match=r"^step 10: the loss is nan"):
                start(tmp_path, config, sample=calls_before(11, sample, KeyboardInterrupt()))
        assert load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).step == 6
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, config, resume=True), config)

    def test_a_learning_rate_that_is_far_too_high(self, tmp_path):
        with pytest.raises(NonFiniteError, match=r"^step \d+: the loss is (nan|inf)"):
            start(
                tmp_path,
                replace(CONFIG, schedule=Schedule(1e30, total=TOTAL)),
                evaluate=lambda params: Evaluation(),
            )


# --- resuming -----------------------------------------------------------------------------------------------


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestResuming:
    def test_where_nothing_is_yet_begins(self, tmp_path):
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def test_a_finished_run_has_nothing_to_do(self, tmp_path):
        start(tmp_path)
        before = contents(tmp_path)

        def never(*args):
            raise AssertionError("a step was taken")

        result = start(tmp_path, resume=True, sample=never, evaluate=never, on_record=never)
        assert_as_if_nothing_had_happened(tmp_path, result)
        assert contents(tmp_path) == before

    def test_a_new_run_does_not_go_on_with_an_older_one(self, tmp_path):
        """Killed before its first checkpoint, it begins again, and not where the older one stood."""
        start(tmp_path)
        with pytest.raises(Killed):
            start(tmp_path, sample=calls_before(2, sample, Killed()))
        assert not (tmp_path / CHECKPOINT_NAME).exists()
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    def test_tuples_in_the_description_of_a_run_are_lists(self, tmp_path):
        run = {"betas": (0.9, 0.98), "model": {"sizes": (1, (2, 3))}}
        start(tmp_path, run=run, sample=calls_before(5, sample, KeyboardInterrupt()))
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, run=run, resume=True))

    def refuse(self, folder, message, **options):
        """An error, and no file touched."""
        before = contents(folder)
        with pytest.raises(CheckpointError, match=message) as caught:
            start(folder, resume=True, **options)
        assert str(folder) in str(caught.value)
        assert contents(folder) == before

    @pytest.fixture
    def stopped(self, tmp_path):
        """The folder of a run that was stopped after seven steps."""
        start(tmp_path, sample=calls_before(8, sample, KeyboardInterrupt()))
        return tmp_path

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda raw: raw[: len(raw) // 2], r"is truncated, corrupted or no safetensors file"),
            (
                lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
                r"is corrupted \(its contents do not match their SHA",
            ),
            (lambda raw: b"", r"is truncated"),
            (lambda raw: b"weights", r"no safetensors file"),
        ],
        ids=["half", "one bit", "empty", "text"],
    )
    def test_from_a_damaged_checkpoint(self, stopped, damage, message):
        path = stopped / CHECKPOINT_NAME
        path.write_bytes(damage(path.read_bytes()))
        self.refuse(stopped, message)

    def test_from_the_checkpoint_of_another_run(self, stopped):
        self.refuse(
            stopped,
            r"belongs to another run: training\.seed is 3 there, 4 was asked for",
            config=replace(CONFIG, seed=4),
        )
        self.refuse(
            stopped,
            r"belongs to another run: model\.n_layer is 2 there, 3 was asked for",
            model=replace(MODEL, n_layer=3),
        )
        self.refuse(
            stopped,
            r"holds float32 arrays, but float64 was asked for",
            backend=get_backend("numpy", "float64"),
        )

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (replace(MODEL, n_layer=3), r"does not fit the model \(tree: got the keys \['0', '1'\]"),
            (
                replace(MODEL, d_inner=9),
                r"does not fit the model \(an array has shape \(8, 6\), allowed is \(9, 6\)\)",
            ),
        ],
    )
    def test_from_a_checkpoint_whose_description_is_wrong(self, tmp_path, model, message):
        start(tmp_path, run={}, sample=calls_before(8, sample, KeyboardInterrupt()))
        self.refuse(tmp_path, message, run={}, model=model)

    @pytest.mark.parametrize(
        "drop",
        [
            lambda c: c._replace(params={}),
            lambda c: c._replace(optimizer=c.optimizer._replace(mean={})),
            lambda c: c._replace(optimizer=c.optimizer._replace(square={})),
        ],
        ids=["params", "mean", "square"],
    )
    def test_from_a_checkpoint_that_lacks_a_tree(self, stopped, drop):
        path = stopped / CHECKPOINT_NAME
        save_checkpoint(path, drop(load_checkpoint(path, NUMPY)))
        self.refuse(stopped, r"does not fit the model \(tree: got the keys \[\]")

    def test_with_metrics_that_are_none(self, stopped):
        (stopped / METRICS_NAME).write_text("a shopping list\nmilk\n")
        self.refuse(stopped, r"metrics\.csv: is damaged or no metrics file")

    def test_a_folder_in_the_place_of_the_checkpoint(self, tmp_path):
        (tmp_path / CHECKPOINT_NAME).mkdir()
        with pytest.raises(CheckpointError, match=r"is a folder"):
            start(tmp_path, resume=True)


# --- bad input ----------------------------------------------------------------------------------------------


class TestBadInput:
    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(OutputError, match=r"missing/metrics\.csv: cannot be written"):
            start(tmp_path / "missing")

    def test_a_disk_that_fills_up_leaves_the_last_checkpoint(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(
                files.os, "fsync", calls_before(4, os.fsync, OSError(28, "No space left on device"))
            )
            with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
                start(tmp_path)
        assert load_checkpoint(tmp_path / CHECKPOINT_NAME, NUMPY).step == 6
        assert_as_if_nothing_had_happened(tmp_path, start(tmp_path, resume=True))

    @pytest.mark.parametrize("run", [{"path": Path("x")}, {"array": np.ones(3)}, {("a", "b"): 1}])
    def test_a_description_that_json_cannot_hold_is_refused_before_any_training(self, tmp_path, run):
        with pytest.raises(ConfigError, match=r"^run: got something that JSON cannot hold \(.*\)$"):
            start(tmp_path, run=run, sample=lambda rng, step: pytest.fail("trained"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("ids", "labels", "error", "message"),
        [
            (np.full((4, L), V), np.zeros((4, L), int), TokenError, r"^ids: got 5, allowed are 0 to 4"),
            (np.zeros((4, L), int), np.full((4, L), V), TokenError, r"^labels: got 5, allowed are 0 to 4"),
            (np.zeros((4, L), int), np.full((4, L), -100), TokenError, r"^labels: every position is -100"),
            (np.zeros((4, L), int), np.zeros((4, 9), int), ShapeError, r"^labels: got shape \(4, 9\)"),
            (np.zeros((4, L + 1), int), np.zeros((4, L + 1), int), ShapeError, r"^ids: got length 11"),
        ],
    )
    def test_batches_that_do_not_fit_the_model(self, tmp_path, ids, labels, error, message):
        with pytest.raises(error, match=message):
            start(tmp_path, sample=lambda rng, step: (ids, labels))

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"schedule": None}, r"^schedule: got NoneType, allowed is a Schedule"),
            ({"schedule": {"peak": 1e-3}}, r"^schedule: got dict"),
            ({"seed": -1}, r"^seed: got -1, allowed are integers >= 0"),
            ({"seed": None}, r"^seed: got None"),
            ({"betas": (0.9, 1.0)}, r"^betas: got \(0\.9, 1\.0\), allowed are two numbers from 0 to below 1"),
            ({"betas": (-0.1, 0.9)}, r"^betas: got \(-0\.1, 0\.9\)"),
            ({"betas": (0.9,)}, r"^betas: got \(0\.9,\)"),
            ({"betas": 0.9}, r"^betas: got 0\.9"),
            ({"betas": ("a", "b")}, r"^betas: got 'a'"),
            ({"weight_decay": -0.1}, r"^weight_decay: got -0\.1, allowed are numbers >= 0"),
            ({"weight_decay": "0.1"}, r"^weight_decay: got '0\.1'"),
            ({"clip": 0.0}, r"^clip: got 0\.0, allowed are finite numbers above 0"),
            ({"clip": float("inf")}, r"^clip: got inf"),
            ({"eval_every": 0}, r"^eval_every: got 0, allowed are integers >= 1"),
            ({"checkpoint_every": 2.5}, r"^checkpoint_every: got 2\.5"),
            ({"log_every": True}, r"^log_every: got True"),
        ],
    )
    def test_a_training_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            replace(CONFIG, **option)


if __name__ == "__main__":
    child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
