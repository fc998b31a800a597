'''The applicant's pages below /daftar/: forms rendered on the server, in Indonesian and, below /daftar/en/, in English.

One page is one module with one `PAGE` (line.py and code.py are good to read first), entered in the table of site.py:

    class Typed(msgspec.Struct): ...        # better: the body type and checks of the API's own operation

    async def show(visit: Visit) -> View | Go:
        """GET, and again after a refused form. Raises what actions raise; NotSignedIn leads to /daftar/masuk."""
        me = await standing.read_me(visit.ports, visit.session)
        return View("identity.html", {"me": me}, refresh_s=None)

    async def save(visit: Visit, given: IdentityData) -> Go:
        await actions.put_identity(visit.ports, visit.session, given.nik, ...)
        return Go("status")                 # 303, in the language of the visit

    PAGE = Page(slug="identitas", show=show, forms={"identity": Form(act=save, body=IdentityData, checks=CHECKS)})

Checks that depend on the policy: make the page by a function `page(ports) -> Page`; site.py calls it.

- **A refused form** needs no code: whatever `act` or decoding raises, the endpoint calls `show` again and renders it
  with the status and Retry-After of the API, the summary on top, each fault beside its field, and everything typed
  still there. `Form.blames` says beside which field a refusal like CodeRefused stands, `Form.also` finds faults between
  fields.
- **Doing something once**: actions that take a `Once` are called through `await visit.once(AnswerType, lambda once:
  actions.do(visit.ports, once, ...), asked)`; the key is the hidden field `once` that the macro `form` writes.
- **Memory** (memory.py): change `visit.memory` and the answer's cookie carries it. `visit.session` is the session for
  actions.
- **A body of its own** (the photo): `Page(post=handler)`; the handler reads `visit.receive` by itself, has
  `visit.headers`, and returns a Go. It sets `visit.typed` (at least `once`, for `visit.once`) when it has read it, and
  `visit.closes` while some of it may still be on its way.
- **Templates** extend layout.html, fill the blocks `title` and `main`, and import what they need
  `{% from "macros.html" import form, field, choices, select with context %}`. `value=` of a field is what is saved;
  what was typed goes before it. Names of fields are unique on a page. Everywhere: `url("slug")`, `language`,
  `mistakes` and the filters number, clock, moment (times in WIB), duration (seconds).
- **Texts** are Indonesian in place: `{{ _("...") }}` and `{% trans %}` in templates, `visit.language.text(N_("..."))`
  in Python. "%" is written "%%" in templates.
- `refresh_s` makes the page ask for itself again: by meta refresh without script, in place with it. What changes while
  waiting stands in an element with `data-say`, so that it is also told.
'''
