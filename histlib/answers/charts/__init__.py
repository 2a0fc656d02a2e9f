"""Charts for the notebook, drawn with Altair, without the internet.

drawing   what they share: the renderer, the axis of time, limits, texts
item      what happened to one item: its timeline, the values of one path
bars      bars of time
affected  who was hit, and how it ended
counts    how many items were so at each time
activity  how many changes of what kind in each period

Times are those of the history's zone, whatever the browser's. A chart holds a few thousand marks at the most, and says
below its title what it leaves out and which caveats the answer has.
"""

from __future__ import annotations

from histlib.answers.charts.activity import activity_chart
from histlib.answers.charts.affected import affected_chart, how_it_ended
from histlib.answers.charts.counts import affected_count_chart
from histlib.answers.charts.drawing import enable
from histlib.answers.charts.item import timeline_chart, value_chart

__all__ = [
    "activity_chart",
    "affected_chart",
    "affected_count_chart",
    "enable",
    "how_it_ended",
    "timeline_chart",
    "value_chart",
]
