"""Authors' Markdown to safe HTML: maths as MathML, figures as SVG, pictures by asset name.

The author's part is sanitised by nh3 with a list that knows neither MathML nor SVG. Formulas and
figures, which this room makes itself, stand as private-use characters in the text until then and
are put in place afterwards, so that no author can write such markup by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote
from uuid import UUID

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin

from tutor.content.figures import FigureError, figure_render
from tutor.content.mathml import FormulaError, mathml_render

MATHS = frozenset({"math_inline", "math_inline_double", "math_block"})
ASSET_SCHEME = "asset:"
_OPEN, _CLOSE = "\ue000", "\ue001"
_PRIVATE = re.compile("[\ue000\ue001]")
_PLACE = re.compile("\ue000(\\d+)\ue001")
# A formula and what must not go to the next line alone: its punctuation, the `-axis` of `$x$-axis`.
_PLACE_AND_TAIL = re.compile(_PLACE.pattern + r"((?:-\w+)?[.,;:!?)’”]*)")
# A number stays on one line with its unit.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:mm|cm|dm|m|km|mg|g|kg|ml|cl|l|h|min|s|°C)(?![\w’']))")
_NO_BREAK_SPACE = "\u00a0"
_ONE_PARAGRAPH = re.compile(r"\A<p>(.*)</p>\s*\Z", re.DOTALL)
_ALIGN = {"text-align:left": "left", "text-align:right": "right", "text-align:center": "center"}

_TAGS_NAMES = (
    "p br em strong s code pre ul ol li blockquote h2 h3 h4 h5 h6 hr table thead tbody "
    "tr th td a img div span"
)
_TAGS = set(_TAGS_NAMES.split())
_CLASSES = {
    "div": {"figure-block", "math-block", "table-scroll"},
    "span": {"asset-missing"},
    "code": {"math-source", "figure-source"},
    "th": {"align-left", "align-right", "align-center"},
    "td": {"align-left", "align-right", "align-center"},
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


@lru_cache(maxsize=8192)
def text_render(source: str, *, course_uuid: UUID | str | None = None) -> SafeString:
    """Render a text of a bundle to HTML that is safe to show.

    Without `course_uuid` a picture shows its text alternative. A formula or figure that cannot be
    rendered shows its source in `<code class="math-source">` or `<code class="figure-source">`.
    """
    made: list[str] = []
    env: dict[str, Any] = {"made": made, "course_uuid": course_uuid}
    tokens = _markdown.parse(source, env)
    _prepare(tokens)
    html = nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, env),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    # Safe: sanitised above, and `made` holds only what mathml and figures let through.
    return mark_safe(_PLACE_AND_TAIL.sub(lambda found: _placed(made, found), html))  # noqa: S308


def _placed(made: Sequence[str], found: re.Match[str]) -> str:
    markup, tail = made[int(found[1])], found[2]
    if tail and markup.startswith("<math") and 'display="block"' not in markup:
        return f'<span class="nowrap">{markup}{tail}</span>'
    return markup + tail


@lru_cache(maxsize=8192)
def text_inline(source: str, *, course_uuid: UUID | str | None = None) -> SafeString:
    """Render like `text_render`, without the paragraph around a single one."""
    html = text_render(source, course_uuid=course_uuid).strip()
    found = _ONE_PARAGRAPH.match(html)
    # Safe: a piece of what text_render made.
    return mark_safe(found[1] if found and "<p>" not in found[1] else html)  # noqa: S308


def formulas_unrenderable(source: str) -> list[str]:
    """List formulas and figures that would show their source, each with the reason."""
    problems: list[str] = []
    for token in _all_tokens(_markdown.parse(source, {})):
        try:
            if token.type in MATHS:
                mathml_render(token.content)
            elif _is_figure(token):
                figure_render(token.content)
        except (FormulaError, FigureError) as error:
            problems.append(f"{token.content.strip()}: {error}")
    return problems


def assets_named(source: str) -> set[str]:
    """Name the assets that a text shows."""
    if ASSET_SCHEME not in source:
        return set()
    return {
        src.removeprefix(ASSET_SCHEME)
        for token in _all_tokens(_markdown.parse(source, {}))
        if token.type == "image" and (src := str(token.attrGet("src"))).startswith(ASSET_SCHEME)
    }


def _all_tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all_tokens(token.children or ())


def _is_figure(token: Token) -> bool:
    return token.type == "fence" and token.info.strip() == "figure"


def _prepare(tokens: Sequence[Token]) -> None:
    """Take out what would pass for a place; move headings down, and alignment to classes."""
    for token in _all_tokens(tokens):
        _places_remove(token)
        if token.type == "text":
            token.content = _BEFORE_UNIT.sub(_NO_BREAK_SPACE, token.content)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        style = str(token.attrs.pop("style", ""))
        if style in _ALIGN:
            token.attrSet("class", f"align-{_ALIGN[style]}")


def _places_remove(token: Token) -> None:
    # Here, not in the source: there a reference such as `&#xE000;` is not yet the character.
    token.content = _PRIVATE.sub("", token.content)
    for name, value in token.attrs.items():
        if isinstance(value, str):
            token.attrs[name] = _PRIVATE.sub("", value)


def _keep(env: EnvType, markup: str) -> str:
    env["made"].append(markup)
    return f"{_OPEN}{len(env['made']) - 1}{_CLOSE}"


def _math(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    del renderer, options
    token = tokens[at]
    is_display = token.type != "math_inline"
    place = _drawn(token, env, "math", lambda source: mathml_render(source, is_display=is_display))
    return f'<div class="math-block">{place}</div>\n' if token.type == "math_block" else place


def _drawn(token: Token, env: EnvType, kind: str, draw: Callable[[str], str]) -> str:
    """Draw a formula or figure; what cannot be drawn shows its source."""
    try:
        return _keep(env, draw(token.content))
    except (FormulaError, FigureError):
        return f'<code class="{kind}-source">{escape(token.content.strip())}</code>'


def _image(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    del renderer, options
    token = tokens[at]
    source = str(token.attrGet("src") or "")
    alt = escape(token.content)
    if not source.startswith(ASSET_SCHEME) or env["course_uuid"] is None:
        return f'<span class="asset-missing">{alt}</span>'
    key = quote(source.removeprefix(ASSET_SCHEME), safe="%")
    return f'<img src="/content/courses/{env["course_uuid"]}/assets/{key}" alt="{alt}">'


def _fence(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    del renderer, options
    token = tokens[at]
    if not _is_figure(token):
        return f"<pre><code>{escape(token.content)}</code></pre>\n"
    place = _drawn(token, env, "figure", figure_render)
    return f'<div class="figure-block">{place}</div>\n'


def _table_open(*_: object) -> str:
    return '<div class="table-scroll"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


def _markdown_make() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")
    markdown.use(dollarmath_plugin, allow_space=False, double_inline=True)
    for name in MATHS:
        markdown.add_render_rule(name, _math)
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("fence", _fence)
    # A table that is wider than the screen of a phone scrolls alone, not with the page.
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    return markdown


_markdown = _markdown_make()
