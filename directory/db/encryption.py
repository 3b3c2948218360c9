"""Texts that the database sees only encrypted, with keys of the environment.

The first of FIELD_ENCRYPTION_KEYS encrypts, every one of them decrypts, so that a new key is
put in front and the old one stays until everything is written again. Why:
docs/decisions/0009-secrets-are-encrypted-with-keys-of-the-environment.md.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@lru_cache(maxsize=4)
def _get_cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """The text under the first key."""
    return _get_cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """The text again. Raises ImproperlyConfigured when no key opens it."""
    try:
        return _get_cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(encrypted.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured("No key of FIELD_ENCRYPTION_KEYS opens a stored secret.") from error
