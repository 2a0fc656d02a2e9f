"""What lies beside a landing in few small files, each read once while it stays as it is.

files      what many small files say
manifests  the manifests below ``baseline/``
facts      attestations, windows, what failed
"""
