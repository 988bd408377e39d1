"""Make japanese_vowels_train.csv.gz and japanese_vowels_test.csv.gz from the wheel of aeon.

aeon (a time series package) carries the UCI data, every number as it was published. This script
downloads that one wheel with pip, reads the two files out of it without installing it, and writes
one line per frame: number of the utterance, number of the speaker, the 12 coefficients.

    python examples/data/make_japanese_vowels.py
"""

import gzip
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent
HEADER = "utterance,speaker," + ",".join(f"c{i}" for i in range(1, 13))


def utterances(text):
    """Yield (speaker, frames); a frame is a tuple of 12 strings, in the digits of the source."""
    _, _, data = text.partition("@data\n")
    for line in data.splitlines():
        *coefficients, speaker = line.split(":")
        yield speaker, list(zip(*(c.split(",") for c in coefficients), strict=True))


def as_csv(text):
    lines = [HEADER]
    for number, (speaker, frames) in enumerate(utterances(text), start=1):
        lines += [",".join((str(number), speaker, *frame)) for frame in frames]
    return "\n".join(lines) + "\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, "aeon==1.6.0"], check=True)
        (wheel,) = Path(folder).glob("aeon-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for part in ("TRAIN", "TEST"):
                member = f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts"
                text = as_csv(archive.read(member).decode())
                target = FOLDER / f"japanese_vowels_{part.lower()}.csv.gz"
                # Without a time stamp the same data gives the same bytes.
                target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
