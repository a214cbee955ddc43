"""What one turn did with which documents, noted by its handler for the ledger and the audit trail."""

from dataclasses import dataclass, field


@dataclass
class Trail:
    """Ids of documents; the one thing in words is what could not be answered, which only the open questions get."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)  # that lost shares
    used: set[str] = field(default_factory=set)  # for what was said
    unread_pages: int = 0  # of what was added
    closed: str = ""  # id of the open question that was answered
    unanswered: str = ""  # the question, so that it stands alone, if the documents do not answer it
