"""What every simulated night assumes, in sentences for its record; docs/simulation.md says more of each.

The catalogue reports/texts/recorded.id.toml has them in Indonesian.
"""

ASSUMPTIONS = (
    "a request has a core to itself until it is done, and one line serves all web processes",
    "a request comes to the database when its web work ends, in the order in which requests came to the web",
    "the rate of the gate follows the stages by figures of the same instant, told by every replica at whole seconds",
    "looks of people in line are reckoned in closed form",
    "budgets of codes count in windows that begin with their first request",
    "the tries of a failing call to a partner are reckoned at once",
    "nobody types a code wrong, no photo is refused, and all people go step by step as with JavaScript",
)
