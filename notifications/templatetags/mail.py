"""Filters of the mail templates."""

from django import template

from notifications import text

register = template.Library()
register.filter("one_line", text.to_one_line)
register.filter("money", text.format_money)
register.filter("waiting", text.format_waiting_days)
register.filter("quoted", text.format_quote)
