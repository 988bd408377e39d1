"""The machine code of the loops in which a fit spends its time, for three kinds of processors.

LLVM makes code for processors of any kind, so all of it is compiled on each, and none of it runs.
"""

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from llvmlite import binding

# Compiles a product of panels and the steps of an LSTM for another processor; prints their code.
COMPILE = """
import sys
from llvmlite import binding

binding.initialize_all_targets()
binding.initialize_all_asmprinters()
binding.get_process_triple = lambda: sys.argv[1]

import numba
from numba.types import Array, float32, intp

from skrnn.kernels.lstm import LSTM
from skrnn.kernels.matmul import _multiply
from skrnn.kernels.step import backward, forward

cell, panels, array = numba.typeof(LSTM()), Array(float32, 3, "C"), Array(float32, 2, "C")
for kernel, arguments in (
    (_multiply, (*[intp] * 10, panels)),
    (forward, (cell, intp, array, intp, array, intp, array, intp, intp, array, array, intp)),
    (backward, (cell, intp, array, intp, array, array, intp, array, array, intp, intp, array)),
):
    kernel.compile(arguments)
    print(*kernel.inspect_asm().values(), sep="", end="NEXT")
"""

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
#: Triple, features, rows of a tile, and how a whole register of float32 is written.
PROCESSORS = {
    "x86-64-v3": (X86, "+avx,+avx2,+fma", 6, r"%ymm\d+"),
    "x86-64-v4": (X86, "+avx,+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq", 12, r"%zmm\d+"),
    "generic": (ARM, "", 12, r"v\d+\.4s"),
}
#: What a step of an LSTM stores at least: gates and memory, or their gradients.
N_STORES = 5
#: Of loops over rows and registers, the way for what does not fill one, and what LLVM makes of it.
N_BRANCHES = 24
BRANCH = re.compile(r"(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s.*?(\.?LBB\w+)")
CALL = re.compile(r"(?:callq?|bl|blr)\s")
SCALAR = re.compile(r"v?(?:add|mul|div|fmadd\d+)ss\s|f(?:add|mul|div|madd)\s+s")
#: A whole register that is kept on the stack.
SPILL = re.compile(r"v?mov\w+\s.*(?:%[yz]mm.*\(%rsp|\(%rsp.*%[yz]mm)|(?:ld|st)[rp]\s+q.*\[sp")


class Code:
    """Instructions of a function, and the loops among them that hold no other."""

    def __init__(self, assembly):
        lines = [re.split("(?:#|//) ", line)[0].strip() for line in assembly.splitlines()]
        self.lines = [one for one in lines if one.endswith(":") or one[:1] not in ("", ".")]
        places = {line[:-1]: i for i, line in enumerate(self.lines) if line.endswith(":")}
        ends = ((i, BRANCH.match(line)) for i, line in enumerate(self.lines))
        ends = [(places.get(match[1], i), i) for i, match in ends if match]
        loops = sorted((first, last) for first, last in ends if first < last)
        self.loops = [
            self.lines[one[0] : one[1] + 1]
            for one, following in pairwise([*loops, (len(lines), 0)])
            if following[0] > one[1]
        ]

    def of(self, pattern, lines=None):
        return [line for line in lines or self.lines if re.match(pattern, line)]


@pytest.fixture(scope="module", params=PROCESSORS)
def compiled(request, tmp_path_factory):
    """The code of product, step and step back, rows of a tile and the pattern of a register."""
    triple, features, rows, register = PROCESSORS[request.param]
    binding.initialize_all_targets()
    try:
        binding.Target.from_triple(triple)
    except RuntimeError as error:
        pytest.skip(f"llvmlite makes no code for {triple}: {error}")
    environment = {
        "NUMBA_CPU_NAME": request.param, "NUMBA_CPU_FEATURES": features, "NUMBA_DISABLE_JIT": "0",
        "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, triple], env=os.environ | environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [Code(text) for text in done.stdout.split("NEXT")[:3]], rows, register


def test_a_product_keeps_its_sums_in_registers(compiled):
    """A row takes two multiply-adds, the load of a factor, and on x86 an addition for some."""
    (product, *_), rows, register = compiled
    multiply_add = rf"(?:vfmadd\w+|fmla)\s.*{register}"
    loop = max(product.loops, key=lambda loop: len(product.of(multiply_add, loop)))
    found = product.of(multiply_add, loop)
    is_arm = found[0].startswith("fmla")
    sums = {re.findall(r"[%\w.]+", one)[1 if is_arm else -1] for one in found}
    assert len(found) == len(sums) == 2 * rows
    assert len(loop) <= 4 * rows + 8
    assert not [line for line in loop if SPILL.search(line)]
    assert len(product.of(BRANCH, loop)) == 1
    if is_arm:  # no copies of factors, no chain of additions for their addresses
        assert all(one.endswith(".s[0]") for one in found)
        assert len(loop) <= 3 * rows + 8


def test_steps_work_on_whole_registers(compiled):
    (_, *steps), _, register = compiled
    for step in steps:
        assert step.of(rf"(?:vfmadd\w+|fmla)\s.*{register}")
        assert not step.of(SCALAR)
        assert not step.of(CALL)


def test_full_registers_of_a_step_take_no_mask_and_no_lane_a_branch(compiled):
    (_, *steps), _, register = compiled
    stores = rf"vmov\w+\s+{register}, [^{{]*\(%r(?!sp)[^{{]*$|st[rp]\s+q.*\[x"
    for step in steps:
        assert len(step.of(stores)) >= N_STORES
        assert len(step.of(BRANCH)) <= N_BRANCHES
