"""Known answers of AES-XTS: IEEE 1619-2007, annex B. Of the two long ones the first 64 octets."""

from __future__ import annotations

from typing import NamedTuple


class Vector(NamedTuple):
    """One data unit."""

    name: str
    key: bytes
    tweak: bytes
    plain: bytes
    cipher: bytes  # maybe only its beginning


def _vector(name: str, key: str, number: int, plain: str, cipher: str) -> Vector:
    return Vector(name, bytes.fromhex(key), number.to_bytes(16, "little"), bytes.fromhex(plain), bytes.fromhex(cipher))


COUNTING = bytes(range(256)).hex() * 2
VECTORS = (
    _vector(
        "vector 2", "11" * 16 + "22" * 16, 0x3333333333, "44" * 32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
    ),
    _vector(
        "vector 3", "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0" + "22" * 16, 0x3333333333, "44" * 32,
        "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89",
    ),
    _vector(
        "vector 4", "2718281828459045235360287471352631415926535897932384626433832795", 0, COUNTING,
        "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c"
        "c78cf7f5e543445f8333d8fa7f56000005279fa5d8b5e4ad40e736ddb4d35412",
    ),
    _vector(
        "vector 10",
        "2718281828459045235360287471352662497757247093699959574966967627"
        "3141592653589793238462643383279502884197169399375105820974944592",
        0xFF, COUNTING,
        "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"
        "5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd",
    ),
)  # fmt: skip
