"""Which elements of a page stand where HTML allows them: content models of the HTML standard, of what pages use."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr", "source", "col", "wbr"}
TRANSPARENT = {"a", "ins", "del"}
"""What these may hold, their parent decides."""

TEXTUAL = {
    "abbr",
    "b",
    "code",
    "em",
    "i",
    "kbd",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
    "var",
    "q",
    "cite",
    "mark",
    "output",
    "button",
    "label",
}
PHRASING = TEXTUAL | {"a", "br", "img", "input", "picture", "script", "select", "svg", "template", "wbr"}
HOLDS_PHRASING = TEXTUAL | {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "legend"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
INTERACTIVE = {"a", "button", "input", "select", "label", "details", "textarea"}
ANYWHERE = {"script", "template"}
ONLY = {
    "html": {"head", "body"},
    "head": {"meta", "link", "title", "style", "base"},
    "dl": {"dt", "dd", "div"},
    "ul": {"li"},
    "ol": {"li"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot", "tr"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tfoot": {"tr"},
    "tr": {"th", "td"},
    "select": {"option", "optgroup"},
    "picture": {"source", "img"},
    "title": set(),
    "option": set(),
}
"""Elements that hold these alone, and no text but for the last two."""

WITHIN = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "tr": {"table", "thead", "tbody", "tfoot"},
    "th": {"tr"},
    "td": {"tr"},
    "thead": {"table"},
    "tbody": {"table"},
    "caption": {"table"},
    "figcaption": {"figure"},
    "summary": {"details"},
    "option": {"select", "optgroup", "datalist"},
    "legend": {"fieldset"},
}
NEVER_WITHIN = {
    "dt": HEADINGS | {"section", "article", "header", "footer"},
    "th": HEADINGS | {"section", "article", "header", "footer"},
    "caption": {"table"},
    "a": INTERACTIVE,
    "button": INTERACTIVE,
    "label": {"label"},
    "form": {"form"},
    "header": {"header", "footer", "main"},
    "footer": {"header", "footer", "main"},
}
"""What an element has nowhere below it."""


class Nesting(HTMLParser):
    """``faults``: one text for each element or text that stands where it may not, is not ended, or ends another."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.begun: list[set[str]] = []  # which elements each open one has had
        self.faults: list[str] = []
        self.inside_svg = False
        self.feed(text)
        self.faults += [f"<{tag}> is not ended" for tag in self.open]

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if not self.inside_svg and self.open:
            self._check(tag)
        if self.begun:
            self.begun[-1].add(tag)
        if tag not in VOID:
            self.open.append(tag)
            self.begun.append(set())
            self.inside_svg = self.inside_svg or tag == "svg"

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        if not self.inside_svg:
            self.handle_starttag(tag, attributes)
            if tag not in VOID:
                self.faults.append(f"<{tag}/> ends nothing")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self._say(f"</{tag}>")
            return
        self.open.pop()
        self.begun.pop()
        self.inside_svg = "svg" in self.open

    def handle_data(self, data: str) -> None:
        if self.open and data.strip() and ONLY.get(self.open[-1]):
            self._say(f"text {data.strip()[:40]!r}")

    def _check(self, tag: str) -> None:
        parent = self.open[-1]
        model = next((one for one in reversed(self.open) if one not in TRANSPARENT), parent)
        allowed = ONLY.get(model)
        if parent == "div" and self.open[-2:-1] == ["dl"]:
            allowed = {"dt", "dd"}
        wrong = (
            (allowed is not None and tag not in allowed | (ANYWHERE if allowed else set()))
            or (model in HOLDS_PHRASING and tag not in PHRASING)
            or (model == "summary" and tag not in PHRASING | HEADINGS)
            or (tag in WITHIN and parent not in WITHIN[tag])
            or any(tag in NEVER_WITHIN.get(one, ()) for one in self.open)
            or (tag in ("dt", "dd") and parent == "div" and self.open[-2:-1] != ["dl"])
            or (tag == "dd" and not self.begun[-1] & {"dt", "dd"})
            or (tag == "summary" and bool(self.begun[-1]))
        )
        if wrong:
            self._say(f"<{tag}>")

    def _say(self, what: str) -> None:
        self.faults.append(f"{what} in {' '.join(f'<{tag}>' for tag in self.open[-4:])}, line {self.getpos()[0]}")


def find_misnested(text: str) -> list[str]:
    """Return what stands where HTML does not allow it."""
    return Nesting(text).faults
