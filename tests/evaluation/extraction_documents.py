"""Thirty documents of our own making, English and French, with the values that stand in them and those that do not."""

# ruff: noqa: E501 - the lines of a document are as long as they are

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Truth = list[dict[str, Any]]
SEED = 20261124

COMPANIES = ["Harrow & Finch Ltd", "Oak Lane Joinery", "Bluewater Prints", "Kestrel Logistics plc", "Mapleford Tools",
             "Ateliers du Levant", "Imprimerie Bonnard SARL", "Les Jardins de Cassel", "Transports Vauquelin", "Papeterie Morel"]  # fmt: skip
PEOPLE = ["Nora Whitfield", "Tom Ashdown", "Priya Raman", "Elliot Marsh", "Jeanne Carlier", "Hugo Delmas", "Salma Benali",
          "Camille Roussel"]  # fmt: skip
GOODS = [("Printer paper A4", "Papier A4"), ("Desk lamp", "Lampe de bureau"), ("Steel shelf", "Étagère en acier"),
         ("Cable 2 m", "Câble 2 m"), ("Office chair", "Chaise de bureau"), ("Whiteboard", "Tableau blanc")]  # fmt: skip
MONTHS = [
    ("March", "mars", 3),
    ("June", "juin", 6),
    ("August", "août", 8),
    ("October", "octobre", 10),
    ("December", "décembre", 12),
]
CITIES = ["Leeds", "Bristol", "Norwich", "Lyon", "Rennes", "Amiens"]


@dataclass(frozen=True)
class Case:
    """A document, the fields to look for as a person would write them, and the truth."""

    name: str
    pages: tuple[str, ...]
    fields: str
    records: Truth


def cases() -> list[Case]:
    """Return the same thirty documents each time."""
    made = []
    for number in range(3):
        for kind, maker in MAKERS.items():
            for french in (False, True):
                source = random.Random(f"{SEED}-{kind}-{number}-{french}")
                text, fields, records = maker(source, french)
                made.append(Case(f"{kind}-{number}-{'fr' if french else 'en'}", (text,), fields, records))
    return made


def money(amount: float, french: bool) -> str:
    """Write an amount as the country does."""
    text = f"{amount:,.2f}"
    return text.replace(",", " ").replace(".", ",") if french else text


def day(source: random.Random, french: bool) -> tuple[str, str]:
    """Return a date as it is written and in ISO 8601."""
    english, in_french, month = source.choice(MONTHS)
    number, year = source.randint(2, 28), source.choice([2024, 2025, 2026])
    ways = [f"{number} {in_french if french else english} {year}", f"{number:02}/{month:02}/{year}"]
    return source.choice(ways if french or number > 12 else ways[:1]), f"{year}-{month:02}-{number:02}"


def invoice(source: random.Random, french: bool) -> tuple[str, str, Truth]:
    """An invoice with lines that are not asked for, and no telephone number."""
    supplier, customer = source.sample(COMPANIES, 2)
    written, iso = day(source, french)
    number, net = f"F-{source.randint(1000, 9999)}-{source.randint(10, 99)}", source.randint(100, 4000) + 0.5
    total = round(net * 1.2, 2)
    if french:
        text = (f"{supplier}\n{source.randint(2, 90)} rue des Lilas, {source.choice(CITIES)}\n\nFACTURE n° {number}\n"
                f"Date d'émission : {written}\nClient : {customer}\n\nDésignation            Qté   Montant\n"
                f"{source.choice(GOODS)[1]}      3     {money(net, True)}\n\nTotal HT    {money(net, True)} €\n"
                f"TVA 20 %    {money(total - net, True)} €\nTotal TTC   {money(total, True)} €\nRèglement à 30 jours.")  # fmt: skip
        fields = "fournisseur, client, numéro de facture, date:date, total TTC:montant, téléphone"
        values = [supplier, customer, number, iso, total, None]
    else:
        text = (f"{supplier}\n{source.randint(2, 90)} Mill Road, {source.choice(CITIES)}\n\nINVOICE\nInvoice no. {number}\n"
                f"Date: {written}\nBill to: {customer}\n\nDescription            Qty   Amount\n"
                f"{source.choice(GOODS)[0]}      3     {money(net, False)}\n\nSubtotal    {money(net, False)}\n"
                f"VAT 20 %    {money(total - net, False)}\nTotal due   EUR {money(total, False)}\nPayment within 30 days.")  # fmt: skip
        fields = "supplier, customer, invoice number, date:date, total:number, phone"
        values = [supplier, customer, number, iso, total, None]
    return text, fields, [dict(zip(names(fields), values, strict=True))]


