"""From what kind of device a request came: as roughly as a draw can be tested for not depending on it."""

_SIGNS = (
    ("android", "android"),
    ("iphone", "ios"),
    ("ipad", "ios"),
    ("windows", "desktop"),
    ("macintosh", "desktop"),
    ("x11", "desktop"),
)
UNKNOWN = "other"


def device_of(user_agent: str) -> str:
    """android, ios, desktop or other; never more than that of what the header says."""
    said = user_agent.lower()
    return next((device for sign, device in _SIGNS if sign in said), UNKNOWN)
