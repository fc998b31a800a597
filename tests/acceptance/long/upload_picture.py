"""What bad lines and an overload leave of photos, drawn: bytes sent for each that arrived, and who is through when."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib.figure import Figure

from tests.acceptance.long.upload_phones import Seen

LOOKS: dict[str, tuple[str, str, str]] = {
    "patient": ("our settings", "#1b6ca8", "-"),
    "tus_js": ("tus-js-client's", "#3d8b52", "-"),
    "uppy": ("Uppy's", "#8a6fb0", "--"),
    "one_shot": ("without resuming", "#b3402e", "-."),
}


def draw(bad: dict[str, Seen], crowded: dict[str, Seen], within: float, path: Path) -> None:
    """bad: the worst network; crowded: three times the load; within: seconds that people have.

    Of the crowd in bold those whose patience would have lasted.
    """
    mpl.rcParams.update({"svg.hashsalt": "networks", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    waste, through = figure.subplots(1, 2, width_ratios=(2, 3))
    for place, (name, seen) in enumerate(bad.items()):
        label, color, _ = LOOKS[name]
        ratios = sorted(one.sent / one.stored for one in seen.people if one.stored)
        shares = [100.0 * (rank + 1) / len(seen.people) for rank in range(len(ratios))]
        waste.step(ratios, shares, where="post", color=color, ls="-", label=label)
        waste.axvline(seen.sent_for_each, color=color, lw=0.8, ls=":")
        waste.annotate(
            f"{seen.sent_for_each:.2f} in all", (seen.sent_for_each, 8 + 10 * place), color=color, xytext=(3, 0),
            textcoords="offset points",
        )  # fmt: skip
    waste.set(xlabel="bytes sent for each of a photo", ylabel="% of the people", xscale="log", ylim=(0, 101))
    waste.set_title("Worst network, a cut a minute")
    waste.set_xticks((1, 2, 4, 8), ["1", "2", "4", "8"])
    waste.minorticks_off()
    for name, seen in crowded.items():
        label, color, style = LOOKS[name]
        for people, width in ((seen.people, 0.6), ([one for one in seen.people if not one.out_of_patience], 1.8)):
            took = sorted(one.took / 60.0 for one in people if one.took <= within)
            shares = [100.0 * (rank + 1) / len(seen.people) for rank in range(len(took))]
            look: dict[str, Any] = {"color": color, "ls": style, "lw": width}
            through.step(
                [0.0, *took, within / 60.0], [0.0, *shares, shares[-1] if shares else 0.0], where="post", **look
            )
        through.plot([], [], label=label, **look)
    through.set(xlabel="minutes after the first photo was begun", ylim=(0, 101))
    through.set_ylabel("% with both photos; bold: patience lasted")
    through.set_title("Three times the load, for three minutes")
    for axes in (waste, through):
        axes.grid(alpha=0.3)
    through.legend(loc="lower right", frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
