"""Nights in which everything binds that is compared: the gate, the door, bounds, quotas, an outage of each kind."""

from dataclasses import replace

from scenarios.capacities import AllowanceSpan
from scenarios.faults import Fault
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import Setup
from tests.unit.simulated_nights import night_of, setup_of

FAULTS = (
    Fault("outage", "email", 30.0, 370.0),
    Fault("failing", "sms", 60.0, 300.0, factor=0.4),
    Fault("silent", "civil_registry", 100.0, 300.0, factor=0.5),
    Fault("throttled", "civil_registry", 250.0, 350.0, factor=0.4),
    Fault("stopped", "gatekeeper", 80.0, 100.0),
    Fault("stopped", "database", 250.0, 270.0),
    Fault("killed", "web", 260.0, 300.0),
    Fault("killed", "worker", 320.0, 340.0),
    Fault("stopped", "worker", 325.0, 335.0),
)


def troubled(people: int) -> Setup:
    """A night for so many people whose machines and partners are sized to be too small, and fail besides."""
    scale = people / 2000
    night = night_of(faults=FAULTS)
    lines = {name: replace(each, cuts_per_min=each.cuts_per_min + 2.0) for name, each in night.networks.items()}
    behaved = replace(night.population, under_age_share=0.02, wrong_digit_share=0.3, older=None)
    night = replace(night, networks=lines, population=behaved)
    partners = replace(
        night.partners[night.default_set],
        email=replace(night.partners[night.default_set].email, rate_per_s=8.0 * scale, loss=0.05),
        sms=replace(night.partners[night.default_set].sms, rate_per_s=9.0 * scale, loss=0.05),
        civil_registry=replace(
            night.partners[night.default_set].civil_registry,
            rate_per_s=12.0 * scale,
            allowance=(AllowanceSpan(0.0, 420.0, count=people // 5), AllowanceSpan(420.0, 1200.0, count=2 * people)),
        ),
    )
    # The oracle's gate keeps its rate: that the rate follows the stages is for tests/unit/test_simulation_pacing.py.
    resources = Resources(web=2, database=1, inspectors=1, gate_per_s=12.0 * scale, follows_stages=False)
    slow = 0.9 / scale
    costs = Costs(request_web_s=0.004 * slow, request_database_s=0.003 * slow, poll_web_s=0.0003 * slow)
    return setup_of(night, resources, costs)._replace(partners=partners)


def unprotected(people: int) -> Setup:
    """The same people and machines without any protection, while the database stands still and partners fail."""
    setup = troubled(people)
    faults = (
        Fault("stopped", "database", 60.0, 120.0),
        Fault("outage", "email", 100.0, 160.0),
        Fault("failing", "sms", 60.0, 200.0, factor=0.4),
        Fault("silent", "civil_registry", 100.0, 300.0, factor=0.3),
    )
    night = replace(setup.night, faults=faults)
    partners = replace(
        setup.partners, civil_registry=replace(setup.partners.civil_registry, rate_per_s=15.0, allowance=())
    )
    return setup._replace(night=night, partners=partners, resources=setup.resources.unprotected())


def impatient(people: int) -> Setup:
    """Machines and partners are plenty, the gate is slow: nobody stands in line for long, all come back soon, many of
    them with another browser, which has no ticket."""
    setup = setup_of(night_of(), Resources(gate_per_s=people / 160.0, follows_stages=False))
    return setup._replace(habits=setup.habits._replace(line_median_s=5.0, return_median_s=40.0, switch_share=0.3))
