"""Erases a person: a pseudonym is left, and their number, so that no history breaks."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from directory.models import User
from directory.privacy import personal_data
from directory.rights.memberships import DirectoryError


class Command(BaseCommand):
    help = "Erase a person's data for good. Rights end, mails to them and sign-in records are removed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="their e-mail address")
        parser.add_argument("--reason", required=True, help="kept in the history, without their name")

    def handle(self, *args: Any, **options: Any) -> None:
        person = get_person_by_address(options["person"])
        try:
            personal_data.delete_personal_data(person=person, by=None, reason=options["reason"])
        except (DirectoryError, PermissionDenied) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Person {person.pk} is erased and called {person.email} now.")


def get_person_by_address(address: str) -> User:
    """The person with this address. Raises CommandError."""
    try:
        return User.objects.get_by_natural_key(address)
    except User.DoesNotExist:
        raise CommandError(f"No account has the address {address}.") from None