def letter(source: random.Random, french: bool) -> tuple[str, str, Truth]:
    """A job offer in running text; it names no bonus."""
    person, company, city = source.choice(PEOPLE), source.choice(COMPANIES), source.choice(CITIES)
    written, iso = day(source, french)
    salary, days = source.randint(28, 70) * 1000, source.choice([22, 25, 27, 30])
    if french:
        text = (f"Objet : promesse d'embauche\n\nBonjour {person},\n\nNous avons le plaisir de vous proposer, chez {company}, "
                f"le poste de comptable à {city}. Vous commencerez le {written}. Votre salaire annuel brut sera de "
                f"{money(salary, True)} euros et vous aurez {days} jours de congés par an.\n\nBien cordialement,\n"
                "Le service du personnel")  # fmt: skip
        fields = "candidat, employeur, lieu, date de début:date, salaire:nombre, jours de congés:entier, prime:nombre"
    else:
        text = (f"Subject: your offer\n\nDear {person},\n\nWe are glad to offer you, at {company}, the position of accountant in "
                f"{city}. You will start on {written}. Your gross salary will be {money(salary, False)} euros a year, and you "
                f"will have {days} days of leave a year.\n\nKind regards,\nThe people team")  # fmt: skip
        fields = "candidate, employer, place, start date:date, salary:number, days of leave:integer, bonus:number"
    return (
        text,
        fields,
        [dict(zip(names(fields), [person, company, city, iso, float(salary), days, None], strict=True))],
    )


def minutes(source: random.Random, french: bool) -> tuple[str, str, Truth]:
    """Minutes of a meeting; the next date is not fixed."""
    chair, writer = source.sample(PEOPLE, 2)
    written, iso = day(source, french)
    room, budget = f"B{source.randint(100, 400)}", source.randint(5, 90) * 100
    if french:
        text = (f"Compte rendu de la réunion du {written}\nSalle {room}\nAnimation : {chair}\nSecrétaire de séance : {writer}\n\n"
                f"1. Le budget de la fête est fixé à {money(budget, True)} €.\n2. La prochaine réunion sera annoncée plus tard.")  # fmt: skip
        fields = (
            "date de la réunion:date, salle, animateur, secrétaire, budget:nombre, date de la prochaine réunion:date"
        )
    else:
        text = (f"Minutes of the meeting of {written}\nRoom {room}\nChair: {chair}\nTaken by: {writer}\n\n"
                f"1. The budget of the party is set to EUR {money(budget, False)}.\n2. The next meeting will be announced later.")  # fmt: skip
        fields = "meeting date:date, room, chair, taken by, budget:number, date of the next meeting:date"
    return text, fields, [dict(zip(names(fields), [iso, room, chair, writer, float(budget), None], strict=True))]


def table(source: random.Random, french: bool) -> tuple[str, str, Truth]:
    """A stock list: one record a row; a price is missing."""
    goods = source.sample(GOODS, 4)
    rows = [(name[french], source.randint(2, 60), source.randint(300, 9000) / 100) for name in goods]
    head = "Article | Quantité | Prix unitaire" if french else "Article | Quantity | Unit price"
    lines = [
        f"{name} | {count} | {money(price, french) if index != 2 else ''}"
        for index, (name, count, price) in enumerate(rows)
    ]
    text = "\n".join([("État du stock" if french else "Stock list"), "", head, *lines])
    fields = (
        "article, quantité:entier, prix unitaire:nombre" if french else "article, quantity:integer, unit price:number"
    )
    values = [[name, count, price if index != 2 else None] for index, (name, count, price) in enumerate(rows)]
    return text, fields, [dict(zip(names(fields), row, strict=True)) for row in values]


def message(source: random.Random, french: bool) -> tuple[str, str, Truth]:
    """A chatty message about a delivery."""
    person, company = source.choice(PEOPLE), source.choice(COMPANIES)
    written, iso = day(source, french)
    count, code = source.randint(3, 40), f"PK{source.randint(10000, 99999)}"
    if french:
        text = (f"Salut, petit point : {company} nous livre {count} cartons le {written}, c'est {person} qui réceptionne. "
                f"Le numéro de suivi est {code}. On verra le prix plus tard !")  # fmt: skip
        fields = "transporteur, cartons:entier, date:date, réceptionnaire, numéro de suivi, prix:nombre"
    else:
        text = (f"Hi all, quick update: {company} will deliver {count} boxes on {written}, {person} will receive them. "
                f"The tracking number is {code}. We will see about the price later!")  # fmt: skip
        fields = "carrier, boxes:integer, date:date, receiver, tracking number, price:number"
    return text, fields, [dict(zip(names(fields), [company, count, iso, person, code, None], strict=True))]


def names(fields: str) -> list[str]:
    """Return the fields' names."""
    return [field.split(":")[0].strip() for field in fields.split(",")]


MAKERS: dict[str, Callable[[random.Random, bool], tuple[str, str, Truth]]] = {
    "invoice": invoice, "letter": letter, "minutes": minutes, "table": table, "message": message,
}  # fmt: skip
