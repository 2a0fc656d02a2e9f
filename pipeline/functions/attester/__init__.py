"""The attester, a scheduled Lambda: is the pipeline whole? What it finds it writes under ``coverage/``, a line a run.

Landing proves changes; only this proves silence. So an attestation never says more than what can be shown: what cannot
be asked, or is not seen to move, is not healthy or moves ``captured_through`` back.

app        the handler; ``attest`` for one run
observing  what AWS tells of table, stream, mapping, metrics, and of what lies undelivered
reach      pure: up to when all changes have landed, as far as that can be proven
judging    pure: what was observed → the attestation
writing    the attestations there are, and one more line of them
"""
