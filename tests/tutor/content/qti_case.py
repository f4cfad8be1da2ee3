"""QTI 1.2 written as Canvas writes it, for tests."""

from html import escape


def texts(content: str, *, kind: str = "text/html") -> str:
    return f'<material><mattext texttype="{kind}">{escape(content)}</mattext></material>'


def labels(*pairs: tuple[str, str]) -> str:
    return "".join(
        f'<response_label ident="{ident}">{texts(text, kind="text/plain")}</response_label>'
        for ident, text in pairs
    )


def lid(ident: str, *pairs: tuple[str, str], many: bool = False, name: str = "") -> str:
    number = "Multiple" if many else "Single"
    own = texts(name, kind="text/plain") if name else ""
    return (
        f'<response_lid ident="{ident}" rcardinality="{number}">{own}'
        f"<render_choice>{labels(*pairs)}</render_choice></response_lid>"
    )


FIELD = (
    '<response_str ident="r"><render_fib><response_label ident="a"/></render_fib></response_str>'
)


def equal(value: str, *, to: str = "r") -> str:
    return f'<varequal respident="{to}">{escape(value)}</varequal>'


def condition(inner: str, *, score: str = "", shows: str = "") -> str:
    earned = f'<setvar action="Set" varname="SCORE">{score}</setvar>' if score else ""
    shown = f'<displayfeedback feedbacktype="Response" linkrefid="{shows}"/>' if shows else ""
    return f"<respcondition><conditionvar>{inner}</conditionvar>{earned}{shown}</respcondition>"


def item(
    kind: str,
    text: str,
    responses: str,
    conditions: str,
    *,
    ident: str = "i1",
    more: str = "",
    title: str = "Question",
) -> str:
    meta = (
        "<itemmetadata><qtimetadata><qtimetadatafield><fieldlabel>question_type</fieldlabel>"
        f"<fieldentry>{kind}</fieldentry></qtimetadatafield></qtimetadata></itemmetadata>"
    )
    return (
        f'<item ident="{ident}" title="{escape(title)}">{meta if kind else ""}<presentation>'
        f"{texts(text)}{responses}</presentation><resprocessing>{conditions}</resprocessing>"
        f"{more}</item>"
    )


def feedback(ident: str, text: str) -> str:
    return f'<itemfeedback ident="{ident}"><flow_mat>{texts(text)}</flow_mat></itemfeedback>'


def quiz(*items: str, ident: str = "a1", title: str = "Quiz 1", tag: str = "assessment") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<questestinterop xmlns="http://www.imsglobal.org/xsd/ims_qtiasiv1p2">'
        f'<{tag} ident="{ident}" title="{title}"><section ident="root_section">{"".join(items)}'
        f"</section></{tag}></questestinterop>"
    ).encode()


def manifest(*resources: tuple[str, str, str], title: str = "") -> bytes:
    listed = "".join(
        f'<resource identifier="{ident}" type="{kind}"><file href="{href}"/></resource>'
        for ident, kind, href in resources
    )
    about = f"<metadata><lom><title><string>{title}</string></title></lom></metadata>"
    return (
        '<manifest xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1">'
        f"{about if title else ''}<resources>{listed}</resources></manifest>"
    ).encode()


TRUE_FALSE = lid("r", ("t", "True"), ("f", "False"))
