"""`python -m tests.bench.fill WORLD`: into the migrated database that DATABASE_URL names."""

import os
import sys

import django

if __name__ == "__main__":
    # Of each session; what a failure of the machine loses is filled anew.
    os.environ["PGOPTIONS"] = "-c synchronous_commit=off -c maintenance_work_mem=1GB"
    django.setup()
    from tests.bench.world import WORLDS, fill  # after Django's setup

    fill(WORLDS[sys.argv[1]])
