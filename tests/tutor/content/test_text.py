import re
from contextlib import suppress
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.content.figures import FigureError, figure_render
from tutor.content.mathml import FormulaError, mathml_render
from tutor.content.text import assets_named, formulas_unrenderable, text_inline, text_render


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def tags_of(html):
    parser = _Tags()
    parser.feed(html)
    return parser.found


UUID = "6f2c3c0e-3f0b-4c66-9d3e-000000000000"


def test_markdown_and_maths_become_html_and_mathml():
    html = text_render("A **bold** $\\frac{3}{4}$.")
    assert "<strong>bold</strong>" in html
    assert "<math><mfrac><mn>3</mn><mn>4</mn></mfrac></math>" in html


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("It costs $5 or $6.", "It costs $5 or $6."),
        ("\\$5 and $x$", "$5 and <math><mi>x</mi></math>"),
        ("2$x$", "2<math><mi>x</mi></math>"),
    ],
)
def test_money_is_told_from_maths(source, shown):
    assert text_inline(source) == shown


def test_a_percent_sign_does_not_eat_the_rest_of_a_formula():
    assert "<mn>3</mn>" in text_render("$20% + 3$")


def test_names_of_characters_in_a_converted_formula_do_not_break_it():
    assert "<mi>10</mi>" in text_render("$\\operatorname{10}(3)$")


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "$\\href{javascript:alert(1)}{x}$",
        "$\\text{<script>alert(1)</script>}$",
        '```figure\nfraction-bar parts=2 shaded=1 label="</title><script>alert(1)</script>"\n```',
        "<svg onload=alert(1)>",
        "\ue0000\ue001",
        '![a](asset:x"onerror=alert)',
        "| a |\n|:-:|\n| <b onclick=x> |",
    ],
)
def test_no_author_can_write_markup(source):
    for tag, attributes in tags_of(text_render(source, course_uuid=UUID)):
        assert tag not in {"script", "b"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert "javascript:" not in "".join(attributes.values())


@given(st.text(max_size=200))
def test_any_text_renders_to_html_without_script_or_style(source):
    for tag, attributes in tags_of(text_render(source)):
        assert tag != "script"
        assert "style" not in attributes


def test_a_formula_that_fails_shows_its_source_and_is_listed():
    assert '<code class="math-source">\\foo{&lt;}</code>' in text_render("$\\foo{<}$")
    (problem,) = formulas_unrenderable("Fine $x$, not $\\foo$.")
    assert problem.startswith("\\foo:")
    assert "Unknown command" in problem


def test_displayed_formulas_stand_in_a_block():
    assert '<div class="math-block"><math display="block">' in text_render("$$x^2$$")


def test_styles_of_the_converter_become_classes():
    html = mathml_render("\\begin{aligned}a&=b\\end{aligned}")
    assert not any("style" in attributes for _, attributes in tags_of(html))
    assert 'class="math-right"' in html


def test_formulas_are_bounded_in_length():
    with pytest.raises(FormulaError, match="at most"):
        mathml_render("x+" * 2000)


def test_pictures_come_from_the_course():
    html = text_render('![a "dot"](asset:fig.1.gif)', course_uuid=UUID)
    assert f'src="/content/courses/{UUID}/assets/fig.1.gif"' in html
    assert 'alt="a &quot;dot&quot;"' in html


def test_pictures_from_elsewhere_show_their_words_only():
    html = text_render("![a dot](https://example.org/dot.gif)", course_uuid=UUID)
    assert "<img" not in html
    assert "a dot" in html


def test_assets_are_named():
    assert assets_named("![x](asset:a.gif) and `asset:b.gif` ![y](c.gif)") == {"a.gif"}


def test_headings_stand_below_those_of_the_page():
    assert text_render("# One").startswith("<h2>")


def test_columns_are_aligned_by_classes():
    assert '<td class="align-right">1</td>' in text_render("| a |\n|--:|\n| 1 |")


def test_inline_text_has_no_paragraph_but_two_keep_theirs():
    assert text_inline("one") == "one"
    assert text_inline("one\n\ntwo").count("<p>") == 2


@pytest.mark.parametrize(
    ("source", "shapes"),
    [
        ("fraction-bar parts=8 shaded=3 label=x", 8),
        ("fraction-circle parts=4 shaded=4 label=x", 4),
        ("fraction-circle parts=1 shaded=1 label=x", 1),
        ("number-line from=0 to=1 step=1/4 mark=3/4,1/2 label=x", 1 + 5 + 2 + 2),
        ("number-line from=-2 to=2 step=1 label=x", 1 + 5 + 5),
        ("area-grid rows=3 columns=4 shaded=5 label=x", 12),
        ("number-line from=0 to=4 set=[1,3] label=x", 1 + 5 + 5 + 1 + 2),
        ("coordinate-plane x=-2,2 y=-2,2 lines=1,0 points=1,1;2,0 names=A label=x", 12 + 1 + 3),
        ("balance left=2,1 right=0,7 label=x", 2 + 2 * (2 + 1 + 7) + 1),
        ('bar-model bars="2; 3" names="red; blue" each=4 label=x', 2 + 2 * 5),
    ],
)
def test_figures_are_drawn_with_a_text_alternative(source, shapes):
    root = ElementTree.fromstring(figure_render(source))
    assert root.get("role") == "img"
    assert root[0].tag == "title"
    assert root[0].text == "x"
    assert len(root) == 1 + shapes


def test_as_many_parts_are_shaded_as_asked():
    svg = figure_render("fraction-bar parts=8 shaded=3 label=x")
    assert svg.count("figure-fill") == 3


def test_a_mark_stands_where_it_belongs():
    svg = figure_render("number-line from=0 to=2 step=1/2 mark=3/2 label=x")
    (mark,) = [e for e in ElementTree.fromstring(svg) if e.get("class") == "figure-mark"]
    assert float(mark.get("cx", 0)) == pytest.approx(24 + 392 * 0.75, abs=0.01)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("pie parts=3 label=x", "no figure 'pie'"),
        ("fraction-bar parts=3 shaded=1", "no label"),
        ("fraction-bar parts=3 shaded=4 label=x", "shaded is 4"),
        ("fraction-bar parts=0 shaded=0 label=x", "parts is 0"),
        ("fraction-bar parts=3 label=x", "shaded is missing"),
        ("fraction-bar parts=3 parts=3 shaded=1 label=x", "twice"),
        ("fraction-bar parts=3 shaded=1 colour=red label=x", "no 'colour'"),
        ("fraction-bar what", "key=value"),
        ("number-line from=1 to=0 label=x", "expected more than from"),
        ("number-line from=0 to=1 step=1/1000 label=x", "at most"),
        ("number-line from=0 to=1 mark=2 label=x", "mark is 2"),
        ("number-line from=0 to=1/0 label=x", "to is 1/0"),
        ("", "does not begin"),
    ],
)
def test_figures_that_cannot_be_drawn_say_why(source, words):
    with pytest.raises(FigureError, match=words):
        figure_render(source)


