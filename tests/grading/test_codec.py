"""Messages: what goes in comes out, and what is no message is refused without harm."""

import json
import os
import struct
import threading
import time

import numpy as np
import pytest

from hyena_np.exercises.values import same
from hyena_np.grading.channel import MOST_PRINTED, Channel, Silence, Stopped
from hyena_np.grading.codec import LARGEST_BODY, PREFIX, MessageError, lengths, pack, unpack

VALUES = [
    None,
    True,
    -(2**63),
    2**64 - 1,
    -0.0,
    float("inf"),
    1e-310,
    complex(-0.0, 2.5),
    "tail of \N{SNOWMAN} \ud800 \x00",
    (),
    (1, (2.0, ("three",))),
    {"a": {"b": (None, False)}},
    np.array([np.nan, -0.0, 1e300]),
    np.zeros((0, 3), np.float32),
    np.array(7, np.int8),
    np.arange(24, dtype=np.complex64).reshape(2, 3, 4)[:, ::2, ::-1],
    np.array([[True], [False]]),
    (np.ones(2), {"h": np.ones((1, 2), np.float16)}, np.zeros(0)),
]


def received(content):
    header, body = lengths(content[: PREFIX.size])
    rest = content[PREFIX.size :]
    assert len(rest) == header + body
    return unpack(rest[:header], rest[header:])


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_out_as_it_went_in(value):
    (came,) = received(pack({"value": value})).values()
    assert same(came, value)


def test_arrays_that_come_out_are_ones_own():
    (came,) = received(pack({"value": np.ones(3)})).values()
    came += 1
    assert came.flags.owndata


@pytest.mark.parametrize(
    "value",
    [
        object(),
        2**64,
        [1],
        np.array([None]),
        np.array(["text"]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(2, [("a", float)]),
        np.zeros(LARGEST_BODY // 8 + 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_not_sent(value):
    with pytest.raises(MessageError):
        pack({"value": value})


def test_what_is_nested_too_deep_is_not_sent():
    value = ()
    for _ in range(20):
        value = (value,)
    with pytest.raises(MessageError, match="deep"):
        pack({"value": value})


ATTACKS = [
    ["array", "<f8", [2**62, 4]],
    ["array", "<f8", [-1]],
    ["array", "<f8", [-8, -8]],
    ["array", "<f8", [True]],
    ["array", "<f8", [1.0]],
    ["array", "<f8", "22"],
    ["array", "<f8", [1] * 40],
    ["array", "<f8", [9]],
    ["array", "|O", [1]],
    ["array", "|V8", [1]],
    ["array", "<U2", [1]],
    ["array", ["<f8"], [1]],
    ["array", None, [1]],
    ["array"],
    ["int", 2**70],
    ["int", "7"],
    ["int", True],
    ["int"],
    ["float", 1.0],
    ["float", "one"],
    ["float", "0x1p99999"],
    ["complex", "0x1p0"],
    ["dict", 1],
    ["dict", ["a"]],
    ["dict", [1, None]],
    ["dict", [["a"], None]],
    ["eval", "1"],
    [],
    7,
    1.5,
    {"kind": "answer"},
]


@pytest.mark.parametrize("item", ATTACKS, ids=json.dumps)
def test_what_makes_no_sense_is_refused(item):
    with pytest.raises(MessageError):
        unpack(json.dumps(["dict", ["value", item]]).encode(), bytes(64))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 10**6,
        b"7" * 10**5,
        b"null",
        b'["tuple"]',
        b"NaN",
        b'["dict"' + b"," * 9,
    ],
    ids=lambda header: header[:6].decode("latin-1"),
)
def test_what_is_no_header_is_refused(header):
    with pytest.raises(MessageError):
        unpack(header, b"")


def test_depth_is_limited_before_it_costs_anything():
    deep = json.dumps(["dict", ["value", ["tuple"]]]).replace('["tuple"]', '["tuple", ' * 50 + "1" + "]" * 50)
    with pytest.raises(MessageError, match="deep"):
        unpack(deep.encode(), b"")


@pytest.mark.parametrize("sizes", [(2**32 - 1, 0), (0, 2**64 - 1), (0, LARGEST_BODY + 1)])
def test_lengths_are_limited_before_anything_is_read(sizes):
    with pytest.raises(MessageError, match="larger than"):
        lengths(struct.pack(">IQ", *sizes))


# --- the channel --------------------------------------------------------------------------------------------


class Ends:
    """A channel, and the other ends of its pipes."""

    def __init__(self):
        self.requests, ours_out = os.pipe()
        ours_in, self.replies = os.pipe()
        printed, self.print = os.pipe()
        self.used, self.stop = [], threading.Event()
        self.channel = Channel(ours_out, ours_in, printed, self.used.append, self.stop)

    def exchange(self, seconds=5.0):
        return self.channel.exchange({"kind": "call"}, time.monotonic() + seconds)


@pytest.fixture
def ends():
    ends = Ends()
    yield ends
    ends.channel.close()
    for handle in (ends.requests, ends.replies, ends.print):
        try:
            os.close(handle)
        except OSError:
            pass


def test_a_reply_is_read_and_notes_on_the_way_are_passed_on(ends):
    os.write(
        ends.replies, pack({"kind": "used", "name": "a.b"}) + pack({"kind": "answer", "value": np.ones(3)})
    )
    assert ends.exchange()["value"].tolist() == [1, 1, 1]
    assert ends.used == ["a.b"]


def test_silence_is_limited(ends):
    with pytest.raises(Silence, match="too long"):
        ends.exchange(0.05)


def test_half_an_answer_is_none(ends):
    os.write(ends.replies, pack({"kind": "answer"})[:-1])
    with pytest.raises(Silence, match="too long"):
        ends.exchange(0.05)


@pytest.mark.parametrize("content", [b"\xff" * 64, pack({})[:-1] + b"?", struct.pack(">IQ", 0, 0)])
def test_nonsense_ends_the_talk(ends, content):
    os.write(ends.replies, content)
    with pytest.raises(Silence, match="no answer"):
        ends.exchange()


def test_a_closed_pipe_ends_the_talk(ends):
    os.close(ends.replies)
    with pytest.raises(Silence):
        ends.exchange()


def test_what_is_printed_is_kept_in_part_and_limited(ends):
    def flood():
        for _ in range(MOST_PRINTED // 2**16 + 2):
            try:
                os.write(ends.print, b"x" * 2**16)
            except OSError:
                return

    thread = threading.Thread(target=flood)
    thread.start()
    with pytest.raises(Silence, match="printed more than"):
        ends.exchange(20.0)
    assert len(ends.channel.output) == 2**16
    ends.channel.close()
    thread.join()
    ends.channel = Ends().channel  # for the fixture to close


def test_the_whole_run_can_be_stopped(ends):
    ends.stop.set()
    with pytest.raises(Stopped):
        ends.exchange()
