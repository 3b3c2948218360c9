"""A migrated database needs this before the first visitor: static files and the demo data.

`python -m local.preparation FILE` writes the demo sign-ins into FILE. One process for all of it,
because each start of Django costs a second.
"""

import os
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("load_demo")
    with Path(sys.argv[1]).open("w") as sign_ins:
        call_command("load_demo", print_accounts=True, stdout=sign_ins)


if __name__ == "__main__":
    main()
