"""Every question in random worlds, held to the laws of doubt. A failure names the seed: ``python -m tests.laws SEED``
``tests/`` shows each fault in a world as small as it gets."""

from __future__ import annotations

from tests.laws import agreement, oracle, ranges, states
from tests.laws.answers import Asked
from tests.laws.smaller import Law
from tests.laws.undue import Tally, undue


def broken(block: list[Asked], *laws: Law) -> list[str]:
    """The faults of a block's worlds, the first of each kind."""
    found = {}
    for one in block:
        for law in laws:
            for fault in law(one):
                found.setdefault(fault.kind, f"seed {one.seed}: {fault}")
    return list(found.values())


# --- law 1: no less than its parts ---


def test_a_snapshot_tells_what_each_state_tells(block):
    """Of each key, present, absent or never seen: on its row, or on the frame."""
    assert broken(block, states.snapshots) == []


def test_a_difference_tells_what_each_state_tells(block):
    """At either time, of each key in the scope."""
    assert broken(block, states.diffs) == []


def test_who_was_hit_tells_what_each_state_tells(block):
    """At each whole second of the range: on the row that tells of it, or, where it may have been so, on the frame."""
    assert broken(block, states.affecteds) == []


def test_blame_tells_what_the_state_tells(block):
    """Whose values it tells the origin of."""
    assert broken(block, states.blames) == []


def test_since_tells_what_states_tell_all_the_way(block):
    """At the time asked for, and since the value began; of one never held, since the history began."""
    assert broken(block, states.sinces) == []


def test_answers_about_changes_tell_of_the_silence_in_their_range(block):
    """By first principles: holes, what is not covered or not settled, windows of exports; with rows and without."""
    assert broken(block, ranges.silence_told) == []


def test_answers_about_changes_tell_what_a_key_that_never_was_tells(block):
    """Whose state at each second of the range is nothing but silence."""
    assert broken(block, ranges.as_absent_keys) == []


# --- law 2: what may hold counts (it stands with law 1 for answers about states) ---


def test_changes_that_are_missing_unseen_or_in_conflict_are_told(block):
    """Also where a condition selects none of the rows, but may hold of what is not seen."""
    assert broken(block, ranges.broken_chains_told) == []


# --- laws 3 to 8 ---


def test_a_wide_scope_knows_its_keys_or_says_that_it_does_not(block):
    """Law 3: ``unknown_keys`` unless a complete baseline covers it; never for answers about changes."""
    assert broken(block, agreement.a_wide_scope_knows_its_keys) == []


def test_counting_is_answering(block):
    """Law 4: ``activity`` carries what ``changes`` over the same range carries, no less and no more."""
    assert broken(block, agreement.counting_is_answering) == []


def test_a_difference_tells_what_both_snapshots_tell(block):
    """Law 4: with a condition and without."""
    assert broken(block, agreement.a_difference_tells_of_both) == []


def test_keys_tell_what_the_condition_on_them_tells(block):
    """Law 4: a whole key and a partition."""
    assert broken(block, agreement.keys_as_their_condition) == []


def test_a_second_ends_at_its_end(block):
    """Law 5: also when the item changed in it; at an end of a window the end's instant is meant."""
    assert broken(block, agreement.a_second_ends_at_its_end) == []


def test_inside_a_window_every_answer_says_so(block):
    """Law 6: whatever it found."""
    assert broken(block, agreement.inside_windows) == []


def test_what_only_later_images_tell_is_not_proven(block):
    """Law 7: over a change whose image the view does not hold."""
    assert broken(block, agreement.unseen_images) == []


def test_coverage_lists_windows(block):
    """Law 6: as spans of kind ``net``; what cuts into one is not complete."""
    assert broken(block, ranges.windows_listed) == []


def test_each_caveat_is_told_once_and_counts_are_right(block):
    """Law 8: those of rows are on the frame; "on 3 rows" are three rows that are shown."""
    assert broken(block, agreement.told_once) == []


# --- the truth ---


def test_every_question_is_answered_or_refused_for_its_names(block):
    """Nothing crashes, and the only refusals here are of names that no image has."""
    assert broken(block, oracle.crashes) == []


def test_what_is_attested_is_proven(block):
    """By attestations over all of the time that is asked for."""
    assert broken(block, oracle.proofs) == []


def test_states_are_true_or_say_that_they_may_not_be(block):
    """What is attested is never wrong; what some other truth would contradict carries a caveat, right or wrong."""
    assert broken(block, oracle.states) == []


def test_snapshots_are_true_or_say_that_they_may_not_be(block):
    """Rows that are wrong, and items that are missing."""
    assert broken(block, oracle.snapshots) == []


def test_differences_are_true_or_say_that_they_may_not_be(block):
    """Kinds and paths, of each item."""
    assert broken(block, oracle.diffs) == []


def test_changes_are_all_there_or_it_is_said(block):
    """Each change that landed is a row; a lost one is told wherever the history can know."""
    assert broken(block, oracle.changes) == []


def test_who_was_hit_is_true_or_says_that_it_may_not_be(block):
    """Periods cover all that was so, and what they are sure of was so."""
    assert broken(block, oracle.affecteds) == []


def test_values_are_true_or_say_that_they_may_not_be(block):
    """``blame`` and ``since``."""
    assert broken(block, oracle.blames, oracle.sinces) == []


def test_complete_is_complete(block):
    """``coverage`` is complete only where nothing is known to be missing, and wherever nothing is."""
    assert broken(block, oracle.coverages) == []


def test_caveats_are_due(block):
    """Of the right answers less than 1 % carry a caveat that is not due, and none in a world without loss."""
    calm, troubled, faults = Tally(), Tally(), []
    for one in block:
        for law in oracle.LAWS:
            list(law(one))
        found = list(undue(one, calm if one.world.calm else troubled))
        faults += [f"seed {one.seed}: {fault}" for fault in found]
    assert calm.undue == 0, [fault for fault in faults if int(fault.split()[1][:-1]) % 4 == 0][:5]
    assert troubled.ratio < 0.01, (str(troubled), faults[:20])
