"""All laws, by name."""

from __future__ import annotations

from typing import Final

from tests.laws import agreement, oracle, ranges, states
from tests.laws.smaller import Law

STATES: Final[tuple[Law, ...]] = (states.snapshots, states.diffs, states.blames, states.sinces, states.affecteds)
RANGES: Final[tuple[Law, ...]] = (
    ranges.silence_told, ranges.as_absent_keys, ranges.broken_chains_told, ranges.windows_listed,
)  # fmt: skip
AGREEMENT: Final[tuple[Law, ...]] = (
    agreement.counting_is_answering,
    agreement.a_difference_tells_of_both,
    agreement.keys_as_their_condition,
    agreement.a_wide_scope_knows_its_keys,
    agreement.a_second_ends_at_its_end,
    agreement.inside_windows,
    agreement.unseen_images,
    agreement.told_once,
)
TRUTH: Final[tuple[Law, ...]] = oracle.LAWS
#: The truth first: what is due is a matter of answers that are right.
ALL: Final[tuple[Law, ...]] = (*TRUTH, *STATES, *RANGES, *AGREEMENT)
