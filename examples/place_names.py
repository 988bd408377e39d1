"""
Places that are not there: names drawn letter by letter
=======================================================

Towns of eight countries have names that one hears them by: Jyväskylä, Kecskemét, Yokohama.
``RNNGenerator`` learns how probable each next letter of a name is, given those before it and the
country. So it says how probable a whole name is, and draws new ones of a country that is asked for.
How good it is can be measured: by the bits that a letter of other names takes, and by a classifier
that knows real names only.

Data: GeoNames, CC BY 4.0 (see ``data/README.md``).
"""

# %%
# The data
# --------

import csv
import gzip
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skrnn import RNNGenerator

PATH = Path(sys.argv[0]).parent / "data" / "place_names.csv.gz"
with gzip.open(PATH, "rt", encoding="utf-8") as file:
    rows = list(csv.reader(file))[1:]
order = np.random.default_rng(0).permutation(len(rows))
names, countries = (np.array(column)[order].tolist() for column in zip(*rows, strict=True))
X_train, X_test, y_train, y_test = (
    names[:-1000],
    names[-1000:],
    countries[:-1000],
    countries[-1000:],
)
print(f"{len(X_train)} names to learn from, {len(X_test)} to test with\n")

# %%
# Bits a letter
# -------------
# The fewer bits a model needs for a letter of a name (or for its end), the better it knows what
# comes. A baseline counts: how often a letter stood in the country behind the last one, two, three
# and four letters. Each longer memory is mixed with the shorter ones, the more the oftener it was
# followed by something new (I. H. Witten, T. C. Bell, The zero-frequency problem, 1991).


class LetterCounts:
    """How probable a letter is behind the last n - 1 of a name of a country."""

    def __init__(self, n):
        self.n, self.counts = n, defaultdict(Counter)

    def steps(self, name):
        """What stands before each letter and before the end, and the letter."""
        text = "\r" * self.n + name + "\n"
        return [(text[i - self.n : i], text[i]) for i in range(self.n, len(text))]

    def fit(self, names, countries):
        self.letters = sorted({"\n", *"".join(names)})
        for name, country in zip(names, countries, strict=True):
            for before, letter in self.steps(name):
                for k in range(self.n):
                    self.counts[country, before[self.n - k :]][letter] += 1
        return self

    def probability(self, country, before, letter):
        found = 1 / len(self.letters)
        for k in range(self.n):
            counts = self.counts.get((country, before[self.n - k :]), {})
            n_seen, n_distinct = sum(counts.values()), len(counts)
            if n_seen:
                found = (counts.get(letter, 0) + n_distinct * found) / (n_seen + n_distinct)
        return found

    def score_samples(self, names, countries):
        return [
            sum(math.log(self.probability(country, *step)) for step in self.steps(name))
            for name, country in zip(names, countries, strict=True)
        ]


def bits_a_letter(logarithms):
    return -np.sum(logarithms) / math.log(2) / sum(len(name) + 1 for name in X_test)


def ids(names):
    return [np.array([ord(letter) for letter in name]) for name in names]


print("bits a letter of the test names")
for n in (3, 4, 5):
    counted = LetterCounts(n).fit(X_train, y_train)
    print(f"  {n} letters, counted  {bits_a_letter(counted.score_samples(X_test, y_test)):.2f}")

# %%
# The net has a memory without a limit, and what it learns of one country serves the others.

model = RNNGenerator(
    embedding_dim=24, hidden_layer_sizes=(128,), cell="lstm", dropout=0.3, batch_size=32,
    learning_rate_init=0.005, max_iter=20, early_stopping=False, random_state=0,
)  # fmt: skip
start = process_time()
model.fit(ids(X_train), y_train)
seconds = process_time() - start
bits = bits_a_letter(model.score_samples(ids(X_test), y_test))
print(f"  RNNGenerator        {bits:.2f}   (CPU time of the fit {seconds:.1f} s)")

# %%
# New names
# ---------
# Six of each country, the first that are drawn.


def draw(countries, **how):
    drawn = model.sample(len(countries), y=countries, random_state=0, **how)
    return ["".join(map(chr, name)) for name in drawn]


print()
for_all = draw(np.repeat(model.classes_, 6))
for country, first in zip(model.classes_, range(0, len(for_all), 6), strict=True):
    print(f"{country:<8} ", ", ".join(name.title() for name in for_all[first : first + 6]))

# %%
# Do they sound like their country?
# ---------------------------------
# A classifier of pieces of names, which has learnt from real ones, is the judge. Below are real
# names of the test part, and as many drawn ones of the same countries.

judge = make_pipeline(
    TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True),
    LinearSVC(random_state=0),
).fit(X_train, y_train)
drawn, known = draw(y_test), set(names)
commonest = max(Counter(y_test).values()) / len(y_test)
print("\nthe right country, says the judge")
print(f"  of real names        {100 * judge.score(X_test, y_test):.1f} %")
print(f"  of drawn names       {100 * judge.score(drawn, y_test):.1f} %")
print(f"  always the commonest {100 * commonest:.1f} %")
new = np.mean([name not in known for name in drawn])
print(f"drawn names that are not in the data: {100 * new:.1f} %")

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained")
for ax, title, shown in zip(axes, ("real", "drawn"), (X_test, drawn), strict=True):
    ConfusionMatrixDisplay.from_predictions(
        y_test, judge.predict(shown), ax=ax, cmap="Blues", normalize="true", values_format=".0%",
        xticks_rotation=45, colorbar=False, text_kw={"fontsize": 8},
    )  # fmt: skip
    ax.set(title=f"{title} names", xlabel="country that the judge says")
    ax.label_outer()
axes[0].set_ylabel("country")
plt.show()

# %%
# By Bayes' rule the net is a judge itself: of which country is a name most probable?

of_countries = [model.score_samples(ids(X_test), [name] * len(X_test)) for name in model.classes_]
own = model.classes_[np.argmax(of_countries, axis=0)]
print(f"the right country of real names, says the net: {100 * accuracy_score(y_test, own):.1f} %\n")

# %%
# Colder and warmer
# -----------------
# At a *temperature* below one the likely letters are taken still more often: more names sound like
# their country, and fewer are new.

temperatures = (0.4, 0.6, 0.8, 1.0, 1.2)
new, right = [], []
for temperature in temperatures:
    drawn = draw(y_test, temperature=temperature)
    new.append(100 * np.mean([name not in known for name in drawn]))
    right.append(100 * accuracy_score(y_test, judge.predict(drawn)))
    print(f"temperature {temperature}:", ", ".join(name.title() for name in drawn[:8]))
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(temperatures, new, "o-", label="not in the data")
ax.plot(temperatures, right, "s-", label="right country, says the judge")
ax.set(xlabel="temperature", ylabel="drawn names, %", xticks=temperatures, ylim=(50, 101))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()
