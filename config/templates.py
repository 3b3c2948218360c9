"""Our templates without the lines that only hold tags: what they leave behind is blank, and travels."""

import re

from django.template import Origin
from django.template.loaders import filesystem

_TAGS = (  # which write nothing, or something that ends with a line break
    "if|elif|else|endif|for|empty|endfor|with|endwith|block|endblock|captured|endcaptured|load|extends|page|"
    "include|link|post|fact"
)
_LINE_OF_TAGS = re.compile(
    rf"^[ \t]*((?:(?:\{{% (?:(?:{_TAGS})\b|url .* as )[^%\n]*%\}}|\{{#[^\n]*?#\}})[ \t]*)+)\n", re.MULTILINE
)
_CONDITIONAL_LINE = re.compile(
    r"^([ \t]*)(\{% if [^%\n]*%\})((?:(?!\{% (?:if|else|elif|endif)\b).)*)\{% endif %\}[ \t]*\n", re.MULTILINE
)


class Loader(filesystem.Loader):
    """Everything that a template writes stays, to the space: only such lines end without a line break."""

    def get_contents(self, origin: Origin) -> str:
        source: str = super().get_contents(origin)
        if not str(origin.name).endswith(".html"):
            return source
        return _LINE_OF_TAGS.sub(r"\1", _CONDITIONAL_LINE.sub(r"\2\1\3\n{% endif %}", source))
