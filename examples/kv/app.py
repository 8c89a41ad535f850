"""Keeps notes in a key-value store, and tells what it does to them."""

from fata.device import Console, KvRw
from fata.device.kv import Kind, KvError


class Notes:
    """Write, read, list, change, rename and remove notes.

    Keys:
        note: text of the first note
    """

    def __init__(self, store: KvRw, console: Console, *, note: str = "buy milk") -> None:
        self.store = store
        self.console = console
        self.note = note

    async def run(self) -> None:
        """Take every step once; the store is as empty at the end as it was before."""
        self.say("write", "notes/today and notes/later")
        await self.store.set("notes/today", self.note.encode())
        await self.store.set("notes/later", b"learn Python")
        await self.show()

        self.say("read a part", (await self.store.get_partial("notes/later", 6, 6)).decode())

        self.say("change a part", "of notes/later")
        await self.store.set_partial("notes/later", 6, b"OCaml!")
        await self.show()

        self.say("rename", "notes to archive")
        await self.store.rename("notes", "archive")
        await self.show()

        await self.refused("read what is not there", "notes/today")
        await self.refused("read a dictionary", "archive")

        await self.store.flush()
        self.say("flush", "what was written survives a power cut")

        self.say("remove", "archive")
        await self.store.remove("archive")
        await self.show()

    async def show(self, dictionary: str = "") -> None:
        """Print every value beneath a dictionary."""
        entries = await self.store.list(dictionary)
        if not entries:
            self.console.write("  (nothing)\n")
        for name, kind in entries:
            key = f"{dictionary}/{name}" if dictionary else name
            if kind is Kind.DICTIONARY:
                await self.show(key)
            else:
                self.console.write(f"  {key} = {(await self.store.get(key)).decode()}\n")

    async def refused(self, what: str, key: str) -> None:
        """Do what the store refuses, and print how it says so."""
        try:
            await self.store.get(key)
        except KvError as error:
            self.say(what, f"{type(error).__name__}: {error}")

    def say(self, step: str, what: str) -> None:
        """Print one step."""
        self.console.write(f"{step}: {what}\n")
