"""The product's own settings, but for the floors beside its addresses."""

from config.settings import *  # noqa: F403  # all of them

ROOT_URLCONF = "tests.bench.urls"
