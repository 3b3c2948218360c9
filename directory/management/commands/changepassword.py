"""Django's command, which its person learns of: in the history and by mail, and their sessions end."""

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from directory import history
from directory.accounts import sessions
from directory.history.events import DirectoryEvent
from directory.models import User


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        # Not in one transaction: it waits for somebody to type, and would lose it meanwhile.
        result = super().handle(*args, **options)
        person = User.objects.get_by_natural_key(options["username"])
        with transaction.atomic():
            history.record(event=DirectoryEvent.ACCOUNT_PASSWORD_SET, subject=person, by=None, company=None)
            sessions.end_sessions(person=person, by=None)
        return result
