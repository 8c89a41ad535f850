"""AES-XTS over the runtime's own module `_cipher`."""

from __future__ import annotations

from fata.driver.block.ciphertext import NAMES, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.driver.block.ciphertext import Transform


def xts(key: bytes) -> tuple[Transform, Transform]:
    """Return what encrypts and what decrypts one data unit. Raises `ConfigError`, and ImportError outside an image."""
    import _cipher  # not at the top: the tool resolves every name of the catalog on the user's own machine

    name = NAMES[len(checked(key))]
    return (
        lambda tweak, data: _cipher.encrypt(name, key, tweak, data),
        lambda tweak, data: _cipher.decrypt(name, key, tweak, data),
    )
