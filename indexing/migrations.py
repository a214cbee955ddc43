"""Numbered steps that bring an older index to today's format, at every start; each may be cut short and done again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from indexing.index_card import FORMAT, IndexCard, write_card
from indexing.records import Records
from indexing.vector_store import VectorIndex

Step = Callable[[VectorIndex], Awaitable[None]]


async def index_records(index: VectorIndex) -> None:
    """2: records get the fields by which they are looked up, and a revision. Done for what older workers write, too."""
    records = Records(index)
    for lacking in ("state", "name_words", "slice"):
        for record in await records.find({lacking: None}):
            await records.rewrite(record.document_id)


STEPS: Mapping[int, Step] = {2: index_records}
EACH_START = (index_records,)  # during an update, workers of the version before still write


async def migrate(index: VectorIndex, card: IndexCard | None, current: IndexCard) -> None:
    """Do the steps that an index lacks, then write the card."""
    done = card.format if card else 1
    for number in range(done + 1, FORMAT + 1):
        await STEPS[number](index)
    for step in EACH_START:
        await step(index)
    if card is None or card.format < FORMAT:
        await write_card(index, replace(card or current, format=FORMAT))
