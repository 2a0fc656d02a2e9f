"""A full picture of the table by a scan, written as BASELINE rows into the landing. In the order of reading:

rows      an item as the scan gave it → a line of format 1
rate      how fast may be read: a bucket of read units
progress  how far a baseline is, as JSON: kept in the bucket where readers do not look
storage   objects of the history in S3, each written only if nobody else wrote it meanwhile
scan      a segment of the table, part by part
run       one baseline by one runner: takes it up, scans, finishes it with the manifest
step      begins one or goes on, for as long as there is time
app       the Lambda handler: when a new one is due

**What holds it together.** A part is an object with the rows of several pages; its name and day are planned in the
progress before it is written. After each part the progress is saved, with where the segment goes on. So whoever goes
on after a kill writes the same object again, whole, and each item counts once. The manifest comes last: without it, no
reader believes any of the rows.

**Two at once.** Every write is conditional. The progress is replaced only by who read the version before it
(``IfMatch``), so of two runners the slower one is out at its next save. A part is put only where there is none
(``IfNoneMatch``), or in place of the very object (``IfMatch``) that was seen after a save proved that the baseline is
still ours: so a runner that slept through its lease cannot overwrite what another wrote. The lease in the progress only
spares the work of two; that nothing is harmed rests on no clock.
"""
