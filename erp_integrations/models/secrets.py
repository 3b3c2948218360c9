"""Text that is encrypted at rest, with keys from the environment."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class EncryptedTextField(models.TextField[str, str]):
    """A text that the database sees only encrypted.

    The first of FIELD_ENCRYPTION_KEYS encrypts, every one of them decrypts, so that a new
    key is put in front and the old one stays until all rows are written again. Reading a
    value that no key opens raises ImproperlyConfigured. It can't be searched or compared.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt; an empty text stays empty, so that "not set" can be seen."""
        if not value:
            return ""
        return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(str(value).encode()).decode()

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> str:
        """Decrypt."""
        if not value:
            return ""
        try:
            return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured("No key of FIELD_ENCRYPTION_KEYS opens a stored secret.") from error


def secret_fields(model: type[models.Model], through: str = "") -> list[str]:
    """The names of a model's encrypted fields, behind a lookup such as ``connection__``."""
    fields = model._meta.get_fields()
    return [f"{through}{field.name}" for field in fields if isinstance(field, EncryptedTextField)]
