"""Writes what is held about a person, as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from directory.management.commands.erase_person import people_called
from directory.privacy import personal_data


class Command(BaseCommand):
    help = "Write all that is held about a person to standard output, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="their e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        held = personal_data.held_about(person=people_called(options["person"]), by=None)
        self.stdout.write(json.dumps(held, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder))
