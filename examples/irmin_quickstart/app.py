"""A store with a history: what docs/guides/irmin.md shows."""

from fata.device import Console
from fata.irmin import TEXT, MemoryBackend, Repo
from fata.irmin.errors import Conflict


class Quickstart:
    """Commit, branch, merge, and look back."""

    def __init__(self, console: Console) -> None:
        self.console = console

    async def run(self) -> None:
        """Take every step once."""
        repo = Repo(MemoryBackend(), TEXT, author="Ann <ann@example.org>", now=lambda: 1_700_000_000)
        store = await repo.main()
        await store.set("greetings/en", "hello", message="first")
        await store.set("greetings/fr", "bonjour", message="second")
        self.say(await store.get("greetings/en"), await store.names("greetings"))

        draft = await store.clone("draft")
        await draft.set("greetings/de", "hallo", message="a draft")
        self.say(await store.find("greetings/de"), await draft.find("greetings/de"))

        await store.set("greetings/en", "good day", message="meanwhile")
        await store.merge_with(draft, message="the draft is good")
        self.say(await store.names("greetings"))

        for commit in await store.last_modified("greetings/en", n=2):
            self.say(commit.hex[:8], commit.info.message)

        await draft.set("greetings/en", "hi", message="another word")
        try:
            await store.merge_with(draft)
        except Conflict as conflict:
            self.say(conflict)

    def say(self, *words: object) -> None:
        """Write one line."""
        self.console.write(" ".join(map(str, words)) + "\n")
