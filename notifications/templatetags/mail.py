"""Filters of the mail templates."""

from django import template

from notifications import text

register = template.Library()
register.filter("one_line", text.one_line)
register.filter("money", text.money)
register.filter("waiting", text.waiting)
register.filter("quoted", text.quoted)
