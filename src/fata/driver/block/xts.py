"""AES-XTS (IEEE 1619-2007, NIST SP 800-38E) over whichever library is there.

In an image that is the module `_cipher`, in a process the package `cryptography`: `pip install fata[encryption]`.
"""

from __future__ import annotations

from fata.driver.block import xts_image
from fata.driver.block.ciphertext import checked
from fata.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.driver.block.ciphertext import Transform


def xts(key: bytes) -> tuple[Transform, Transform]:
    """Return what encrypts and what decrypts one data unit under `key`: two AES keys, 32 or 64 octets in all.

    Raises `ConfigError` for a key that cannot be, `Unavailable` where there is no cipher.
    """
    try:
        return xts_image.xts(key)
    except ImportError:
        return _of_package(checked(key))


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
