"""
The study behind the defaults: variants on validation folds
===========================================================

Cuts validation folds out of the training rows of the sets of `accuracy.py` (three folds, five
below 100 rows; the last fifth, and the fifth before it, of series), fits variants of the defaults
on them, each with one thing changed, and compares them with the first one named. Test rows are
never touched, but for `--best`, which in the end scores the best variant of each set on them.

    python examples/benchmarks/defaults_study.py [--sets wine,goog] [--variants default,lstm]
        [--seeds 2] [--output study.json] [--report] [--best] [--quick]

With `--output` runs are kept in that file, one for each set, variant and seed, and those it has
are not made again; so a long study can be done in pieces. `--report` only prints the tables, of
the sets for which the file has all the variants.
"""

import argparse
import json
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from time import process_time
from unittest.mock import patch

import numpy as np
from scipy.stats import rankdata, trim_mean
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import TASKS, compile_kernels, fit_skrnn, loaded, score, show
from page import environment, line, table
from skrnn.network.network import Network

#: The defaults, and one thing changed at a time. A random_state is added to the seed.
VARIANTS = {
    "default": {},
    "another_seed": {"random_state": 100},  # what a difference without any cause looks like
    "no_path": {"linear_path": None},
    "lstm": {"cell": "lstm"},
    "rnn": {"cell": "rnn"},
    "both_ways": {"bidirectional": True},
    "width_32": {"hidden_layer_sizes": 32},
    "width_128": {"hidden_layer_sizes": 128},
    "mean": {"pooling": "mean"},
    "max": {"pooling": "max"},
    "rate_1e-3": {"learning_rate_init": 1e-3},
    "rate_1e-2": {"learning_rate_init": 1e-2},
    "constant": {"learning_rate": "constant"},
    "updates_1000": {},
    "batch_16": {"batch_size": 16},
    "batch_128": {"batch_size": 128},
    "patience_10": {"n_iter_no_change": 10},
    "patience_600": {},
    "no_stopping": {"early_stopping": False},
    "holdout_15": {"validation_fraction": 0.15},
    "no_clipping": {"max_grad_norm": None},
    "glorot_start": {},
    "no_scaling": {"standardize": False},
    "alpha_0": {"alpha": 0.0},
    "alpha_1e-2": {"alpha": 1e-2},
    "dropout": {"dropout": 0.2},
}


def glorot(n_gates):
    """What takes the place of :func:`skrnn.network.block.orthogonal`."""

    def start(rng, shape):
        bound = np.sqrt(3.0 / shape[0])
        return rng.uniform(-bound, bound, shape)

    return start


#: What no parameter reaches: numbers of updates, and how the recurrent matrices start (of networks
#: that are made for this fit).
INTERNALS = {
    "updates_1000": [("skrnn.learning.settings._N_UPDATES", 1000)],
    "patience_600": [("skrnn.learning.settings._PATIENCE", 600)],
    "glorot_start": [
        ("skrnn.network.layer.orthogonal", glorot),
        ("skrnn.learning.model.network_of", Network),
    ],
}


def take(X, rows):
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def folds_of(data):
    """Rows to fit on and to score on, of the training rows of the first fold."""
    _, y, *_ = data.folds[0]
    n = len(y)
    if data.naive is not None:
        for end in (1.0, 0.8):
            rows = np.arange(int(end * n))
            yield rows[: int(0.8 * len(rows))], rows[int(0.8 * len(rows)) :]
        return
    kind = StratifiedKFold if data.metric == "accuracy" else KFold
    yield from kind(5 if n < 100 else 3, shuffle=True, random_state=1).split(np.zeros(n), y)


def fit(data, X, y, variant, seed, quick=False):
    parameters = dict(VARIANTS[variant])
    parameters["seed"] = parameters.pop("random_state", 0) + seed
    if quick:
        parameters |= {"max_iter": 2, "hidden_layer_sizes": 4}
    with ExitStack() as changes:
        for change in INTERNALS.get(variant, ()):
            changes.enter_context(patch(*change))
        return fit_skrnn(data, X, y, **parameters)


def run(data, variant, seed, quick):
    """Score and loss (log-loss, or the error) on each fold; seconds of processor time a fit."""
    X, y, *_ = data.folds[0]
    scores, losses, seconds = [], [], []
    for train, held_out in folds_of(data):
        start = process_time()
        model = fit(data, take(X, train), y[train], variant, seed, quick)
        seconds.append(process_time() - start)
        Z, truth = take(X, held_out), y[held_out]
        scores.append(score(data.metric, truth, model.predict(Z)))
        if data.metric == "accuracy":
            losses.append(log_loss(truth, model.predict_proba(Z), labels=model.classes_))
        else:
            losses.append(score("rmse", truth, model.predict(Z)))
    return {"scores": scores, "losses": losses, "seconds": float(np.median(seconds))}


def read(path):
    if path is None or not path.exists():
        return {"environments": [], "sets": {}}
    return json.loads(path.read_text())


