"""`python -m tests.bench.fill WORLD`: into the migrated database that DATABASE_URL names."""

import sys

import django

if __name__ == "__main__":
    django.setup()
    from tests.bench.world import WORLDS, fill  # after Django's setup

    fill(WORLDS[sys.argv[1]])
