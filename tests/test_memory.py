"""Kernels stay inside their arrays, which here begin or end where memory does.

Every array that a kernel is given is put before a page that nobody may touch, or behind one, and
copied back afterwards. A number beyond it, read or written, ends the process. And fits take little
memory, and models leave little behind.
"""

import os
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone

from skrnn import RNNClassifier, RNNTranslator
from skrnn.kernels.vectors import VECTOR_BYTES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")

GUARDED = """
import ctypes, mmap, sys, types, warnings
from collections import defaultdict
from functools import partial

import numpy as np
from numba.core.registry import CPUDispatcher

import skrnn
from skrnn.kernels import jit
from skrnn.kernels.vectors import VECTOR_BYTES
from skrnn.loading import learning

warnings.simplefilter("ignore")
AT_END = sys.argv[1] == "end"
PAGE, LIBC = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)
BOUNDS = getattr(np, "byte_bounds", None) or np.lib.array_utils.byte_bounds
free, called = defaultdict(list), set()


def region(n_pages):
    "Memory between two pages that nobody may touch."
    memory = mmap.mmap(-1, (n_pages + 2) * PAGE)
    array = np.frombuffer(memory, np.uint8)
    for page in (0, n_pages + 1):
        address = ctypes.c_void_p(array.ctypes.data + page * PAGE)
        assert LIBC.mprotect(address, ctypes.c_size_t(PAGE), 0) == 0
    return array[PAGE : (n_pages + 1) * PAGE]


class Guarded:
    "Copies of the arrays of a call."

    def __init__(self):
        self._copies, self._regions = {}, []

    def __call__(self, thing):
        if isinstance(thing, np.ndarray) and thing.size:
            key = thing.ctypes.data, thing.shape, thing.strides, thing.dtype
            if key not in self._copies:
                self._copies[key] = thing, self._copy(thing)
            return self._copies[key][1]
        if isinstance(thing, tuple):
            parts = map(self, thing)
            return type(thing)(*parts) if hasattr(thing, "_fields") else tuple(parts)
        return thing

    def _copy(self, array):
        low, high = BOUNDS(array)
        n_pages = -(-(high - low) // PAGE)
        memory = free[n_pages].pop() if free[n_pages] else region(n_pages)
        self._regions.append(memory)
        first = (memory.size - (high - low) if AT_END else 0) + array.ctypes.data - low
        copy = np.ndarray(array.shape, array.dtype, memory, first, array.strides)
        copy[...] = array
        copy.flags.writeable = array.flags.writeable
        return copy

    def give_back(self):
        for array, copy in self._copies.values():
            if array.flags.writeable:
                array[...] = copy
        for memory in self._regions:
            free[len(memory) // PAGE].append(memory)


def call(kernel, *arguments):
    called.add(kernel.py_func)
    guarded = Guarded()
    result = kernel(*map(guarded, arguments))
    guarded.give_back()
    assert not isinstance(result, np.ndarray)
    return result


def is_kernel(thing):
    return isinstance(thing, CPUDispatcher)


def guard(owner):
    "What a module or class has of kernels, guarded."
    for name, thing in list(vars(owner).items()):
        kernel = thing.__func__ if isinstance(thing, staticmethod) else thing
        if isinstance(kernel, CPUDispatcher):
            guarded = partial(call, kernel)
            setattr(owner, name, guarded if kernel is thing else staticmethod(guarded))
        elif isinstance(thing, type) and thing.__module__ == getattr(owner, "__name__", None):
            guard(thing)
        elif isinstance(thing, dict) and name.isupper():
            table = {key: partial(call, one) for key, one in thing.items() if is_kernel(one)}
            setattr(owner, name, thing | table)
        elif isinstance(thing, types.ModuleType) and thing.__name__.startswith("skrnn.kernels."):
            twin = types.SimpleNamespace(**vars(thing))
            guard(twin)
            setattr(owner, name, twin)


def guarded_if_kernel(thing):
    return partial(call, thing) if is_kernel(thing) else thing


def guard_all():
    learning()
    load = skrnn.choices.load
    skrnn.choices.load = lambda address: guarded_if_kernel(load(address))
    for name, module in list(sys.modules.items()):
        if name.startswith("skrnn.") and not name.startswith("skrnn.kernels"):
            guard(module)
"""

