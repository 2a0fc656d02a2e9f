"""What Athena says of a query that did not succeed becomes one line: what it was about, and what to do."""

from __future__ import annotations

import pytest

from histlib.engines.athena.running.costs import Query
from histlib.engines.athena.running.failures import failure, relative
from histlib.engines.athena.running.refusals import Place
from histlib.engines.athena.table.address import Address
from histlib.errors import RequestError, SourceError

PLACE = Place(Address("histories", "products", "team"), "eu-west-1", "prod", "s3://landing/of/products/changes/")
MANIFEST = (
    " If a data manifest file was generated at 's3://results/abc-manifest.csv', you may need to manually clean the "
    "data from locations specified in the manifest. Athena will not delete data in your account."
)
POSTSCRIPT = (
    '\nThis query ran against the "histories" database, unless qualified by the query. Please post the error message '
    "on our forum or contact customer support with Query Id: 1234"
)
FILE = "changes/2026/01/01/products-1-2026-01-01-00-05-00-11111111-2222.gz"
OBJECT = f"s3://landing/of/products/{FILE}"
QUARANTINE = "python -m pipeline quarantine"

FAILED = [
    (f"HIVE_BAD_DATA: Error parsing a line in {OBJECT}", SourceError, [FILE, f"{QUARANTINE} {OBJECT}"]),
    (f"HIVE_CURSOR_ERROR: Failed to read file at {OBJECT}.", SourceError, [f"{QUARANTINE} {OBJECT}"]),
    (f"HIVE_CURSOR_ERROR: {OBJECT}: incorrect header check" + MANIFEST, SourceError, [f"{QUARANTINE} {OBJECT}"]),
    (f"HIVE_INVALID_METADATA: '{OBJECT}' is none", SourceError, [f"{QUARANTINE} {OBJECT}"]),
    (f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {OBJECT} (offset=0, length=9): not in GZIP format", SourceError,
     [f"{QUARANTINE} {OBJECT}"]),
    (f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {OBJECT}: NoSuchKey", SourceError, ["removed", "ask again"]),
    (f"HIVE_CANNOT_OPEN_SPLIT: {OBJECT}: Slow Down (Service: Amazon S3; Status Code: 503)", SourceError,
     ["throttled", "ask again in a minute"]),
    ("HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: Unterminated string at 198", SourceError,
     ["does not say which", "coverage", f"{QUARANTINE} s3://"]),
    ("HIVE_CURSOR_ERROR: Row is not a valid JSON Object" + MANIFEST, SourceError, ["does not say which"]),
    (f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {OBJECT}: Access Denied (Service: Amazon S3; Status Code: 403)",
     SourceError, ["s3:GetObject", OBJECT, "another account"]),
    (f"Insufficient permissions to execute the query. Amazon S3 access denied on {OBJECT}", SourceError,
     ["s3:GetObject", OBJECT]),
    ("User: arn:aws:sts::123456789012:assumed-role/ops/me is not authorized to perform: kms:Decrypt on resource: "
     "arn:aws:kms:eu-west-1:123456789012:key/1-2 because no policy allows it", SourceError,
     ["kms:Decrypt is denied on key/1-2", "another profile"]),
    ("Insufficient permissions to execute the query. User: arn:aws:iam::123456789012:user/me is not authorized to "
     "perform: glue:GetTable on resource: arn:aws:glue:eu-west-1:123456789012:table/histories/products", SourceError,
     ["glue:GetTable is denied on table/histories/products"]),
    ("Insufficient Lake Formation permission(s): Required Select on products (Service: AmazonDataCatalog; Status "
     "Code: 400; Error Code: AccessDeniedException)", SourceError, ["Lake Formation", "Select on products"]),
    ("Insufficient permissions to execute the query. Principal does not have any privilege on specified resource",
     SourceError, ["Lake Formation", "SELECT and DESCRIBE on histories.products"]),
    ("Access denied when writing to location: s3://results/abc.csv", SourceError,
     ["s3:PutObject is denied on s3://results/abc.csv"]),
    ("SCHEMA_NOT_FOUND: line 1:15: Schema 'histories' does not exist", RequestError, ["no database histories"]),
    ("TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.histories.products' does not exist", RequestError,
     ["no table products in histories"]),
    ("SYNTAX_ERROR: line 1:15: Table awsdatacatalog.histories.products does not exist", RequestError,
     ["no table products in histories"]),
    ("CATALOG_NOT_FOUND: line 1:15: Catalog 'other' does not exist", RequestError, ["no data catalog AwsDataCatalog"]),
    ("The bucket is in this region: us-east-1. Please use this region to retry the request (Service: Amazon S3; Status "
     "Code: 301; Error Code: PermanentRedirect)", SourceError, ["another Region", "region="]),
    ("Query exhausted resources at this scale factor", SourceError, ["more memory", "fewer days"]),
    ("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded per-node memory limit of 7.16GB", SourceError, ["more memory"]),
    ("Query timeout", SourceError, ["longer than Athena lets one query run"]),
    ("EXCEEDED_TIME_LIMIT: Query exceeded maximum time limit of 30.00m", SourceError, ["longer than Athena lets"]),
    ("GENERIC_INTERNAL_ERROR: null", SourceError, ["inside Athena", "Ask again", "q-1"]),
    ("HIVE_FILESYSTEM_ERROR: Error reading from s3://a/b at position 12345", SourceError, ["inside Athena"]),
    ("COLUMN_NOT_FOUND: line 2:5: Column 'x' cannot be resolved", SourceError, ["Column 'x' cannot be resolved"]),
    ("", SourceError, ["Athena gives no reason"]),
]  # fmt: skip


def told(reason: str, state: str = "FAILED", scanned: int = 0, cutoff: int | None = None):
    """The error for a query that ended so."""
    return failure(Query("SELECT 1", "q-1", state, scanned, reason=reason), PLACE, cutoff)


@pytest.mark.parametrize(("reason", "kind", "says"), FAILED)
def test_a_failed_query_says_what_to_do(reason, kind, says):
    """In one line, without account ids, and without what Athena appends."""
    error = told(reason + POSTSCRIPT)
    assert type(error) is kind
    assert [text for text in says if text not in str(error)] == []
    assert "\n" not in str(error)
    assert "123456789012" not in str(error)
    assert "manifest" not in str(error)
    assert "ran against" not in str(error)


def test_the_cutoff_of_a_workgroup_is_explained():
    """With its number, where it may be known, and what was billed."""
    error = told("Bytes scanned limit was exceeded", "CANCELLED", 10_500_000, 10_000_000)
    assert "workgroup team" in str(error)
    assert "10,000,000 bytes" in str(error)
    assert "BytesScannedCutoffPerQuery" in str(error)
    assert "10.5 MB scanned, about $0.0001 billed" in str(error)
    assert "BytesScannedCutoffPerQuery" in str(told("Bytes scanned limit was exceeded", "CANCELLED"))


def test_a_query_that_someone_cancelled():
    """Says so, and what it cost all the same."""
    error = told("Query was canceled by user", "CANCELLED", 2_000_000_000)
    assert "someone else cancelled the query q-1 (Query was canceled by user)" in str(error)
    assert "2.0 GB scanned, about $0.0100 billed" in str(error)


@pytest.mark.parametrize(
    ("uri", "location", "name"),
    [
        ("s3://b/p/changes/2026/01/01/a.gz", "", "changes/2026/01/01/a.gz"),
        ("s3://b/p/2026/01/01/00/a.gz", "s3://b/p", "2026/01/01/00/a.gz"),
        ("s3://b/p/2026/01/01/00/a.gz", "s3://b/p/", "2026/01/01/00/a.gz"),
        ("s3://b/p/2026/01/01/00/a.gz", "", "s3://b/p/2026/01/01/00/a.gz"),
        ("s3://b/other/a.gz", "s3://b/oth", "s3://b/other/a.gz"),
    ],
)
def test_an_object_is_named_below_its_history(uri, location, name):
    """As the command that sets it aside takes it."""
    assert relative(uri, location) == name
