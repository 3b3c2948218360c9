"""This tool's part in other pages. The Commitments tool includes these tags and imports nothing."""

from django import template
from django.template import Context

from commitments.models import Commitment
from erp_integrations.pages import commitment_accounting, timeline

register = template.Library()


@register.simple_tag(takes_context=True)
def accounting_of(context: Context, commitment: Commitment) -> commitment_accounting.CommitmentAccounting:
    """Where the commitment stands, and what stands in the way, as the signed-in person sees it."""
    return commitment_accounting.get_commitment_accounting(commitment, context["request"].user)


register.simple_tag(timeline.list_entries, name="timeline_of")
register.simple_tag(commitment_accounting.count_by_company, name="with_erp_counts")
