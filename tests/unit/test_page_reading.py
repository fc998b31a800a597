"""What a browser without JavaScript takes from a page, and where its way leads; pages of somebody else are refused."""

import pytest

from loadtests.pages.html import Form, links_of, loaded_with, read_page
from loadtests.pages.way import PHOTO_ROUTE, ROUTES, PageChanged, place_of, route_of
from scenarios.journey_state import Action

PAGE = b"""<!doctype html><html><head>
<link rel="alternate" hreflang="en" href="/daftar/en/akun"><link rel="icon" href="/daftar/static/icon.svg">
<link rel="stylesheet" href="/daftar/static/pages.css"><script type="module" src="/daftar/static/pages.js"></script>
</head><body><form action="/elsewhere"><input name="search"></form>
<main id="main" data-refresh="12" data-problem="code-refused expired">
<p class="notice good">done</p><div class="notice bad" data-say><p class="notice">plain</p></div>
<form method="post" novalidate><input type="hidden" name="form" value="account">
<input type="hidden" name="once" value="a&amp;b"><input id="name" name="name" type="text" value="Siti">
<label><input type="radio" name="code_by" value="sms" checked></label><label><input type="radio" name="code_by"></label>
<select id="regency" name="regency"><option value="">x</option><option value="1101">y</option></select>
<textarea id="address" name="address" rows="3">
here</textarea><button>go</button></form>
<form method="post" enctype="multipart/form-data"><input id="photo" name="photo" type="file"></form>
<ul><li><a href="/daftar/identitas">NIK</a> <span class="tag fix">no</span></li></ul>
<a href="#main">skip</a><a href="/daftar/">home</a><a href="/daftar/">again</a></main></body></html>"""


def test_forms_marks_and_links_are_read():
    page = read_page("/daftar/akun", PAGE)
    assert page is not None
    assert page.forms == {
        "account": Form(
            {"form": "account", "once": "a&b"}, frozenset({"name", "code_by", "regency", "address"}), False
        ),
        "photo": Form({}, frozenset({"photo"}), True),
    }
    assert (page.refresh_s, page.problem, page.reason) == (12.0, "code-refused", "expired")
    assert page.notices == {("p", "good"), ("div", "bad"), ("p", "")}
    assert page.tasks == {"/daftar/identitas": "fix"}
    assert links_of(PAGE) == ["/daftar/identitas", "/daftar/"]
    plain = ["/daftar/static/icon.svg", "/daftar/static/pages.css"]
    assert loaded_with(PAGE) == plain
    assert loaded_with(PAGE, scripts=True) == [*plain, "/daftar/static/pages.js"]


@pytest.mark.parametrize("body", [b"", b"{}", b"<html><body>welcome to nginx</body></html>", b"<main id='main'>"])
def test_what_is_none_of_our_pages_is_told_apart(body):
    assert read_page("/daftar/", body) is None


@pytest.mark.parametrize("path", ["/elsewhere", "/daftar/hadiah", "/me", ""])
def test_a_way_out_of_the_pages_is_refused(path):
    with pytest.raises(PageChanged, match=path or "no page"):
        route_of("GET", path)


def test_every_action_has_its_place_and_its_route():
    """Those of the machine that are a request; the upload client's own steps do not exist in a form."""
    without = {Action.WAIT_CODE, Action.LEAVE, Action.PHOTO_SEND, Action.PHOTO_HEAD}
    places = {
        action: place_of(action, signed_in=signed_in, photo=1, answers=17)
        for action in Action
        for signed_in in (False, True)
        if action not in without
    }
    assert {route_of("GET", place.path) for place in places.values()} < set(ROUTES)
    assert places[Action.ANSWER] == ("/daftar/tes/18", "answer")
    assert places[Action.PHOTO_CREATE] == ("/daftar/foto/swafoto", "photo")
    assert places[Action.CODE] == ("/daftar/telepon", "send")
    assert route_of("POST", places[Action.PHOTO_CREATE].path) == PHOTO_ROUTE
    assert route_of("GET", "/daftar/static/pages-1a2b.css") == "pages-asset"
