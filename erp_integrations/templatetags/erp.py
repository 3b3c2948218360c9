"""What pages outside this tool show of it. The Commitments tool includes these tags and imports nothing."""

from collections.abc import Iterable

from django import template
from django.template import Context

from commitments.models import Commitment
from directory.models import Company
from erp_integrations.pages import commitment_accounting, timeline

register = template.Library()


@register.simple_tag(takes_context=True)
def accounting_of(context: Context, commitment: Commitment) -> commitment_accounting.CommitmentAccounting:
    """Where the commitment stands, and what stands in the way, as the signed-in person sees it."""
    return commitment_accounting.get_commitment_accounting(commitment, context["request"].user)


@register.simple_tag
def timeline_of(commitment: Commitment) -> list[timeline.TimelineEntry]:
    """What happened to it, in sentences, newest first."""
    return timeline.list_entries(commitment)


@register.simple_tag
def with_erp_counts(companies: Iterable[Company]) -> list[commitment_accounting.CompanyCounts]:
    """Companies with what waits in each."""
    return commitment_accounting.count_by_company(companies)
