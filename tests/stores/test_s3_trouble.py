"""What cannot be had from S3 is a hole or an error, never silence; errors say what to do and nothing secret."""

from __future__ import annotations

import hashlib

import pytest

import histlib
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.values.times import DAY, HOUR
from tests.support.history.landings import put
from tests.support.s3.histories import ASKED, SOURCE, configure, fill, holes, numbered, put_object, today, versions
from tests.support.s3.server import BUCKET, Answer, error

DAY_1 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
LOST = "of/things/changes/2026/01/01/lost.gz"
FILE = "changes/2026/01/01/lost.gz"


@pytest.fixture
def history(s3, tmp_path):
    """Changes 1 and 2 in objects of their own, the second to be lost."""
    put(tmp_path / "h", numbered(1))
    put(tmp_path / "h", numbered(2), name="lost.gz")
    fill(s3, tmp_path / "h")


def harm_one(key: str, answer):
    """Give this answer for one object."""
    return lambda asked, true: answer(true) if asked.method == "GET" and asked.key == key else None


def kms(_):
    text = "User: arn is not authorized to perform: kms:Decrypt on resource: key because no policy allows it"
    return error(403, "AccessDenied", text)


REFUSALS = [
    (lambda _: error(403, "AccessDenied"), "s3:GetObject is denied"),
    (kms, "allow kms:Decrypt"),
    (lambda _: error(400, "KMS.DisabledException"), "allow kms:Decrypt"),
    (lambda _: error(403, "InvalidObjectState"), "restore it in S3"),
    (lambda _: error(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption."), "SSE-C"),
    (lambda true: Answer(200, true.headers, true.body, sent=20), "arrived damaged twice"),
    (lambda true: Answer(200, true.headers, true.body[:-1]), "arrived damaged twice"),
    (lambda true: Answer(200, bare(true), true.body[:-1] + b"x"), "MD5"),
    (lambda true: Answer(200, true.headers, true.body[:-1] + b"x"), "arrived damaged twice"),
]


def bare(true: Answer) -> dict[str, str]:
    """The headers without checksums."""
    return {name: value for name, value in true.headers.items() if not name.lower().startswith("x-amz-checksum")}


@pytest.mark.parametrize(("answer", "says"), REFUSALS)
def test_one_object_that_cannot_be_had_is_a_hole(answer, says, history, s3, cache):
    """As a damaged file is: with its name, why, and the time that it may hold changes of; answers carry the caveat."""
    s3.harm = harm_one(LOST, answer)
    opened = histlib.connect(SOURCE, cache=cache)
    (hole,) = holes(opened)
    assert (hole.kind, hole.file, hole.line, hole.keys) == ("unreadable", FILE, None, None)
    assert (hole.start, hole.end) == (DAY_1 - 2 * DAY, DAY_1 + DAY + HOUR)
    assert says in hole.detail
    assert list(opened.state_at("a", ASKED).caveats) == ["not_settled", "unreadable_files"]
    assert versions(opened) == [1]
    s3.harm = None
    assert versions(opened) == [1, 2]
    assert holes(opened) == ()


def test_a_body_that_breaks_once_is_fetched_once_more(history, s3, cache):
    """One more try mends it."""
    broken = []

    def break_once(true):
        broken.append(1)
        return Answer(200, true.headers, true.body, sent=20) if len(broken) == 1 else None

    s3.harm = harm_one(LOST, break_once)
    opened = histlib.connect(SOURCE, cache=cache)
    assert (versions(opened), holes(opened), len(broken)) == ([1, 2], (), 2)


def test_an_etag_that_is_no_md5_is_no_damage(s3, tmp_path, cache):
    """Objects in parts, and those encrypted with keys of KMS, have other ETags."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    raw = put(tmp_path / "kms", numbered(2)).read_bytes()
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/x"}
    s3.client.put_object(Bucket=BUCKET, Key=LOST, Body=raw, **encrypted)
    fake = f'"{hashlib.md5(b"other").hexdigest()}"'

    def disguise(asked, true):
        if asked.key == LOST and asked.method == "GET":
            return Answer(200, {**true.headers, "ETag": fake}, true.body) if true.status == 200 else served(raw)
        if asked.prefix is not None:
            plain, quoted = hashlib.md5(raw).hexdigest(), fake.strip('"')
            return Answer(200, true.headers, true.body.replace(plain.encode(), quoted.encode()))
        return None

    def served(body):
        return Answer(200, {"ETag": fake, "x-amz-server-side-encryption": "aws:kms"}, body)

    s3.harm = disguise
    opened = histlib.connect(SOURCE, cache=cache)
    assert (versions(opened), holes(opened)) == ([1, 2], ())


def test_a_short_body_is_seen_by_its_length_alone(history, s3, cache):
    """An object that was put in parts has no MD5 to tell by."""
    raw = s3.client.get_object(Bucket=BUCKET, Key=LOST)["Body"].read()
    upload = {
        "Bucket": BUCKET,
        "Key": LOST,
        "UploadId": s3.client.create_multipart_upload(Bucket=BUCKET, Key=LOST)["UploadId"],
    }
    part = {"ETag": s3.client.upload_part(**upload, PartNumber=1, Body=raw)["ETag"], "PartNumber": 1}
    s3.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    assert s3.client.head_object(Bucket=BUCKET, Key=LOST)["ETag"].endswith('-1"')
    s3.harm = harm_one(LOST, lambda true: Answer(200, bare(true), true.body[:-1]))
    opened = histlib.connect(SOURCE, cache=cache)
    (hole,) = holes(opened)
    assert hole.detail == f"arrived damaged twice: {len(raw) - 1} bytes, {len(raw)} were listed"
    s3.harm = None
    assert (versions(opened), holes(opened)) == ([1, 2], ())


def test_an_object_replaced_after_it_was_listed_is_never_half_of_each(history, s3, cache):
    """S3 itself is asked for the listed one only; then it is listed and read as it is now."""
    replaced = []

    def replace(asked, true):
        if asked.prefix and b"lost.gz" in true.body and not replaced:
            replaced.append(1)
            put_object(s3, numbered(2, 3), LOST)

    s3.harm = replace
    opened = histlib.connect(SOURCE, cache=cache)
    assert opened._known.coverage.holes == ()  # already of the first question
    assert (versions(opened), holes(opened)) == ([1, 2, 3], ())


@pytest.mark.parametrize("storage", ["GLACIER", "DEEP_ARCHIVE"])
def test_archived_objects_are_not_even_asked_for(storage, s3, tmp_path, cache):
    """Their class is in the listing; once put back, they are in the answers."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    raw = put(tmp_path / "old", numbered(2)).read_bytes()
    s3.client.put_object(Bucket=BUCKET, Key=LOST, Body=raw, StorageClass=storage)
    s3.asked.clear()
    opened = histlib.connect(SOURCE, cache=cache)
    (hole,) = holes(opened)
    assert (hole.file, storage in hole.detail) == (FILE, True)
    assert LOST not in s3.gets()
    s3.client.put_object(Bucket=BUCKET, Key=LOST, Body=raw)
    put_object(s3, b"1", "of/things/changes/_revision")
    assert (versions(opened), holes(opened)) == ([1, 2], ())


def test_a_restored_object_is_fetched(history, s3, cache):
    """A listing that says so is believed; what was fetched before it was archived stays."""

    def restored(asked, true):
        if asked.prefix is None or b"lost.gz" not in true.body:
            return None
        status = b"<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>"
        status += b"2030-01-01T00:00:00Z</RestoreExpiryDate></RestoreStatus><StorageClass>GLACIER</StorageClass>"
        return Answer(200, true.headers, true.body.replace(b"<StorageClass>STANDARD</StorageClass>", status))

    s3.harm = restored
    assert versions(histlib.connect(SOURCE, cache=cache)) == [1, 2]
    s3.harm = lambda asked, true: (
        Answer(200, true.headers, true.body.replace(b"STANDARD", b"GLACIER")) if asked.prefix is not None else None
    )
    opened = histlib.connect(SOURCE, cache=cache)
    assert (versions(opened), holes(opened)) == ([1, 2], ())


def test_an_object_gone_between_listing_and_reading_has_expired(history, s3, cache):
    """It is looked for once more: gone is gone; listed all the same is an error."""

    def vanish(true):
        s3.client.delete_object(Bucket=BUCKET, Key=LOST)
        return error(404, "NoSuchKey")

    s3.harm = harm_one(LOST, lambda _: error(404, "NoSuchKey"))
    with pytest.raises(SourceError, match=r"lost\.gz changes while it is read"):
        histlib.connect(SOURCE, cache=cache)
    s3.harm = harm_one(LOST, vanish)
    opened = histlib.connect(SOURCE, cache=cache)
    assert (versions(opened), holes(opened)) == ([1], ())


def test_an_object_replaced_between_listing_and_reading_is_read_as_it_is_now(history, s3, cache):
    """And within the limit: bytes that were fetched before count."""
    replaced = []
    pages = s3.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    limit = sum(found["Size"] for found in pages)

    def replace(asked, _):
        if asked.key == "of/things/changes/2026/01/01/a.gz" and asked.method == "GET" and not replaced:
            replaced.append(1)
            put_object(s3, numbered(1, 3), "of/things/changes/2026/01/01/a.gz")
            return error(412, "PreconditionFailed")
        return None

    s3.harm = replace
    with pytest.raises(RequestError, match=r"1 objects .* have been\)"):
        histlib.connect(SOURCE, cache=cache, max_scan_bytes=limit)
    assert versions(histlib.connect(SOURCE, cache=cache, max_scan_bytes=limit)) == [1, 2, 3]
    put_object(s3, numbered(1), "of/things/changes/2026/01/01/a.gz")
    replaced.clear()
    assert versions(histlib.connect(SOURCE, cache=cache / "other")) == [1, 2, 3]


@pytest.mark.parametrize("folder", ["coverage", "baseline"])
def test_answers_depend_on_some_objects(folder, history, s3, cache):
    """One below coverage/ or baseline/ that cannot be read is an error that names it."""
    key = f"of/things/{folder}/2026/01/01/x.json"
    put_object(s3, b"{}", key)
    s3.harm = harm_one(key, lambda _: error(403, "AccessDenied"))
    with pytest.raises(SourceError, match=rf"depend on {folder}/2026/01/01/x.json.*s3:GetObject is denied"):
        histlib.connect(SOURCE, cache=cache)


def test_nothing_that_can_be_read_is_an_error(history, s3, cache):
    """All objects denied: it names the place, the action and what to do; with many it gives up early."""
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.method == "GET" and asked.key else None
    with pytest.raises(SourceError, match=rf"^{SOURCE}: none of 2 objects below changes/ .*s3:GetObject is denied"):
        histlib.connect(SOURCE, cache=cache)
    for number in range(200):
        s3.client.put_object(Bucket=BUCKET, Key=f"of/things/changes/2026/01/01/{number}.gz", Body=b"x")
    s3.asked.clear()
    with pytest.raises(SourceError, match="none of 64 objects tried can be read: s3:GetObject is denied"):
        histlib.connect(SOURCE, cache=cache)
    assert len(s3.gets()) < 150


def test_a_listing_cut_in_the_middle_is_never_the_whole(s3, tmp_path, cache):
    """The second page fails, after retries, or says that there is more and not where: no answer from the first."""
    for number in range(1_001):
        put(tmp_path / "h", numbered(number), name=f"{number}.gz")
    fill(s3, tmp_path / "h")
    s3.harm = lambda asked, _: error(403, "AccessDenied") if "continuation-token" in asked.query else None
    with pytest.raises(SourceError, match=r"s3://histories/of/things/changes/.*: s3:ListBucket is denied \(Access"):
        histlib.connect(SOURCE, cache=cache)
    s3.harm = lambda asked, _: error(500, "InternalError") if "continuation-token" in asked.query else None
    with pytest.raises(SourceError, match=r"s3:ListBucket failed: .*InternalError"):
        histlib.connect(SOURCE, cache=cache)
    s3.harm = lambda asked, true: (
        Answer(200, true.headers, true.body[: len(true.body) // 2]) if "continuation-token" in asked.query else None
    )
    with pytest.raises(SourceError, match="s3:ListBucket failed"):
        histlib.connect(SOURCE, cache=cache)
    assert s3.gets() == []
    s3.harm = lambda asked, true: (
        Answer(200, true.headers, true.body.replace(b"NextContinuationToken", b"Other")) if asked.prefix else None
    )
    with pytest.raises(SourceError, match="listing is cut short"):
        histlib.connect(SOURCE, cache=cache)


def test_a_question_whose_listing_fails_has_no_answer(history, s3, cache):
    """Not even from what is here already; the next one that succeeds has."""
    opened = histlib.connect(SOURCE, cache=cache)
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.prefix is not None else None
    with pytest.raises(SourceError, match="s3:ListBucket is denied"):
        opened.state_at("a", ASKED)
    s3.harm = None
    assert versions(opened) == [1, 2]


def test_what_lambda_left_may_be_out_of_reach(history, s3, cache):
    """Its objects lie outside the prefix: where they cannot be listed, a hole says so, and answers go on."""
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.prefix == "aws/lambda/" else None
    opened = histlib.connect(SOURCE, cache=cache)
    (hole,) = holes(opened)
    assert (hole.kind, hole.file, hole.start) == ("unreadable", "aws/lambda/", None)
    assert "s3:ListBucket is denied" in hole.detail
    s3.harm = lambda asked, _: error(403, "ExpiredToken") if asked.prefix == "aws/lambda/" else None
    with pytest.raises(SourceError, match="have expired"):
        opened.state_at("a", ASKED)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (404, "NoSuchBucket", "there is no bucket histories"),
        (403, "ExpiredToken", "aws sso login --profile worker"),
        (403, "InvalidAccessKeyId", "does not accept these credentials"),
        (403, "SignatureDoesNotMatch", "does not accept these credentials"),
        (403, "RequestTimeTooSkewed", "clock is wrong"),
        (400, "AuthorizationHeaderMalformed", "in another Region"),
        (403, "AccessDenied", "s3:ListBucket is denied"),
    ],
)
def test_errors_say_what_to_do_in_one_line(status, code, says, history, s3, cache, tmp_path):
    """Whatever AWS refuses: the code, what it means, and nothing of the message, which may hold more."""
    secret = "AKIA-something-secret"
    s3.harm = lambda asked, _: error(status, code, secret)
    configure(tmp_path, "[profile worker]\naws_access_key_id = a\naws_secret_access_key = b\nregion = eu-west-1\n")
    with pytest.raises(SourceError) as caught:
        histlib.connect(SOURCE, cache=cache, profile="worker")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert secret not in str(caught.value)


def test_without_credentials(history, s3, cache, monkeypatch):
    """Says how to name some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(SourceError, match=rf"^{SOURCE}/.*: s3:ListBucket failed: no AWS credentials found; name a"):
        histlib.connect(SOURCE, cache=cache)


def test_an_expired_sso_session(history, s3, cache, tmp_path):
    """Says which command to run."""
    configure(
        tmp_path,
        "[profile worker]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\nregion = eu-west-1\n"
        "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n",
    )
    with pytest.raises(SourceError, match="run: aws sso login --profile worker"):
        histlib.connect(SOURCE, cache=cache, profile="worker")


def test_nobody_there(cache, monkeypatch, s3):
    """An endpoint that does not answer is told without its address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(HistlibError, match="s3:ListBucket failed: AWS cannot be asked") as caught:
        histlib.connect(SOURCE, cache=cache)
    assert "secret" not in str(caught.value)


def test_a_full_disk_says_how_much_is_missing(history, s3, cache, monkeypatch):
    """Before anything is fetched."""
    import shutil

    usage = shutil.disk_usage("/")
    monkeypatch.setattr("histlib.stores.s3.mirror.shutil.disk_usage", lambda _: usage._replace(free=5))
    with pytest.raises(SourceError, match=r"bytes would be fetched, 5 are free"):
        histlib.connect(SOURCE, cache=cache)
    assert s3.gets() == []


def test_a_cache_that_cannot_be_made(s3, tmp_path):
    """Says where, and how to name another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"cannot make .*name another place with connect\(cache=…\)"):
        histlib.connect(SOURCE, cache=tmp_path / "file")


def test_a_new_hole_is_seen_by_the_next_question(history, s3, cache):
    """Also where nothing else has changed."""
    opened = histlib.connect(SOURCE, cache=cache)
    key = f"of/things/changes/{today()}/a.gz"
    put_object(s3, numbered(3), key)
    s3.harm = harm_one(key, lambda _: error(403, "AccessDenied"))
    assert [hole.file for hole in holes(opened)] == [f"changes/{today()}/a.gz"]


def test_an_object_that_is_replaced_by_one_out_of_reach_is_not_answered_from(history, s3, cache):
    """The older copy is let go of, and the hole is told."""
    put_object(s3, numbered(3), f"of/things/changes/{today()}/a.gz")
    opened = histlib.connect(SOURCE, cache=cache)
    put_object(s3, numbered(4), f"of/things/changes/{today()}/a.gz")
    s3.harm = harm_one(f"of/things/changes/{today()}/a.gz", lambda _: error(403, "AccessDenied"))
    assert versions(opened) == [1, 2]
    assert [hole.file for hole in holes(opened)] == [f"changes/{today()}/a.gz"]


def test_what_was_refused_before_does_not_use_up_the_limit(history, s3, cache):
    """With it a question would be over the limit: it stays a hole that says so, and the question is answered."""
    s3.harm = harm_one(LOST, lambda _: error(403, "AccessDenied"))
    histlib.connect(SOURCE, cache=cache)
    s3.harm = None
    opened = histlib.connect(SOURCE, cache=cache, max_scan_bytes=1)
    for _ in range(2):
        (hole,) = holes(opened)
        assert hole.detail.count("not tried again, since it would be over max_scan_bytes") == 1
    assert versions(opened) == [1]
    assert versions(histlib.connect(SOURCE, cache=cache)) == [1, 2]
