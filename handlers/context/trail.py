"""What one turn did with which documents, noted by its handler for the ledger and the audit trail."""

from dataclasses import dataclass, field


@dataclass
class Trail:
    """Ids of documents, never words."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)  # that lost shares; "" for unknown ones
    used: set[str] = field(default_factory=set)  # for what was said
