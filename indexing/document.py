"""The nouns of the library: a document, where it is shared, and a passage found in it."""

from dataclasses import dataclass

SCAN, IMAGE = "(scan)", "[image] "  # behind a page, before a line that OCR read; in English and in French
IMPORTED = "import:"  # begins the file id of a share that came from a folder: Slack knows no such file


@dataclass(frozen=True, kw_only=True)
class Share:
    """One appearance of a document in a conversation, by one person's message."""

    channel: str
    file_id: str
    user: str
    ts: str  # of the message that carried the file; its thread holds the receipt
    permalink: str
    name: str  # the file name under which it was shared here


@dataclass(frozen=True, kw_only=True)
class Document:
    """A stored file: its bytes once, shared in one or more conversations."""

    id: str  # content hash: the same bytes have the same id
    name: str
    pages: int
    pages_with_text: int
    chunks: int
    language: str  # "en", "fr" or "" where neither
    added_at: float  # seconds since the epoch
    shares: tuple[Share, ...]
    labels: tuple[str, ...] = ()  # what people call its pages, where that is not their number
    title: str = ""  # that stands in the file
    scans: tuple[int, ...] = ()  # pages that OCR read: figures on them may be wrong

    def label(self, page: int) -> str:
        """Return what people call a page, marked where OCR read it; "" where that is its number."""
        called = self.labels[page - 1] if 0 < page <= len(self.labels) else ""
        return f"{called or f'p. {page}'} {SCAN}" if page in self.scans else called

    def place(self, page: int) -> str:
        """Return what people call a page: always something."""
        return self.label(page) or f"p. {page}"


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What was taken away of one document."""

    document_id: str
    shares: tuple[Share, ...]  # that went
    channels: frozenset[str]  # where it is not shared any more
    is_gone: bool  # no share is left anywhere: nothing of the document is kept


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A piece of a document found for a question, with the page one can check it on."""

    id: str  # of the chunk
    document_id: str
    document: str  # the name under which the reader knows it
    text: str
    page: int  # 1-based
    last_page: int
    heading: str
    permalink: str  # of the file, in a conversation that the reader may see
    score: float  # rank fusion: comparable within one search only
    relevance: float  # calibrated for the refusal threshold, higher is closer
    label: str = ""  # what people call the page, where that is not its number: p. iv (PDF 4), slide 3, Costs!2-40

    @property
    def place(self) -> str:
        """Return where a person looks for it: the page or pages, or what they are called."""
        if self.label:
            return self.label
        return f"p. {self.page}" if self.last_page <= self.page else f"p. {self.page}\N{EN DASH}{self.last_page}"
