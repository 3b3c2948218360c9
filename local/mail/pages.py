"""The pages of the mail catcher, as plain functions from mails to HTML."""

import re
from collections.abc import Sequence
from html import escape

from local.mail.inbox import Mail

ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")

HEAD = re.compile(r"\s*(?:<!doctype[^>]*>\s*)?(?:<html[^>]*>\s*)?(?:<head[^>]*>)?", re.IGNORECASE)


def inbox(mails: Sequence[Mail], *, total: int, older: str | None) -> str:
    """The list, newest first. `older` is the id that the next page starts below."""
    if not mails:
        return _page("Mail", '<p class="empty">No mail yet. Whatever Ledgergate sends appears here.</p>')
    rows = "".join(
        f"""<tr>
          <td data-label="To">{escape(", ".join(mail.to))}</td>
          <td data-label="Subject"><a href="/messages/{mail.id}">{escape(mail.subject)}</a></td>
          <td data-label="Received" class="time">{_time(mail)}</td>
        </tr>"""
        for mail in mails
    )
    more = f'<p><a href="/?before={older}">Older mails</a></p>' if older else ""
    return _page(
        "Mail",
        f"""<div class="bar">
          <p>{total} {"mail" if total == 1 else "mails"}, newest first</p>
          <form method="post" action="/clear"><button>Delete all</button></form>
        </div>
        <table>
          <thead>
            <tr><th scope="col">To</th><th scope="col">Subject</th><th scope="col">Received</th></tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>{more}""",
    )


def message(mail: Mail) -> str:
    html = ""
    if mail.html:
        html = f"""<section aria-labelledby="html"><h2 id="html">HTML part</h2>
          <iframe title="The mail as HTML" src="/messages/{mail.id}/html"
            sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe></section>"""
    text = ""
    if mail.text:
        text = f"""<section aria-labelledby="text"><h2 id="text">Text part</h2>
          <pre tabindex="0">{_linked(mail.text)}</pre></section>"""
    headers = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in mail.headers
    )
    return _page(
        mail.subject,
        f"""<p><a href="/">All mails</a></p>
        <dl>
          <dt>From</dt><dd>{escape(mail.sender)}</dd>
          <dt>To</dt><dd>{escape(", ".join(mail.to))}</dd>
          <dt>Received</dt><dd>{_time(mail)}</dd>
        </dl>
        {html}{text}
        <details><summary>Headers</summary><table class="headers"><tbody>{headers}</tbody></table></details>
        <p><a href="/messages/{mail.id}/source">Raw source</a></p>""",
    )


def html_part(mail: Mail) -> str:
    """The HTML as it was sent, but that its links open in a new window instead of inside the frame."""
    head = HEAD.match(mail.html)
    start = head.end() if head else 0
    return f'{mail.html[:start]}<base target="_blank">{mail.html[start:]}'


def not_found() -> str:
    return _page("Not found", '<p class="empty">There is no such mail. <a href="/">All mails</a></p>')


def _time(mail: Mail) -> str:
    return f'<time datetime="{mail.received.isoformat()}">{mail.received:%Y-%m-%d %H:%M:%S} UTC</time>'


def _linked(text: str) -> str:
    """The text with its web addresses as links."""
    pieces, end = [], 0
    for found in ADDRESS.finditer(text):
        address = escape(found.group())
        pieces += [escape(text[end : found.start()]), f'<a href="{address}" target="_blank">{address}</a>']
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{escape(title)} · Mail catcher</title>
  <link rel="stylesheet" href="/style.css">
</head>
<body>
  <header><a href="/">Mail catcher</a> <span>Nothing leaves this machine.</span></header>
  <main><h1>{escape(title)}</h1>{body}</main>
</body>
</html>
"""
