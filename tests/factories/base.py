"""Shared by all factories: to the type checker, calling one gives the model that it makes."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from factory.django import DjangoModelFactory

M = TypeVar("M", bound=models.Model)


class ModelFactory(DjangoModelFactory[M]):
    """A factory of stored rows."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        # factory_boy's metaclass does this without saying so.
        def __new__(cls, *args: Any, **kwargs: Any) -> M:  # type: ignore[misc]
            ...
