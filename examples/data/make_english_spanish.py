"""Make english_spanish.csv.gz from the wheel of homeassistant.

homeassistant (a program for the automation of homes) carries what it says to its users in many
languages. This script downloads that one wheel with pip, reads the English and the Spanish texts
out of it without installing it, and writes a line for each short one, without capitals and
punctuation.

    python examples/data/make_english_spanish.py
"""

import csv
import gzip
import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent
#: What is no plain text: places for values, markup, links, units.
NOT_PLAIN = re.compile(r"[{}\[\]<>\n*`_/%|=@]")


def texts(tree, path=()):
    """Yield (path, text) of everything in a tree of texts."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from texts(value, (*path, key))
        elif isinstance(value, str):
            yield (*path, key), value


def words(text):
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", text.lower()))


def translations(archive):
    """A dict from each short English text to its translations, with their numbers."""
    found, names = {}, set(archive.namelist())
    for name in sorted(names):
        spanish = name.removesuffix("en.json") + "es.json"
        if not name.endswith("/translations/en.json") or spanish not in names:
            continue
        of_path = dict(texts(json.loads(archive.read(spanish))))
        for path, text in texts(json.loads(archive.read(name))):
            translated = of_path.get(path, "")
            if translated and not NOT_PLAIN.search(text + translated):
                found.setdefault(words(text), Counter())[words(translated)] += 1
    return found


def usual(pairs, least=3):
    """Pairs all of whose words are in at least so many of them."""
    while True:
        counts = [Counter(word for text in side for word in set(text.split()))
                  for side in zip(*pairs, strict=True)]  # fmt: skip
        kept = [
            pair
            for pair in pairs
            if all(
                of_side[word] >= least
                for of_side, text in zip(counts, pair, strict=True)
                for word in text.split()
            )
        ]
        if len(kept) == len(pairs):
            return pairs
        pairs = kept


def main():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, "homeassistant==2024.3.3"], check=True)
        (wheel,) = Path(folder).glob("homeassistant-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            found = translations(archive)
    pairs = [(english, of_it.most_common(1)[0][0]) for english, of_it in sorted(found.items())]
    pairs = [
        (english, spanish)
        for english, spanish in pairs
        if 2 <= len(english.split()) <= 8 and len(spanish.split()) <= 12 and english != spanish
    ]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("english", "spanish"), *usual(pairs)])
    # Without a time stamp the same data gives the same bytes.
    packed = gzip.compress(table.getvalue().encode(), compresslevel=9, mtime=0)
    (FOLDER / "english_spanish.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
