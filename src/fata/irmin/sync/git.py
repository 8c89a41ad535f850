"""A remote that speaks git's protocols: git://, http(s)://, ssh. dulwich speaks; what it brings is checked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from dulwich.client import FetchPackResult, GitClient, get_transport_and_path
from dulwich.config import ConfigDict
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject
from dulwich.refs import Ref

from fata.errors import StateError
from fata.irmin.backend.contract import RefChange, Shallow
from fata.irmin.errors import PushRejected, RemoteError
from fata.irmin.repo import Repo
from fata.irmin.sync.aside import aside, lending_loop
from fata.irmin.sync.contract import Progress
from fata.irmin.sync.lent import lent_client
from fata.irmin.sync.negotiation import Walker, haves
from fata.irmin.sync.receiving import Arrival, check_connected
from fata.irmin.sync.sending import Departure

T = TypeVar("T")

ZERO = b"0" * 40
HEADS = "refs/heads/"
OVER_A_STACK = "git://"
# What dulwich raises besides its own errors when a server says something that is no git: a hostile one is no crash.
NONSENSE = (GitProtocolError, NotGitRepository, OSError, ValueError, AssertionError, LookupError, TypeError)


class GitRemote:
    """A repository at a URL."""

    def __init__(self, url: str, *, headers: Mapping[str, str], ca_file: str | None, limit: int) -> None:
        self.url = url
        self._limit = limit
        self._config = ConfigDict()
        for name, value in headers.items():
            self._config.add((b"http",), b"extraHeader", f"{name}: {value}".encode())
        if ca_file is not None:
            self._config.set((b"http",), b"sslCAInfo", ca_file.encode())
        self._head: str | None = None

    def _open(self) -> tuple[GitClient, str]:
        try:
            loop = lending_loop()
            if loop is not None:
                if not self.url.lower().startswith(OVER_A_STACK):
                    raise RemoteError(self.url, f"over a network stack of our own only {OVER_A_STACK} is spoken")
                return lent_client(self.url, loop)
            return get_transport_and_path(self.url, config=self._config, thin_packs=False, quiet=True)
        except NONSENSE as error:
            raise RemoteError(self.url, str(error)) from None

    async def refs(self, prefix: str = "refs/") -> dict[str, bytes]:
        client, path = self._open()
        found = await aside(lambda: self._guarded(lambda: client.get_refs(path.encode())))
        head = found.symrefs.get(Ref(b"HEAD"))
        self._head = None if head is None else head.decode("utf-8", "replace").removeprefix(HEADS)
        return self._decoded(found.refs, prefix)

    async def default_branch(self) -> str:
        if self._head is None:
            await self.refs()
        return self._head or "main"

    async def fetch(self, repo: Repo[Any], wants: Iterable[bytes], depth: int | None, progress: Progress) -> None:
        self._check_hash(repo)
        wants = list(wants)
        backend = repo.backend
        cut = await backend.shallow() if isinstance(backend, Shallow) else set()
        walker = Walker(await haves(repo, wants), cut)
        client, path = self._open()
        wanted = [ObjectID(oid.hex().encode()) for oid in wants]
        with Arrival(repo, self.url, self._limit) as arrival:

            def receive() -> FetchPackResult:
                def choose(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
                    return wanted

                return client.fetch_pack(path, choose, walker, arrival.write, _lines(progress), depth=depth)

            result = await aside(lambda: self._guarded(receive))
            await arrival.keep(progress)
        cut |= self._ids(result.new_shallow or ())
        cut -= self._ids(result.new_unshallow or ())
        await check_connected(repo, self.url, wants, cut)
        if isinstance(backend, Shallow) and cut != await backend.shallow():
            await backend.set_shallow(cut)
            repo.commits.forget()

    async def push(self, repo: Repo[Any], changes: Iterable[RefChange], progress: Progress) -> None:
        self._check_hash(repo)
        asked = {name.encode(): (_hex(old), _hex(new)) for name, old, new in changes}
        known = [oid for oid in set((await self.refs()).values()) if await repo.backend.contains(oid)]
        client, path = self._open()
        with Departure() as departure:
            await departure.collect(
                repo, [bytes.fromhex(new.decode()) for _, new in asked.values() if new != ZERO], known
            )
            progress(f"sending {departure.count} objects")

            def update(there: dict[bytes, bytes]) -> dict[bytes, bytes]:
                for name, (old, _) in asked.items():
                    if there.get(name, ZERO) != old:
                        raise PushRejected(name.decode(), "somebody else has changed it meanwhile")
                return {name: new for name, (_, new) in asked.items()}

            def packed(_have: Any, _want: Any, **_options: Any) -> tuple[int, Iterator[UnpackedObject]]:
                return departure.count, (
                    UnpackedObject(kind, sha=oid, decomp_chunks=[body], decomp_len=len(body))
                    for kind, oid, body in departure.objects()
                )

            def send() -> Any:
                return client.send_pack(path.encode(), update, packed, _lines(progress), atomic=len(asked) > 1)  # type: ignore[arg-type]

            result = await aside(lambda: self._guarded(send))
        for name, reason in (result.ref_status or {}).items():
            if reason is not None:
                raise PushRejected(name.decode(), str(reason))

    def _guarded(self, function: Callable[[], T]) -> T:
        """Call dulwich; whatever it makes of a server's nonsense is a `RemoteError`."""
        try:
            return function()
        except (RemoteError, PushRejected):
            raise
        except NONSENSE as error:
            raise RemoteError(self.url, _reason(error)) from error

    def _decoded(self, refs: Mapping[Ref, ObjectID | None], prefix: str) -> dict[str, bytes]:
        found = {}
        for name, oid in sorted(refs.items()):
            text = name.decode("utf-8", "surrogateescape")
            if oid is not None and text.startswith(prefix) and not text.endswith("^{}"):
                found[text] = self._id(oid)
        return found

    def _ids(self, oids: Iterable[bytes]) -> set[bytes]:
        return {self._id(oid) for oid in oids}

    def _id(self, oid: bytes) -> bytes:
        try:
            if len(oid) == len(ZERO):
                return bytes.fromhex(oid.decode())
        except ValueError:
            pass
        raise RemoteError(self.url, f"{oid[:80]!r} is no id of an object")

    def _check_hash(self, repo: Repo[Any]) -> None:
        if repo.objects.id_size != 20:
            raise StateError('git cannot be told of this repository: its objects are not named by hash="sha1"')


def _hex(oid: bytes | None) -> bytes:
    return ZERO if oid is None else oid.hex().encode()


def _lines(progress: Progress) -> Callable[[bytes], None]:
    """Return what gives each line that a server sends to `progress`. Control characters are left out."""

    def show(octets: bytes) -> None:
        for line in octets.decode("utf-8", "replace").splitlines():
            progress("".join(each for each in line if each.isprintable()))

    return show


def _reason(error: BaseException) -> str:
    """Say in a few words what went wrong: urllib3 tells all that it has tried, with the reason inside."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(reason := getattr(inner, "reason", None), Exception):
            error = reason.__cause__ or reason
            break
        inner = inner.__cause__
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