def study(options):
    """The runs asked for, with those of the file."""
    results = read(options.output)
    place = environment(["numpy", "scikit-learn", "numba"])
    results["environments"] = sorted({*results["environments"], place})
    for name, data in loaded(options.sets):
        runs = results["sets"].setdefault(name, {"metric": data.metric, "variants": {}})["variants"]
        for seed, variant in ((s, v) for s in range(options.seeds) for v in options.variants):
            done = runs.setdefault(variant, {})
            if str(seed) in done:
                continue
            done[str(seed)] = found = run(data, variant, seed, options.quick)
            means = [f"{np.mean(found[what]):.4g}" for what in ("scores", "losses", "seconds")]
            print(line([name, variant, str(seed), *means]), flush=True)
            if options.output:
                options.output.write_text(json.dumps(results, indent=1))
    return results


# %%
# Report


def seeds_of(runs, variants):
    """The seeds that all these variants have on a set."""
    return sorted(set.intersection(*(set(runs.get(variant, {})) for variant in variants)))


def best_first(metric, scores):
    return scores if metric == "rmse" else -scores


def compare(metric, runs, variants):
    """For one set, each variant beside the first: arrays (variants,)."""
    seeds = seeds_of(runs, variants)
    scores, losses, seconds = (
        np.array([[runs[variant][seed][what] for seed in seeds] for variant in variants])
        for what in ("scores", "losses", "seconds")
    )
    mean_scores, mean_losses = scores.mean(axis=(1, 2)), losses.mean(axis=(1, 2))
    differences = (losses - losses[0]).mean(axis=1)  # fold by fold
    error = differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
    spread = np.log(losses.mean(axis=2)).std(axis=1, ddof=1) if len(seeds) > 1 else None
    return {
        "score": mean_scores,
        "score rank": rankdata(best_first(metric, mean_scores).round(9)),
        "loss rank": rankdata(mean_losses.round(9)),
        "ratio": np.log(mean_losses / mean_losses[0]),
        "better": differences.mean(axis=1) < -error,
        "worse": differences.mean(axis=1) > error,
        "seconds": np.log(seconds.mean(axis=1) / seconds[0].mean()),
        "spread": spread,
    }


SUMMARY = ["variant", "rank by score", "rank by loss", "loss", "median", "better", "worse"]
SUMMARY += ["worst set", "spread", "seconds"]


def summary(compared, variants):
    """A line for each variant over all sets.

    Ratios are averaged as logarithms, of the loss without the best and the worst set in some eight.
    """

    def columns(what):
        return np.array([c[what] for c in compared.values() if c[what] is not None]).T

    spreads = columns("spread")
    for k, variant in enumerate(variants):
        ratio = columns("ratio")[k]
        worst = int(ratio.argmax())
        yield [
            variant,
            *(f"{columns(what)[k].mean():.1f}" for what in ("score rank", "loss rank")),
            *(f"{np.exp(middle):.3f}" for middle in (trim_mean(ratio, 0.12), np.median(ratio))),
            *(str(columns(what)[k].sum()) for what in ("better", "worse")),
            f"{np.exp(ratio[worst]):.2f} {list(compared)[worst]}" if ratio[worst] > 0 else "-",
            f"{100 * np.median(spreads[k]):.1f} %" if len(spreads) else "-",
            f"{np.exp(columns('seconds')[k].mean()):.2f}",
        ]


def report(results, variants):
    """Tables of the sets that have all the variants."""
    known = {name: results["sets"][name] for name in TASKS if name in results["sets"]}
    compared = {
        name: compare(found["metric"], found["variants"], variants)
        for name, found in known.items()
        if seeds_of(found["variants"], variants)
    }
    if not compared:
        return
    print(f"\n{len(compared)} sets\n\n{table(SUMMARY, summary(compared, variants))}\n")
    rows = [
        [
            name,
            show(known[name]["metric"], c["score"][0]),
            *(f"{r:.3f}" for r in np.exp(c["ratio"])),
        ]
        for name, c in compared.items()
    ]
    print(table(["set", "score", *variants], rows))
    print(f"\nMeasured on {'; and '.join(results['environments'])}.")


def score_best(results, options):
    """The variant with the best mean score on the folds, scored once on the test rows."""
    for name, data in loaded(options.sets):
        found = compare(data.metric, results["sets"][name]["variants"], options.variants)
        winner = options.variants[int(best_first(data.metric, found["score"]).argmin())]
        result = np.mean(
            [
                score(data.metric, truth, fit(data, X, y, winner, seed, options.quick).predict(Z))
                for seed in range(options.seeds)
                for X, y, Z, truth in data.folds
            ]
        )
        print(f"best of {name}: {winner}, {result:.4g} on its test rows", flush=True)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sets", default=",".join(TASKS), help="names, with commas between them")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="likewise")
    parser.add_argument("--seeds", type=int, default=2, help="how many")
    parser.add_argument("--output", type=Path, help="the JSON file that keeps the runs")
    parser.add_argument("--report", action="store_true", help="only print what the file has")
    parser.add_argument("--best", action="store_true", help="score the best variant on test rows")
    parser.add_argument("--quick", action="store_true", help="one table, tiny nets: does it run?")
    options = parser.parse_args()
    options.sets, options.variants = options.sets.split(","), options.variants.split(",")
    if options.quick:
        options.sets, options.variants, options.seeds = ["wine"], options.variants[:2], 1
    return options


def main():
    options = read_options()
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(1):
        if not options.report:
            compile_kernels()
        results = read(options.output) if options.report else study(options)
        report(results, options.variants)
        if options.best:
            score_best(results, options)


if __name__ == "__main__":
    main()
