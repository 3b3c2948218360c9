"""Our templates without indentation and the lines that only hold tags: what they leave travels, blank."""

import re

from django.template import Origin
from django.template.loaders import filesystem

_TAGS = (  # which write nothing, or something that ends with a line break
    "if|elif|else|endif|for|empty|endfor|with|endwith|block|endblock|captured|endcaptured|load|extends|page|"
    "include|link|link_bar|post|fact|rows"
)
_LINE_OF_TAGS = re.compile(
    rf"^((?:(?:\{{% (?:(?:{_TAGS})\b|url .* as )[^%\n]*%\}}|\{{#[^\n]*?#\}})[ \t]*)+)\n", re.MULTILINE
)
_CONDITIONAL_LINE = re.compile(
    r"^(\{% if [^%\n]*%\})((?:(?!\{% (?:if|else|elif|endif)\b).)*)\{% endif %\}[ \t]*\n", re.MULTILINE
)


class Loader(filesystem.Loader):
    """All else that a template writes stays, to the space: only such lines end without a line break."""

    def get_contents(self, origin: Origin) -> str:
        source: str = super().get_contents(origin)
        if not str(origin.name).endswith(".html"):
            return source
        source = re.sub(r"^[ \t]+|[ \t]+$", "", source, flags=re.MULTILINE)
        return _LINE_OF_TAGS.sub(r"\1", _CONDITIONAL_LINE.sub(r"\1\2\n{% endif %}", source))
