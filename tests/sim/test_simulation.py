"""A network in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fata.device.net import SentFrame
from fata.driver.net.line import Faults
from fata.errors import ConfigError, StateError
from fata.sim.host import Host
from fata.sim.network import Simulation
from tests.sim.traffic import ask, ask_rightly, serve

PAYLOAD = bytes(range(256)) * 400
SLOW = Faults(rate=1e6)
BROADCAST = b"\xff" * 6


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation(seed=1) as made:
        yield made


@pytest.fixture
def server(sim: Simulation) -> Host:
    host = sim.host("server")
    sim.run(serve(host))
    return host


@pytest.fixture
def client(sim: Simulation, server: Host) -> Host:
    return sim.host("client")


async def ping(client: Host, server: Host) -> float:
    """Return the seconds that a small question takes on a new connection."""
    start = asyncio.get_running_loop().time()
    await ask_rightly(client, server, b"x")
    return asyncio.get_running_loop().time() - start


def test_hosts_talk(sim: Simulation, client: Host, server: Host) -> None:
    sim.run(ask_rightly(client, server, PAYLOAD))
    assert sim.now < 0.1


def test_addresses_are_given_in_turn_or_chosen(sim: Simulation) -> None:
    assert [sim.host(name).address for name in ("a", "b")] == ["10.0.0.1", "10.0.0.2"]
    chosen = sim.host("c", "10.0.0.77/24")
    assert chosen.address == chosen.stack.address == "10.0.0.77"


@pytest.mark.parametrize("address", ["10.0.0.0/24", "224.0.0.1/4", "10.0.0.1"])
def test_what_is_no_hosts_address_is_refused_and_takes_no_name(sim: Simulation, address: str) -> None:
    with pytest.raises(ConfigError):
        sim.host("a", address)
    assert sim.host("a").address == "10.0.0.1"


def test_a_host_may_join_while_it_runs(sim: Simulation, server: Host) -> None:
    async def join() -> None:
        await ask_rightly(sim.host("late"), server, PAYLOAD)

    sim.run(join())


def test_delays_add_up(sim: Simulation, client: Host, server: Host) -> None:
    client.sending = server.receiving = Faults(delay=0.05)
    client.receiving = Faults(delay=0.2)
    sim.run(ping(client, server))
    assert sim.run(ping(client, server)) == pytest.approx(2 * 0.3, abs=0.001)  # handshake, question and answer


def test_a_slow_link_takes_its_time(sim: Simulation, client: Host, server: Host) -> None:
    client.sending = SLOW
    sim.run(ask_rightly(client, server, PAYLOAD))
    assert 0.9 < sim.now / (len(PAYLOAD) * 8 / 1e6) < 1.5


@pytest.mark.parametrize("seed", range(3))
def test_everything_arrives_in_spite_of_faults(seed: int) -> None:
    faults = Faults(loss=0.05, duplicate=0.05, corrupt=0.05, reorder=0.1, delay=0.01, jitter=0.01, trailing=5)
    with Simulation(seed) as sim:
        server, client = sim.host("server", link=faults), sim.host("client")
        sim.run(serve(server))
        sim.run(ask_rightly(client, server, PAYLOAD))
        counters = server.cable.receiving.counters
        assert min(counters.lost, counters.duplicated, counters.corrupted, counters.reordered) > 0


@pytest.mark.parametrize("whom", ["both", "one", "other"])
def test_who_is_cut_off_is_heard_again_when_healed(sim: Simulation, client: Host, server: Host, whom: str) -> None:
    pairs: dict[str, tuple[Host | str, Host | None]] = {
        "both": (client, server),
        "one": (client, None),
        "other": ("server", None),
    }
    pair = pairs[whom]
    sim.run(ping(client, server))
    sim.cut(*pair)
    healed = sim.now + 5
    sim.at(healed, lambda: sim.heal(*pair))
    sim.run(ask_rightly(client, server, PAYLOAD))
    assert healed < sim.now < healed + 10


def test_a_cut_leaves_others_alone(sim: Simulation, client: Host, server: Host) -> None:
    third = sim.host("third")
    sim.cut(client, server)
    assert sim.run(ping(third, server)) < 0.1
    sim.heal()
    assert sim.run(ping(client, server)) < 0.1


def test_a_name_that_is_not_there_is_told(sim: Simulation, server: Host) -> None:
    with pytest.raises(ConfigError, match=r"no 'srever'\n  It has server\."):
        sim.cut("srever")
    with pytest.raises(ConfigError, match="has a 'server' already"):
        sim.host("server")


def test_a_power_cut_is_silent_and_forgets_everything(sim: Simulation, client: Host, server: Host) -> None:
    client.sending = SLOW
    steps: list[str] = []

    async def program() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            steps.append("program ended")

    async def play() -> None:
        server.start(program())
        asking = asyncio.ensure_future(ask(client, server, PAYLOAD))
        await asyncio.sleep(0.01)
        server.power_cut()
        assert not server.is_on
        with pytest.raises(StateError, match="server has no power"):
            _ = server.stack
        await asyncio.sleep(5)
        assert not asking.done(), "the peer has learned of it"
        steps.append("on")
        server.power_on()
        with pytest.raises(ConnectionResetError):  # what it says to a connection that it does not know
            await asking
        with pytest.raises(ConnectionRefusedError):
            await ask(client, server, b"x")
        await serve(server)
        await ask_rightly(client, server, PAYLOAD)

    sim.run(play())
    assert steps == ["program ended", "on"]


def test_one_host_may_be_the_loops_own(sim: Simulation, client: Host) -> None:
    """Libraries that know nothing of stacks run on it: here asyncio's own streams."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    async def play() -> None:
        shop = sim.host("shop", lend=True)
        for _ in range(2):
            await asyncio.start_server(echo, port=80)
            reader, writer = await client.open_connection(shop, 80)
            writer.write(PAYLOAD)
            writer.write_eof()
            assert await reader.read() == PAYLOAD
            shop.power_cut()
            shop.power_on()

    sim.run(play())


