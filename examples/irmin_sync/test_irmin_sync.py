"""Three shops that cannot always talk, in the simulator: whatever they count meanwhile, they agree in the end."""

from __future__ import annotations

import asyncio
import random

import pytest

from examples.irmin_sync.app import Stock
from fata.sim.network import Simulation

pytestmark = pytest.mark.virtual_time

ITEMS = ("tea", "coffee", "sugar")


async def test_two_shops_count_offline_and_agree(sim: Simulation) -> None:
    first, second = sim.host("first"), sim.host("second")
    left = Stock(first.stack, name="left")
    right = Stock(second.stack, peer=str(first.address), name="right")
    first.start(left.run())
    second.start(right.run())
    await left.add("tea", 10)
    await asyncio.sleep(12)
    assert await right.store.find("tea") == 10
    sim.cut(first, second)
    await left.add("tea", 5)
    await right.add("tea", -3)
    await right.add("coffee", 7)
    for shop in (left, right):
        await shop.add("sugar", 1)
    await asyncio.sleep(60)
    assert (await left.store.find("tea"), await right.store.find("tea")) == (15, 7)
    sim.heal()
    await asyncio.sleep(60)
    assert [await shop.store.find("tea") for shop in (left, right)] == [12, 12]
    assert await left.store.find("coffee") == 7
    assert await left.store.find("sugar") == 2, "two equal changes are two"
    assert await left.store.commit() == await right.store.commit()


@pytest.mark.slow
async def test_three_shops_agree_whatever_happens(sim: Simulation) -> None:
    chance = random.Random(7)
    hosts = [sim.host(name) for name in ("a", "b", "c")]
    peers = [str(hosts[1].address), str(hosts[2].address), str(hosts[0].address)]
    shops = [Stock(host.stack, peer=peer, name=peer) for host, peer in zip(hosts, peers, strict=True)]
    for host, shop in zip(hosts, shops, strict=True):
        host.start(shop.run())
    total = dict.fromkeys(ITEMS, 0)
    for _ in range(20):
        apart = chance.choice(hosts)
        sim.cut(apart)
        for _ in range(5):
            item, count = chance.choice(ITEMS), chance.randrange(-9, 10)
            total[item] += count
            await chance.choice(shops).add(item, count)
            await asyncio.sleep(chance.random() * 10)
        sim.heal()
    await asyncio.sleep(120)
    for shop in shops:
        assert {item: await shop.store.find(item) or 0 for item in ITEMS} == total