FAMILY = """
def others(net, n_hidden, rows, tokens):
    "The same of targets of steps, and of transcripts."
    plain = {name: one for name, one in net.items() if name != "pooling"}
    steps = skrnn.RNNRegressor(n_hidden, **plain, return_sequences=True)
    steps.fit(rows, [row[:, 0] for row in rows])
    yield b"".join(array.tobytes() for array in steps.predict(rows))
    said = [[n % 2] * (n % 3 > 0) for n in range(len(rows))]
    for decoder, X, embedding_dim in (
        ("ctc", rows, None), ("attention", rows, None), ("attention", tokens, 3)
    ):
        model = skrnn.RNNTranslator(
            hidden_layer_sizes=n_hidden, **plain, decoder=decoder, target_embedding_dim=3,
            embedding_dim=embedding_dim,
        )
        model.fit(X, said)
        yield model.score_samples(X, said).tobytes()
        yield repr([model.score(X, said), model.predict_beams(X, 2)]).encode()


def parts_of_large_nets():
    "What threads pack and sum up side by side."
    packing, places = sys.modules["skrnn.network.weights"].packing, np.array([3, 0, 1], np.uint32)
    numbers, sums, scaled = np.empty(3), np.empty(3), np.arange(4.0)
    packing.look_up(scaled, places, numbers)
    packing.sum_up_part(np.arange(8.0).reshape(2, 4), places, np.arange(3.0), sums)
    return numbers.tobytes() + sums.tobytes()


def fits():
    "Bits of predictions, and of weights."
    random, i = np.random.RandomState(0), 0
    learning()
    yield parts_of_large_nets()
    for cell in sys.argv[2].split():
        for dtype in ("float32", "float64"):
            for n_hidden in map(int, sys.argv[3].split()):
                i += 1
                array = random.normal(size=(13, 5, 1 + i % 3))
                y, label = array[:, 0, 0], np.arange(13) % 3
                rows = [row[: 1 + n % 5] for n, row in enumerate(array)]
                net = {"cell": cell, "dtype": dtype, "max_iter": 2, "random_state": 0}
                net |= {"pooling": ("last", "mean", "max", "attention")[i % 4], "batch_size": 7}
                net |= {"bidirectional": i % 2 == 0, "solver": ("adam", "sgd")[i % 2]}
                net |= {"dropout": 0.2 * (i % 2), "early_stopping": False}
                sizes = (n_hidden,) if i % 5 else (n_hidden, 2)
                one = skrnn.RNNRegressor(sizes, **net)
                other = skrnn.RNNClassifier(sizes, **net | {"bidirectional": i % 2 == 1})
                tokens = [np.arange(1, 2 + (n + i) % 5) for n in range(13)]
                table = net | {"embedding_dim": n_hidden, "early_stopping": i % 2 == 0}
                third = skrnn.RNNRegressor(sizes, **table)
                for model, X, target in (
                    (one, array, y), (other, rows, label), (third, tokens, y)
                ):
                    model.fit(X, target)
                    yield model.predict(X[:5]).tobytes()
                    yield b"".join(array.tobytes() for array in model.coefs_)
                if i % 3 == 0:
                    yield from others(net | {"early_stopping": True}, n_hidden, rows, tokens)
                if i % 4 == 0:  # the last state of one direction
                    _, state = other.predict_step(array[:3, 0])
                    yield other.predict_step(array[:3, 1], state)[1].numbers.tobytes()


print(VECTOR_BYTES)
expected = list(fits())
guard_all()
assert list(fits()) == expected
every = set()
for name, module in sys.modules.items():
    if name.startswith("skrnn.kernels."):
        every |= {
            thing.py_func
            for thing in vars(module).values()
            if isinstance(thing, CPUDispatcher)
            and not thing.targetoptions.get("no_cpython_wrapper")
            and thing.targetoptions.get("inline") != "always"
        }
print("not called:", *sorted(f"{f.__module__[14:]}.{f.__name__}" for f in every - called))
"""
PEEK = """
from llvmlite import ir
from numba import types as of_numba
from numba.extending import intrinsic


@intrinsic
def load(context, address):
    def write(context, builder, signature, arguments):
        return builder.load(builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))

    return of_numba.uint8(address), write


def peek(x, distance):
    return load(x.ctypes.data + distance)


for distance in map(int, sys.argv[2:]):
    print(call(jit.kernel(peek), np.ones(5, np.uint8), distance) in (0, 1), flush=True)
"""


