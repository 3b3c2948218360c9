"""Parts that many pages are made of, so that a page says what is in them and not how they are marked up."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.shortcuts import resolve_url
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader import render_to_string
from django.template.loader_tags import ExtendsNode
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify

register = template.Library()


class Page(ExtendsNode):
    """Extends a base, and says what stands in its head."""

    words: dict[str, FilterExpression]

    def render(self, context: Context) -> SafeString:
        own = {name: value.resolve(context) for name, value in self.words.items()}
        context["head"] = own | (context.get("head") or {})  # what a page says counts before its base's words
        rendered: SafeString = super().render(context)
        return rendered


@register.tag
def page(parser: Parser, token: Token) -> Page:
    """The first tag of a page, instead of extends."""
    _, base, *words = token.split_contents()
    node = Page(parser.parse(), parser.compile_filter(base))
    node.words = token_kwargs(words, parser)
    return node


class Figures(str):
    """The heading of a column of figures."""

    __slots__ = ()


@register.filter
def figures(heading: str) -> Figures:
    return Figures(heading)


@register.simple_tag
def link_bar(kind: str, label: str, links: Iterable[Any]) -> SafeString:
    """Of ``_link_bar.html``."""
    words = {"kind": kind, "label": label, "links": links}
    return SafeString(render_to_string("_link_bar.jinja", words, using="jinja2"))  # nosec B703  # escaped there


@register.simple_block_tag
def table(content: str, *headings: str, **options: str) -> SafeString:
    """Rows under their headings, of which a blank one is no column."""
    columns = [(heading, isinstance(heading, Figures)) for heading in headings if heading]
    return render_to_string("_table.html", {"rows": content, "columns": columns, **options})


@register.simple_block_tag
def card(content: str, title: str, name: str, **options: Any) -> SafeString:
    """A sheet of paper under a heading."""
    return render_to_string("_card.html", {"content": content, "title": title, "name": name, **options})


register.filter("as_json", json.dumps)


@register.filter
def hidden(heading: str) -> str:
    """Said by screen readers alone."""
    return heading and format_html('<span class="visually-hidden">{}</span>', heading)


@register.simple_tag
@lru_cache
def icon(name: str) -> SafeString:
    """A symbol of ``static/img/icons.svg``."""
    svg = '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>'
    return format_html(svg, static("img/icons.svg"), name)


@register.simple_tag
@lru_cache
def badge(label: str) -> SafeString:
    """One status in its words; their slug chooses tone and shape."""
    status = slugify(label)
    html = '<span class="badge" data-status="{}">{} {}</span>'
    return format_html(html, status, icon(f"status-{status}"), label)


@register.simple_block_tag
def captured(content: str) -> str:
    """Its content, to be named with ``as`` and shown in more than one place."""
    return content


@register.inclusion_tag("_fact.html")
def fact(label: str, value: Any, **options: Any) -> dict[str, Any]:
    """One entry of a list of facts."""
    return {"label": label, "value": value, **options}


@register.simple_tag
def crumb(label: str, to: Any, *arguments: Any) -> SafeString:
    """One step of the way to a page: an address by its name and arguments, or what has one of its own."""
    return format_html('<li><a href="{}">{}</a></li>', resolve_url(to, *arguments), label)


@register.simple_tag
def link(label: str, view: str, *arguments: Any, query: str = "", **options: Any) -> SafeString:
    """The way to another page, by its name and arguments. ``kind``: classes; ``icon``; ``key``;
    ``described_by``, ``number``: an id. A sentence goes on right behind it.
    """
    attributes = {"class": options.get("kind"), "data-key": options.get("key")}
    if described_by := options.get("described_by"):
        attributes["aria-describedby"] = f"{described_by}-{options.get('number', '')}"
    written = format_html_join("", ' {}="{}"', ((name, text) for name, text in attributes.items() if text))
    symbol = options.get("icon") and icon(options["icon"])
    space = " " if symbol else ""
    html = '<a{} href="{}{}">{}{}{}</a>'
    return format_html(html, written, reverse(view, args=arguments), query, symbol or "", space, label)


@register.inclusion_tag("_post.html")
def post(label: str, view: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    """A button that does something at an address, and asks for nothing more."""
    return {"label": label, "url": reverse(view, args=arguments), **options}


@register.simple_block_tag(takes_context=True)
def form(context: Context, content: str, label: str, to: str, *arguments: Any, **options: Any) -> SafeString:
    """Fields with their button under them: sent to an address, or by its name and arguments."""
    if options.get("back"):
        options["back_url"] = resolve_url(options["back_url"])
    token, url = context.get("csrf_token"), resolve_url(to, *arguments)
    return render_to_string(
        "_form.html", {"content": content, "label": label, "url": url, "csrf_token": token, **options}
    )
