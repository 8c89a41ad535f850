"""AES-XTS (IEEE 1619-2007, NIST SP 800-38E) over whichever library is there.

In an image that is the module `_cipher`, in a process the package `cryptography`: `pip install fata[encryption]`.
"""

from __future__ import annotations

from fata.errors import ConfigError, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Transform = Callable[[bytes, memoryview], bytes]
    """Takes the tweak of a data unit (16 octets) and the unit's octets (16 at least)."""

NAMES = {32: "aes-128-xts", 64: "aes-256-xts"}  # by octets of the key, which is two keys
TWEAK = 16  # octets


def xts(key: bytes) -> tuple[Transform, Transform]:
    """Return what encrypts and what decrypts one data unit under `key`: two AES keys, 32 or 64 octets in all.

    Raises `ConfigError` for any other key, and for one whose halves are equal, which XTS must not be used with
    (FIPS 140-2 IG A.9); `Unavailable` where there is no cipher.
    """
    if len(key) not in NAMES:
        raise ConfigError(
            f"a key of {len(key)} octets: AES-XTS takes 32 or 64", remedy="Make one: `openssl rand -hex 64`."
        )
    half = len(key) // 2
    if key[:half] == key[half:]:
        raise ConfigError("the key's two halves are equal", remedy="Make another: `openssl rand -hex 64`.")
    try:
        import _cipher
    except ImportError:
        return _of_package(key)
    name = NAMES[len(key)]
    return (
        lambda tweak, data: _cipher.encrypt(name, key, tweak, data),
        lambda tweak, data: _cipher.decrypt(name, key, tweak, data),
    )


def _of_package(key: bytes) -> tuple[Transform, Transform]:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import XTS
    except ImportError:
        raise Unavailable("nothing here can encrypt", "Install it: `pip install fata[encryption]`.") from None
    algorithm = AES(key)
    return (
        lambda tweak, data: Cipher(algorithm, XTS(tweak)).encryptor().update(data),
        lambda tweak, data: Cipher(algorithm, XTS(tweak)).decryptor().update(data),
    )
