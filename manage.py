#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from directory.operators import with_command_line_operator

    with with_command_line_operator():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
