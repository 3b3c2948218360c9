"""A migrated database needs this before the first visitor: static files, and the demo data or one person.

`python -m local.preparation FILE` writes the demo sign-ins into FILE; with `--empty`, the first
administrator's. One process for all of it, because each start of Django costs a second.
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
    if "--empty" in sys.argv:
        prepare_first_administrator(Path(sys.argv[1]))
        return
    call_command("load_demo")
    with Path(sys.argv[1]).open("w") as sign_ins:
        call_command("load_demo", print_accounts=True, stdout=sign_ins)


def prepare_first_administrator(sign_ins: Path) -> None:
    from directory.models import User
    from local.demo.accounts import password

    if not User.objects.exists():
        os.environ["DJANGO_SUPERUSER_PASSWORD"] = password()
        call_command("createsuperuser", interactive=False, email="admin@first.example", verbosity=0)
    first = User.objects.filter(is_superuser=True).order_by("pk")[0]
    sign_ins.write_text(f"{first.email}  {password()}, as long as nobody changed it\n")


if __name__ == "__main__":
    main()
