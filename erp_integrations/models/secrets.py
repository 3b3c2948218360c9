"""Text that is encrypted at rest, with keys from the environment."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from directory.db import encryption


class EncryptedTextField(models.TextField[str, str]):
    """A text that the database sees only encrypted.

    Reading a value that no key of FIELD_ENCRYPTION_KEYS opens raises ImproperlyConfigured.
    It can't be searched or compared.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt; an empty text stays empty, so that "not set" can be seen."""
        return encryption.encrypt(str(value)) if value else ""

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> str:
        return encryption.decrypt(value) if value else ""


def list_secret_fields(model: type[models.Model], through: str = "") -> list[str]:
    """The names of a model's encrypted fields, behind a lookup that leads to it."""
    fields = model._meta.get_fields()
    return [f"{through}{field.name}" for field in fields if isinstance(field, EncryptedTextField)]
