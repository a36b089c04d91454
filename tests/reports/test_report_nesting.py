"""The checker of nesting that every page written in these tests goes through finds what it should."""

import pytest

from .nesting import find_misnested


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<dl><div><dt>a</dt><dd>b</dd></div><p>c</p></dl>", "<p> in <dl>, line 1"),
        ("<dl><dd>b</dd></dl>", "<dd> in <dl>, line 1"),
        ("<dl><div><dt>a</dt><dd>b</dd><p>c</p></div></dl>", "<p> in <dl> <div>, line 1"),
        ("<p><a href='x'><span>b</span><ul></ul></a></p>", "<ul> in <p> <a>, line 1"),
        ("<ul>\n<p>a</p></ul>", "<p> in <ul>, line 2"),
        ("<ul>word<li>a</li></ul>", "text 'word' in <ul>, line 1"),
        ("<table><tr><th><h3>a</h3></th></tr></table>", "<h3> in <table> <tr> <th>, line 1"),
        ("<table><tbody><td>a</td></tbody></table>", "<td> in <table> <tbody>, line 1"),
        ("<a href='x'><button>b</button></a>", "<button> in <a>, line 1"),
        ("<details><p>a</p><summary>b</summary></details>", "<summary> in <details>, line 1"),
        ("<span><div>a</div></span>", "<div> in <span>, line 1"),
        ("<div><span>a</div></span>", "</div> in <div> <span>, line 1"),
        ("<section><p>a</section>", "</section> in <section> <p>, line 1"),
    ],
)
def test_what_stands_where_it_may_not_is_found(text, fault):
    assert find_misnested(text)[0] == fault


def test_what_is_right_is_left_alone():
    assert not find_misnested(
        "<!doctype html><html><head><title>a</title></head><body><details><summary><h2>a</h2></summary><dl><dt>a</dt>"
        "<dd><p>b</p></dd><div><dt>c</dt><dd>d</dd></div></dl></details><a href='x'><figure><img src='y'><figcaption>c"
        "</figcaption></figure></a><table><caption>a</caption><tbody><tr><td><ul><li>b</li></ul></td></tr></tbody>"
        "</table><svg><title>a</title><g><path/></g></svg></body></html>"
    )