CELLS, SIZES = "rnn gru lstm", "1 3 17"
#: For registers of so many bytes, a processor and its features.
PROCESSORS = {16: ("x86-64", "+sse2"), 32: ("x86-64-v3", "+avx2,+fma")}
SIDES = pytest.mark.parametrize("side", ["end", "beginning"])


def run(code, *arguments, **environment):
    command = [sys.executable, "-c", GUARDED + code, *map(str, arguments)]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip


@SIDES
def test_no_kernel_reads_or_writes_beyond_its_arrays(side):
    """Guarded copies give the same results. Two functions are called by kernels alone."""
    done = run(FAMILY, side, CELLS, SIZES)
    assert done.returncode == 0, done.stderr
    others = "beams.advance matmul._product pooling._largest"
    assert done.stdout == f"{VECTOR_BYTES}\nnot called: {others}\n"


@SIDES
@pytest.mark.parametrize("width", [width for width in PROCESSORS if width < VECTOR_BYTES])
def test_nor_with_registers_of_other_processors(side, width, request):
    """A row of so many units ends in another lane of another register."""
    name, features = PROCESSORS[width]
    cells, sizes = (CELLS, SIZES) if request.config.getoption("--thorough") else ("gru", "3 17")
    done = run(FAMILY, side, cells, sizes, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{width}\nnot called: ")


@pytest.mark.parametrize(
    ("side", "distances"), [("end", (0, 4, -1, 5)), ("beginning", (0, 4, 5, -1))]
)
def test_a_read_of_one_byte_beyond_would_be_seen(side, distances):
    """Of five bytes; the last distance is outside and the one before within the page."""
    done = run(PEEK, side, *distances)
    assert done.stdout.split() == ["True"] * 3, done.stderr
    assert -done.returncode in (signal.SIGSEGV, signal.SIGBUS)


def test_a_fit_of_tokens_keeps_few_copies_of_the_table():
    """Four of a candidate that waits, seven of the one that is trained, one of the start; in single
    precision.
    """
    rng = np.random.default_rng(0)
    X = rng.integers(1, 40_000, (400, 100))
    model = RNNClassifier((4,), embedding_dim=32, max_iter=3, random_state=0)
    clone(model).fit(1 + X[:50] % 9, X[:50, 0] % 2)  # what is loaded at the first fit is no copy
    tracemalloc.start()
    try:
        model.fit(X, X[:, 0] % 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 4 < peak / (4 * model.embeddings_.size) < 14


def test_fits_and_likelihoods_of_many_labels_keep_few_copies_of_raw_predictions():
    rng, n, n_labels = np.random.default_rng(0), 2000, 1500
    X = list(rng.integers(1, 9, size=(n, 5)))
    y = rng.integers(n_labels, size=(n, 5))
    model = RNNTranslator(
        embedding_dim=4, hidden_layer_sizes=(4,), target_embedding_dim=4, dtype="float32",
        max_iter=1, early_stopping=False,
    )  # fmt: skip
    model.fit(X[:50], y[:50])  # what is loaded at the first fit is no copy
    raw = n * 6 * n_labels * 4  # bytes, for each label and the end
    for work in (model.fit, model.score_samples):
        tracemalloc.start()
        try:
            work(X, y)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 3 * raw


DELETED = """
import gc, re, warnings
from pathlib import Path

import numpy as np

import skrnn

warnings.simplefilter("ignore")
X = np.linspace(-1, 1, 96).reshape(16, 6)


def fit_and_predict(n_hidden):
    net = skrnn.RNNRegressor((n_hidden,), max_iter=1, early_stopping=False, linear_path=None)
    net.fit(X, X[:, 0]).predict(X)


def resident():
    gc.collect()
    return int(re.search(r"VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])


fit_and_predict(8)
before = resident()
for first in (700, 160):  # large nets, and then small ones, some of which are kept
    for n_hidden in range(first, first + 16):
        fit_and_predict(n_hidden)
    print((resident() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_deleted_models_leave_little_memory():
    """Sixteen networks of 700 units were 1.2 GB."""
    command = [sys.executable, "-c", DELETED]
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}  # quicker
    done = subprocess.run(
        command, env=os.environ | one, capture_output=True, text=True, check=True, timeout=300
    )
    assert all(int(megabytes) < 64 for megabytes in done.stdout.split()), done.stdout
    assert len(done.stdout.split()) == 2
