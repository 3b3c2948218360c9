"""Writes what is held about a person, as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from directory import personal_data
from directory.management.commands.erase_person import people_called
from directory.services import DirectoryError


class Command(BaseCommand):
    help = "Write all that is held about a person to standard output, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="their e-mail address")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the superuser who asks")

    def handle(self, *args: Any, **options: Any) -> None:
        person, by = (people_called(options[name]) for name in ("person", "by"))
        try:
            held = personal_data.held_about(person=person, by=by)
        except DirectoryError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(json.dumps(held, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder))
