"""Every metric, declared once; served by health.py, never with anything a person wrote."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_SECONDS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)

REQUESTS = Counter("folio_requests", "Requests worked on.", ["action", "outcome"], registry=REGISTRY)
FIRST_TOKEN = Histogram(
    "folio_first_piece_seconds",
    "From the start of a turn to the first words of its answer.",
    ["action"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
TURN = Histogram(
    "folio_request_seconds", "From the start of a turn to its end.", ["action"], buckets=_SECONDS, registry=REGISTRY
)
RETRIES = Counter("folio_retries", "Turns that failed and are tried again.", ["action"], registry=REGISTRY)
FEEDBACK = Counter(
    "folio_feedback", "Thumbs below answers, and reasons of a thumb down.", ["verdict"], registry=REGISTRY
)
QUEUE_DEPTH = Gauge("folio_queue_depth", "Requests that wait or are worked on.", registry=REGISTRY)
QUEUE_OLDEST = Gauge("folio_queue_oldest_seconds", "Age of the oldest of them.", registry=REGISTRY)
PARTS = Gauge(
    "folio_part", "What the parts count: tokens, cache hits, documents, chunks.", ["part", "name"], registry=REGISTRY
)


def show(part: str, statistics: dict[str, float]) -> None:
    """Take over what a part (engine, library) counts."""
    for name, value in statistics.items():
        PARTS.labels(part, name).set(value)
