"""The state that workers write of a connection: who has it, what ails it, and when it was looked at."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Now, NullIf

from directory.db.leases import LeasedQuerySet
from erp_integrations.models.connections import Connection


class LocalTime(Func):
    """The time of day in a zone, at this moment of the database's clock."""

    template = "(STATEMENT_TIMESTAMP() AT TIME ZONE %(expressions)s)::time"
    output_field = models.TimeField()


class ConnectionStateQuerySet(LeasedQuerySet["ConnectionState"]):
    """Reading what state connections are in; time is always the database's."""

    fencing_token = "lease_attempt"

    def unleased(self) -> "ConnectionStateQuerySet":
        """Those that no worker holds at this moment."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lt=Now()))

    def available(self) -> "ConnectionStateQuerySet":
        """Those that may export: neither waiting out a fault, nor paused, nor closed at this hour."""
        local = LocalTime(Coalesce(NullIf("connection__closed_time_zone", Value("")), Value("UTC")))
        begun, unended = Q(connection__closed_from__lte=local), Q(connection__closed_until__gt=local)
        over_midnight = Q(connection__closed_from__gt=F("connection__closed_until"))
        is_open = Q(connection__closed_from=None) | ~((begun & unended) | (over_midnight & (begun | unended)))
        is_due = Q(not_before=None) | Q(not_before__lte=Now())
        return self.filter(is_due, is_open, awaits_probe=False, connection__paused_at=None)

    def due_for_probe(self) -> "ConnectionStateQuerySet":
        """Those that stopped until a probe succeeds, and are to be probed now."""
        return self.filter(awaits_probe=True, not_before__lte=Now())


class ConnectionState(models.Model):
    """The state of one connection, apart from the row that people change: a call waits for no form.

    The lease makes one writer per Spectrum company, on however many machines. It is renewed in this row
    alone; all else is changed under the lock of the connection (docs/architecture.md, sections 4.2 and 6.1).
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="state"
    )
    lease_holder = models.CharField(max_length=64, blank=True, default="", db_default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_attempt = models.PositiveBigIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=1000, blank=True, default="", db_default="")
    awaits_probe = models.BooleanField(
        default=False, db_default=False, help_text="Stopped: nothing is sent before a probe has succeeded."
    )
    can_adopt = models.BooleanField(
        default=False, db_default=False, help_text="A person may say yes to the site's present descriptions."
    )
    failed_probes = models.PositiveIntegerField(default=0, db_default=0, help_text="In a row.")
    descriptions_checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the site's descriptions were last seen to be the kept ones."
    )

    objects = ConnectionStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lease_holder="", lease_until=None) | (~Q(lease_holder="") & ~Q(lease_until=None)),
                name="a_lease_has_a_holder_and_an_end",
            ),
            models.CheckConstraint(
                condition=Q(awaits_probe=False) | Q(not_before__isnull=False),
                name="a_stopped_connection_is_probed_again",
            ),
        ]

    def __str__(self) -> str:
        return f"State of {self.connection}"