@given(st.text(max_size=60))
def test_any_figure_is_drawn_or_refused(source):
    with suppress(FigureError):
        ElementTree.fromstring(figure_render("fraction-bar " + source))


def test_punctuation_after_a_formula_stays_on_its_line():
    html = text_render("Is it $x$? It is $y$, or ($z$).")
    assert html.count('<span class="nowrap"><math') == 3
    assert "</math>?</span>" in html
    assert "</math>).</span>" in html


def test_a_display_formula_is_not_held_to_one_line():
    assert "nowrap" not in text_render("See $$x + 1$$.")


@pytest.mark.parametrize("mark", ["\ue0000\ue001", "&#xE000;0&#xE001;", "&#57344;7&#57345;"])
@pytest.mark.parametrize("text", ["{}", "**{}**", "`{}`", "![{}](asset:x)", '[x](http://a.b "{}")'])
def test_no_author_writes_the_mark_of_a_place_by_hand(mark, text):
    html = text_render(f"$x$ {text.format(mark)}", course_uuid=UUID)
    assert html.count("<math") == 1
    assert all("<math" not in value for _, attrs in tags_of(html) for value in attrs.values())


def test_a_word_with_a_formula_at_its_head_stays_on_one_line():
    html = text_render("The $x$-axis. The $y$ - axis.")
    assert html.count('<span class="nowrap"><math') == 1
    assert "</math>-axis.</span>" in html


def test_a_number_stays_with_its_unit():
    html = text_render("A wall of 4 cm, 5 m long, 3 metres, 2 main doors, 40 km/h or 7 l’s.")
    assert re.findall(r"\d+&nbsp;[^ ,]+", html) == ["4&nbsp;cm", "5&nbsp;m", "40&nbsp;km/h"]


def test_a_table_has_a_place_to_scroll_in():
    html = text_render("| a | b |\n|---|---|\n| 1 | $x$ |")
    assert html.startswith('<div class="table-scroll"><table>')
    assert html.rstrip().endswith("</table></div>")
