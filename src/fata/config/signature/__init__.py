"""What an application asks for, read from its source with `ast`; nothing is imported."""

from fata.config.signature.model import DeviceParameter, KeyParameter, Parameter, Signature
from fata.config.signature.reader import read_signature

__all__ = ["DeviceParameter", "KeyParameter", "Parameter", "Signature", "read_signature"]
