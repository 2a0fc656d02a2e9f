"""Values as DynamoDB has them, and what they are found by. Pure, and without a library.

numbers       numbers of 38 digits, exact
image_json    image JSON: values and items as canonical text, and back
article_text  the same values as the article's Lambda wrote them
paths         paths into items: ``address.lines[0]``
keys          keys as people write them, and as the history has them
times         moments, zones and ranges
periods       equal stretches of time in which changes are counted
diff          what differs between two items, path by path
"""

from __future__ import annotations

from histlib.values.image_json import MISSING

__all__ = ["MISSING"]
