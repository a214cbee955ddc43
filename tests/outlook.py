"""Mails as Outlook saves them, made for the tests: a compound file ([MS-CFB]) with a mail's properties ([MS-OXMSG])."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

SECTOR, SMALL_SECTOR, SMALL = 512, 64, 4096  # bytes; streams below the last are in small sectors
END, FREE, FAT, NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
STORAGE, STREAM, ROOT = 1, 2, 5

Folder = Mapping[str, "bytes | Folder"]


@dataclass
class Entry:
    """One entry of the directory."""

    name: str
    kind: int
    data: bytes = b""
    child: int = NONE
    right: int = NONE
    start: int = END

    def packed(self) -> bytes:
        name = self.name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<BBIII", self.kind, 1, NONE, self.right, self.child)
        return (
            struct.pack("<64sH", name, len(name)) + links + bytes(36) + struct.pack("<IQ", self.start, len(self.data))
        )


@dataclass
class Directory:
    """All entries; those of a folder hang on each other in the order that the format asks for."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, name: str, content: "bytes | Folder", kind: int = STORAGE) -> int:
        place = len(self.entries)
        if isinstance(content, bytes):
            self.entries.append(Entry(name, STREAM, content))
            return place
        entry = Entry(name, kind)
        self.entries.append(entry)
        before: Entry | None = None
        for inner in sorted(content, key=lambda one: (len(one), one.upper())):
            child = self.add(inner, content[inner])
            if before is None:
                entry.child = child
            else:
                before.right = child
            before = self.entries[child]
        return place


def chained(pieces: list[bytes], size: int) -> tuple[bytes, list[int], list[int]]:
    """Put streams into sectors; return these, the table of which follows which, and where each stream begins."""
    data, table, starts = b"", list[int](), list[int]()
    for piece in pieces:
        count = -(-len(piece) // size)
        starts.append(len(table) if count else END)
        table += [*range(len(table) + 1, len(table) + count), *[END] * bool(count)]
        data += piece.ljust(count * size, b"\0")
    return data, table, starts


def compound_file(content: Folder) -> bytes:
    """Return a compound file with these folders and streams."""
    directory = Directory()
    directory.add("Root Entry", content, ROOT)
    streams = [entry for entry in directory.entries if entry.kind == STREAM]
    small = [entry for entry in streams if len(entry.data) < SMALL]
    large = [entry for entry in streams if len(entry.data) >= SMALL]
    small_data, small_table, small_starts = chained([entry.data for entry in small], SMALL_SECTOR)
    for entry, start in zip(small, small_starts, strict=True):
        entry.start = start
    directory.entries[0].data = small_data
    packed_table = struct.pack(f"<{len(small_table)}I", *small_table)
    packed_table += b"\xff" * (-len(packed_table) % SECTOR)
    size_of_directory = -(-len(directory.entries) // 4) * SECTOR
    pieces = [bytes(size_of_directory), packed_table, small_data, *(entry.data for entry in large)]
    data, table, starts = chained(pieces, SECTOR)
    directory.entries[0].start = starts[2]
    for entry, start in zip(large, starts[3:], strict=True):
        entry.start = start
    listed = b"".join(entry.packed() for entry in directory.entries).ljust(size_of_directory, b"\0")
    fat_count = -(-(len(table) + 1) // (SECTOR // 4 - 1))
    table = [*table, *[FAT] * fat_count]
    table += [FREE] * (fat_count * SECTOR // 4 - len(table))
    fat_start = len(data) // SECTOR
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, fat_count,
        starts[0], 0, SMALL, starts[1], len(packed_table) // SECTOR, END, 0, fat_start,
    )  # fmt: skip
    places = range(fat_start + 1, fat_start + fat_count)
    header += struct.pack(f"<{len(places)}I", *places)
    return header.ljust(SECTOR, b"\xff") + listed + data[size_of_directory:] + struct.pack(f"<{len(table)}I", *table)


def outlook_mail(heads: Mapping[str, str], body: str, files: Mapping[str, bytes], *, unicode: bool = True) -> bytes:
    """Return a mail: `heads` by the numbers of their properties, in UTF-16 or in the old encoding of Windows."""
    kind, encoding = ("001F", "utf-16-le") if unicode else ("001E", "cp1252")
    content: dict[str, bytes | Folder] = {"__properties_version1.0": bytes(32)}
    content |= {f"__substg1.0_{number}{kind}": text.encode(encoding) for number, text in heads.items()}
    content[f"__substg1.0_1000{kind}"] = body.encode(encoding)
    for index, (name, data) in enumerate(files.items()):
        content[f"__attach_version1.0_#{index:08X}"] = {
            "__properties_version1.0": bytes(8), f"__substg1.0_3707{kind}": name.encode(encoding),
            "__substg1.0_37010102": data,
        }  # fmt: skip
    return compound_file(content)
