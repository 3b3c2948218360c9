"""Django's command, with a row of history: whoever may do everything does not appear from nowhere."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from directory import history
from directory.history.events import DirectoryEvent
from directory.models import User


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # Not in one transaction: it waits for somebody to type, and would lose it meanwhile.
        known = set(User.objects.values_list("pk", flat=True))
        super().handle(*args, **options)
        for person in User.objects.filter(is_superuser=True).exclude(pk__in=known):
            history.record(
                event=DirectoryEvent.ACCOUNT_CREATED,
                subject=person,
                by=None,
                company=None,
                detail={"fields": ["email", "is_staff", "is_superuser"], "active": True},
            )
