"""
How fast, beside other libraries
================================

Training steps, predictions, whole fits, transcripts, what a library costs besides, how time and
memory grow, and the share of the machine's matrix-product rate; at the end the figures to reach.

    python examples/benchmarks/run.py [--only step predict fit transcripts costs growth product]
        [--peers PyTorch JAX ...] [--compile 10] [--rounds 5] [--quick]
        [--output docs/benchmarks.md]

Peers come with ``pip install ".[bench]"``; one that is not installed leaves a dash. What is
compared with what is in docs/benchmarks.md. `--output` writes each section's tables into that page,
between its markers, and all numbers into a JSON file beside it; sections can be run one by one.
It takes about half an hour on two processors, which should have nothing else to do.
"""

import argparse
import json
import os
from importlib.util import find_spec
from pathlib import Path

from page import environment, write_between
from speed import costs, figures, fit, growth, predict, product, step, transcripts
from speed.race import PACKAGES, Track
from speed.report import say

SECTIONS = {
    "step": step,
    "predict": predict,
    "fit": fit,
    "transcripts": transcripts,
    "costs": costs,
    "growth": growth,
    "product": product,
}
MODULES = {"scikit-learn": "sklearn"}
VERSIONS = ("numpy", "scikit-learn", "numba", "torch", "jax", "keras", "skorch", "onnxruntime")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--peers", nargs="*", choices=PACKAGES, help="all that are installed")
    parser.add_argument(
        "--compile",
        type=int,
        default=10,
        metavar="STEPS",
        help="compile PyTorch's training step up to so many time steps (two seconds for each)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="in turns, the median counts")
    parser.add_argument("--output", type=Path, help="a Markdown page; the JSON file goes beside it")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once, without peers")
    options = parser.parse_args()
    if options.peers is None:
        options.peers = [] if options.quick else list(PACKAGES)
    return options


def keep_to_two_processors():
    """Where the system allows it; all processes started from here inherit it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def load(output):
    path = output and output.with_suffix(".json")
    return json.loads(path.read_text()) if path and path.exists() else {}


def tables(name, result):
    """A section's tables, and with what they were measured."""
    return f"{SECTIONS[name].markdown(result)}\n\nMeasured on {result['environment']}."


def save(output, name, results):
    """Bring the page and the file of numbers up to date."""
    if output is not None:
        output.with_suffix(".json").write_text(json.dumps(results, indent=1))
        write_between(output, name, tables(name, results[name]))
        write_between(output, "figures", figures.markdown(results))


def run_section(name, track, options):
    """The section's results, as they come back from the JSON file."""
    say(f"section {name}")
    result = SECTIONS[name].measure(track, options)
    installed = [package for package in VERSIONS if find_spec(MODULES.get(package, package))]
    return json.loads(json.dumps(result | {"environment": environment(installed)}))


def main():
    options = read_options()
    keep_to_two_processors()
    results = load(options.output)
    setting = (1, 1e-3) if options.quick else (options.rounds, 0.15)
    with Track(options.peers, *setting) as track:
        for name in options.only:
            results[name] = run_section(name, track, options)
            print(f"\n{tables(name, results[name])}\n", flush=True)
            save(options.output, name, results)
    print(figures.markdown(results))
    say("done")


if __name__ == "__main__":
    main()