def test_power_is_cut_and_given_once(sim: Simulation, server: Host) -> None:
    async def play() -> None:
        with pytest.raises(StateError):
            server.power_on()
        server.power_cut()
        with pytest.raises(StateError):
            server.power_cut()
        with pytest.raises(StateError):
            server.start(asyncio.sleep(1))

    sim.run(play())


def test_time_passes_only_while_it_runs(sim: Simulation) -> None:
    assert sim.now == 0
    sim.run(asyncio.sleep(3600))
    assert sim.now == 3600
    moments: list[float] = []
    sim.at(3700.5, lambda: moments.append(sim.now))
    sim.run(asyncio.sleep(200))
    assert moments == [3700.5]


def test_what_can_never_happen_is_told(sim: Simulation) -> None:
    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StateError, match="deadlock"):
        sim.run(wait_for_ever())


def test_an_error_in_a_callback_fails_the_run(sim: Simulation) -> None:
    def fail() -> None:
        raise KeyError("from a callback")

    sim.at(1.0, fail)
    with pytest.raises(KeyError, match="from a callback"):
        sim.run(asyncio.sleep(2))
    sim.run(asyncio.sleep(2))


def test_an_error_in_a_protocol_fails_the_run(sim: Simulation, client: Host, server: Host) -> None:
    class Broken(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            raise ValueError("cannot read this")

    async def play() -> None:
        await server.stack.create_server(Broken, port=9)
        with pytest.raises(ConnectionResetError):
            await ask(client, server, b"x", 9)

    with pytest.raises(ValueError, match="cannot read this"):
        sim.run(play())


@pytest.mark.parametrize("forever", [True, False])
def test_an_error_of_a_program_fails_the_run(sim: Simulation, server: Host, forever: bool) -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise KeyError("from a program")

    async def play() -> None:
        server.start(fail())
        if forever:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(2)

    with pytest.raises(KeyError, match="from a program"):
        sim.run(play())


def test_a_bare_card_hears_and_speaks(sim: Simulation, server: Host) -> None:
    card = sim.card("monitor")
    heard: list[bytes] = []
    card.watch(lambda: heard.extend(frame.data for frame in card.receive()), lambda: None)
    client = sim.host("client")
    sim.run(ping(client, server))
    assert any(frame[:6] == BROADCAST and frame[12:14] == b"\x08\x06" for frame in heard)
    card.send([SentFrame([BROADCAST + card.mac + b"\x88\xb5" + bytes(46)])])


def test_every_frame_can_be_seen_and_recorded(sim: Simulation, client: Host, server: Host, tmp_path: Path) -> None:
    seen: list[tuple[float, bytes]] = []
    path = tmp_path / "all.pcap"
    sim.record(str(path))
    sim.observe(lambda moment, frame: seen.append((moment, frame)))
    sim.run(ask_rightly(client, server, PAYLOAD))
    sim.close()
    assert len(seen) > 70
    assert path.stat().st_size == 24 + sum(16 + len(frame) for _moment, frame in seen)


def test_it_closes_twice_and_with_everything_under_way(sim: Simulation, client: Host, server: Host) -> None:
    client.sending = SLOW

    async def play() -> None:
        client.start(asyncio.sleep(3600))
        client.start(ask(client, server, PAYLOAD))
        await asyncio.sleep(0.01)

    sim.run(play())
    sim.close()
    sim.close()


def test_hundreds_of_simulations_stand_side_by_side() -> None:
    ends = set()
    for _ in range(50):
        with Simulation(3) as sim:
            server, client = sim.host("server", link=Faults(delay=0.001, jitter=0.001)), sim.host("client")
            sim.run(serve(server))
            sim.run(ping(client, server))
            ends.add(sim.now)
    assert len(ends) == 1
