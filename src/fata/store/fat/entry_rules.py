"""What `check` holds against a single entry: its name, attributes, dates."""

from __future__ import annotations

from fata.disk.fat import entry as entry_format
from fata.disk.fat import short_name, stamp
from fata.disk.fat.entry import DIRECTORY, LABEL, Entry
from fata.disk.fat.long_name import fold
from fata.disk.fat.slots import Found
from fata.store.fat.findings import Fault, Patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.fat.examine import Examiner, Folder

RESERVED = 0xC0  # attribute bits
_DELETED = bytes([entry_format.DELETED])


class EntryRules:
    """Judges entries for an examiner, which keeps the findings."""

    def __init__(self, examiner: Examiner) -> None:
        self._examiner = examiner
        self._renamed = 0

    def accept(self, folder: Folder, found: Found, names: dict[str, Found]) -> str | None:
        """Return the entry's path; None if it names nothing: a label, or what will be removed."""
        entry = found.entry
        name = found.long if found.long is not None else short_name.text(entry.name, entry.case)
        path = f"{folder.path}/{name}" if folder.path else name
        if entry.attributes & LABEL:
            self._label(folder, found, path)
            return None
        if entry.name[:1] == b"." and entry.name.strip(b". ") == b"":
            self._examiner.note(Fault.DOTS, path, f"a dot entry in slot {found.slot}")
            self._examiner.remove(folder, found)
            return None
        wanted = self._attributes(path, entry)
        wanted = self._date(path, wanted)
        if not short_name.is_valid(entry.name):
            self._examiner.note(Fault.NAME, path, f"its short name is {entry.name!r}")
            wanted = self._rename(folder, found, wanted, names)
        elif not self._is_unique(name, found, names):
            self._examiner.note(Fault.DUPLICATE, path, "another entry has this name")
            if not self._is_rename(found, names):
                wanted = self._rename(folder, found, wanted, names)
        if wanted != entry:
            self._examiner.change(folder, found, wanted)
        return path

    def _label(self, folder: Folder, found: Found, path: str) -> None:
        examiner = self._examiner
        if folder.cluster or folder.path or examiner.label is not None or found.entry.attributes & DIRECTORY:
            examiner.note(Fault.LABEL, path, f"a label in slot {found.slot}, where none may be")
            examiner.remove(folder, found)
        else:
            examiner.label = found.entry.name

    def _attributes(self, path: str, entry: Entry) -> Entry:
        if entry.attributes & RESERVED:
            self._examiner.note(Fault.ATTRIBUTES, path, f"{entry.attributes:#04x} has bits that mean nothing")
            entry = entry._replace(attributes=entry.attributes & ~RESERVED)
        if entry.attributes & DIRECTORY and entry.size:
            self._examiner.note(Fault.ATTRIBUTES, path, f"a directory with a size of {entry.size}")
            entry = entry._replace(size=0)
        return entry

    def _date(self, path: str, entry: Entry) -> Entry:
        date, time = entry.modified_date, entry.modified_time
        if stamp.posix(date, time) is None and (date, time) not in ((0, 0), (stamp.UNKNOWN.date, 0)):
            self._examiner.note(Fault.DATE, path, f"modified at {date:#06x} {time:#06x}")
            return entry._replace(modified_date=stamp.UNKNOWN.date, modified_time=0)
        return entry

    def _is_unique(self, name: str, found: Found, names: dict[str, Found]) -> bool:
        both = {fold(name), fold(short_name.text(found.entry.name))}
        unique = not any(one in names for one in both)
        for one in both:
            names.setdefault(one, found)
        return unique

    def _is_rename(self, found: Found, names: dict[str, Found]) -> bool:
        """Say whether the other entry of this name is the same file, whose name changed its case."""
        other = names[fold(short_name.text(found.entry.name))]
        return bool(found.entry.cluster) and other.entry.cluster == found.entry.cluster

    def _rename(self, folder: Folder, found: Found, entry: Entry, names: dict[str, Found]) -> Entry:
        """Give an entry a short name that nobody has, and take its long one away."""
        examiner = self._examiner
        while True:
            self._renamed += 1
            text = f"FATA{self._renamed:04}.REN"
            if text not in names:
                break
        names[text] = found
        examiner.removals += [Patch(folder.offset(slot), _DELETED) for slot in range(found.first, found.slot)]
        return entry._replace(name=text.replace(".", "").ljust(11).encode("ascii"), case=0)
