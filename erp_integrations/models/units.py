"""The names of a project's units of measure in the ERP."""

from django.db import models
from django.db.models import Q

from erp_integrations.models.connections import Connection


class UnitLink(models.Model):
    """Which of Spectrum's units one of ours is. ``unit`` is in the form of ``get_comparable_unit``."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="unit_links")
    unit = models.CharField(max_length=10)
    erp_unit = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint("connection", "unit", name="a_unit_is_linked_once_on_a_connection"),
            models.CheckConstraint(condition=~Q(erp_unit=""), name="a_unit_link_names_a_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} is {self.erp_unit}"
