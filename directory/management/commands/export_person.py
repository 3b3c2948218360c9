"""Writes what is held about a person, as JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from directory.management.commands.erase_person import get_person_by_address
from directory.privacy import personal_data


class Command(BaseCommand):
    help = "Write all that is held about a person to standard output, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", help="their e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        data = personal_data.export_personal_data(person=get_person_by_address(options["person"]), by=None)
        self.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder))
