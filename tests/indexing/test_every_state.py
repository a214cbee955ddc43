"""Whatever happens between two steps: exactly the shares stand that should, and nobody sees what was taken away.

The long form: `STATES=10000 nice python -m pytest tests/indexing/test_every_state.py`.
"""

import os
import warnings

from hypothesis import HealthCheck, Phase, settings

from indexing.qdrant import QdrantIndex, connect_qdrant
from indexing.vector_store import VectorIndex
from tests.indexing.every_state import EveryState

HOW = settings(
    max_examples=int(os.environ.get("STATES", "20")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what fails is printed whole; to make it short takes hours
)


class ByClient(EveryState):
    """The same through the client of a server."""

    async def open_index(self) -> VectorIndex:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the local mode says that it has no payload indexes
            return await QdrantIndex.open(await connect_qdrant(":memory:", ""), "documents", 64)


TestEmbedded = EveryState.TestCase
TestEmbedded.settings = HOW
TestByClient = ByClient.TestCase
TestByClient.settings = settings(HOW, max_examples=HOW.max_examples // 4)
