"""The compiled language of templates, for what a page has fifty of (docs/decisions/0040)."""

from typing import Any

from django.template.defaultfilters import truncatechars
from jinja2 import Environment

from commitments.templatetags.commitments import money
from directory.templatetags.parts import badge
from directory.templatetags.times import day


def build_environment(**options: Any) -> Environment:
    """With the words that our other templates have."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, **options)  # nosec B701  # Django escapes
    environment.filters |= {"day": day, "money": money, "truncatechars": truncatechars}
    environment.globals["badge"] = badge
    return environment
