"""Keys outside the database: one master key from the settings, a key of its own for each purpose."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.ports import VaultError

_KEY_ID = b"\x01"
"""First byte of everything sealed: a later key can be told from this one."""
_NONCE_BYTES = 12
# Random nonces of 96 bits: good for 2^32 values under one key; a wave of six million people seals about 10^8.


class KeyVault:
    """Fulfils `ports.Vault`."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key
        self._keys: dict[str, bytes] = {}
        self._index_key = self.key("index")
        self._cipher = AESGCM(self.key("seal"))

    def key(self, purpose: str) -> bytes:
        key = self._keys.get(purpose)
        if key is None:
            key = self._keys[purpose] = hmac.digest(self._master_key, b"launchnight/" + purpose.encode(), sha256)
        return key

    def index(self, value: str) -> bytes:
        return hmac.digest(self._index_key, value.encode(), sha256)

    def seal(self, value: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _KEY_ID + nonce + self._cipher.encrypt(nonce, value, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Raises VaultError."""
        if sealed[:1] != _KEY_ID:
            raise VaultError("sealed under an unknown key")
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, bound_to)
        except InvalidTag:
            raise VaultError("changed, moved to another row, or sealed under another key") from None
