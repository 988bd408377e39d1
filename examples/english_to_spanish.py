"""
Short sentences from English into Spanish
=========================================

What a program says to its users, in both languages: 4,690 short texts like "clean the water
filter". In Spanish words stand in another order, and there are more of them, so a translation word
by word is seldom right. ``RNNTranslator`` reads the whole text, then writes word after word, each
time with a look at those that matter: attention, as D. Bahdanau et al. introduced it (Neural
machine translation by jointly learning to align and translate, 2015).

Data: from the program Home Assistant, Apache License 2.0 (see ``data/README.md``).
"""

# %%
# The data
# --------
# Words are in small letters, without punctuation. Each is in three texts at least.

import csv
import gzip
import sys
from collections import defaultdict
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import RNNTranslator
from skrnn.metrics import sequence_error_rate, token_error_rate
from skrnn.text import SequenceVectorizer

# sphinx_gallery_thumbnail_number = 2
PATH = Path(sys.argv[0]).parent / "data" / "english_spanish.csv.gz"
with gzip.open(PATH, "rt", encoding="utf-8") as file:
    rows = list(csv.reader(file))[1:]
order = np.random.default_rng(0).permutation(len(rows))
english, spanish = (np.array(side)[order].tolist() for side in zip(*rows, strict=True))
X_train, X_test, y_train, y_test = english[:-600], english[-600:], spanish[:-600], spanish[-600:]
print(f"{len(X_train)} texts to learn from, {len(X_test)} to test with")
print(f"for one: {X_train[0]} | {y_train[0]}\n")

translations, true = {}, [text.split() for text in y_test]


def report(name, predicted, seconds):
    translations[name] = predicted
    words = [text.split() for text in predicted]
    of_words, of_texts = token_error_rate(true, words), sequence_error_rate(true, words)
    print(f"{name}: {100 * of_words:.1f} % of the words wrong,", end=" ")
    print(f"{100 * of_texts:.1f} % of the texts, {seconds:.1f} s of CPU time")


# %%
# Two baselines
# -------------
# A translator's memory: the translation of the text that is most alike.

start = process_time()
vectorizer = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2))
alike = vectorizer.fit_transform(X_train)
nearest = np.argmax((vectorizer.transform(X_test) @ alike.T).toarray(), axis=1)
report("the text most alike", [y_train[i] for i in nearest], process_time() - start)

# %%
# A dictionary: the likeliest translation of each word, by the first of the models in P. F. Brown et
# al., The mathematics of statistical machine translation, 1993. A Spanish word may come from any
# English word of its text, or from none (""), in the shares that the last round has found.


def learn_dictionary(X, y, n_rounds=8):
    """The likeliest Spanish word for each English one."""
    probabilities = defaultdict(lambda: 1.0)
    for _ in range(n_rounds):
        counts, totals = defaultdict(float), defaultdict(float)
        for text, translation in zip(X, y, strict=True):
            sources = ["", *text.split()]
            for word in translation.split():
                shares = [probabilities[source, word] for source in sources]
                for source, share in zip(sources, shares, strict=True):
                    counts[source, word] += share / sum(shares)
                    totals[source] += share / sum(shares)
        probabilities = {pair: n / totals[pair[0]] for pair, n in counts.items()}
    ranked = sorted(probabilities.items(), key=lambda item: item[1])
    return {source: word for (source, word), _ in ranked}


start = process_time()
dictionary = learn_dictionary(X_train, y_train)
by_word = [
    " ".join(dictionary[word] for word in text.split() if word in dictionary) for text in X_test
]
report("word by word, a dictionary", by_word, process_time() - start)

# %%
# The translator
# --------------
# It stands in a Pipeline: ``SequenceVectorizer`` makes ids of English words, and with
# ``target_analyzer="word"`` Spanish texts go in and come out as they are. There are few texts, so
# none is held out to see when to stop. By default a tenth of the target's probability goes to all
# words alike (``label_smoothing``); else it would soon be too sure of what it has seen.

model = make_pipeline(
    SequenceVectorizer(token_pattern=r"\S+"),
    RNNTranslator(
        embedding_dim=48, target_embedding_dim=48, hidden_layer_sizes=(96,), dropout=0.3,
        max_iter=20, early_stopping=False, target_analyzer="word", random_state=0,
    ),
)  # fmt: skip
start = process_time()
model.fit(X_train, y_train)
seconds = process_time() - start
for beam_size, name in ((1, "RNNTranslator"), (5, "RNNTranslator, a beam of 5")):
    model[-1].set_params(beam_size=beam_size)
    report(name, model.predict(X_test), seconds)

# %%
# Some texts of the test part, the first of each length.

for n_words in range(3, 9):
    i = next(i for i, text in enumerate(X_test) if len(text.split()) == n_words)
    print(f"\n{X_test[i]}\n  {'true':<30} {y_test[i]}")
    for name, of_name in translations.items():
        print(f"  {name:<30} {of_name[i]}")

# %%
# How long they may be
# --------------------
# The longer a text, the more can go wrong. The text most alike is hardly ever the translation,
# because no text is there twice.

lengths = np.array([len(text.split()) for text in X_test])
groups = {"2": lengths == 2, "3": lengths == 3, "4": lengths == 4, "5": lengths == 5,
          "6 to 8": lengths >= 6}  # fmt: skip
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for place, (name, color) in enumerate(
    {"the text most alike": "lightgray", "word by word, a dictionary": "lightsteelblue",
     "RNNTranslator, a beam of 5": "tab:blue"}.items()
):  # fmt: skip
    right = np.equal(translations[name], y_test)
    shares = [100 * right[of_group].mean() for of_group in groups.values()]
    ax.bar(np.arange(len(groups)) + 0.27 * (place - 1), shares, 0.27, color=color, label=name)
ax.set_xticks(range(len(groups)), [f"{name}\n({n.sum()} texts)" for name, n in groups.items()])
ax.set(xlabel="English words", ylabel="exactly right, %", ylim=(0, 100))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# Where it looks
# --------------
# Three long texts that are translated rightly. A row is a word that was written, and its shares of
# attention add up to one. Where a noun and what stands before it change places, the net looks ahead
# and back, and for small words that only Spanish has it looks at their neighbours.

right = np.equal(translations["RNNTranslator, a beam of 5"], y_test)
shown = sorted(np.flatnonzero(right), key=lambda i: (-lengths[i], i))[:3]
ids = model[0].transform([X_test[i] for i in shown])
figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), layout="constrained")
for ax, i, shares in zip(axes, shown, model[-1].attention_weights(ids), strict=True):
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(lengths[i]), X_test[i].split(), rotation=45, ha="left")
    ax.set_yticks(range(len(shares)), [*y_test[i].split(), "end"])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
figure.colorbar(image, ax=axes, label="share of attention")
plt.show()

# %%
# What else it might be
# ---------------------
# The beam of the first text, each translation with the logarithm of its probability.

for translation, logarithm in model[-1].predict_beams(ids[:1])[0]:
    print(f"{logarithm:6.2f}  {translation}")
