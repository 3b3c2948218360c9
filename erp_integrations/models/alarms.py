"""Work for a person, until it was mailed; and the sign of life of the workers."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from erp_integrations.models.connections import Connection
from erp_integrations.models.submissions import Submission


class AlarmQuerySet(models.QuerySet["Alarm"]):
    """Reading alarms."""

    def unsent(self) -> "AlarmQuerySet":
        """Raised, and not mailed yet."""
        return self.filter(told_at=None)


class Alarm(models.Model):
    """An export that waits for a person, or a connection that has stopped.

    Without a submission it is the connection's. Those of one connection are mailed together.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="alarms")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="alarms")
    sentence = models.TextField()
    tells_sender = models.BooleanField(default=False, db_default=False)
    raised_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["connection"], condition=Q(told_at=None), name="untold_alarms"),
            models.Index(fields=["connection", "told_at"], name="alarms_by_connection"),
        ]

    def __str__(self) -> str:
        return self.sentence


class Heartbeat(models.Model):
    """When something that must happen again and again last happened."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"
