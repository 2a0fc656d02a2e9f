"""An Athena address says which table, and where Athena is asked; what it does not understand it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.engines.athena.table.address import Address, parse_address
from histlib.errors import RequestError

READ = [
    ("athena://db/table", Address("db", "table")),
    ("athena://db/table/", Address("db", "table")),
    ("athena://db/table?workgroup=team", Address("db", "table", "team")),
    ("athena://db/table?output=s3://results/of/athena/", Address("db", "table", output="s3://results/of/athena")),
    ("athena://db/table?output=s3%3A%2F%2Fresults", Address("db", "table", output="s3://results")),
    ("athena://db/table?catalog=other&workgroup=a+b", Address("db", "table", "a+b", catalog="other")),
    ("athena://Big_DB/my%2Ftable", Address("Big_DB", "my/table")),
]
WRONG = [
    ("athena://db", "names no table; expected athena://database/table?"),
    ("athena:///table", "names no table"),
    ("athena://db/", "names no table"),
    ("athena://db/a/b", "names no table"),
    ("athena://[db/a/table", "names no table"),
    ("s3://db/table", "names no table"),
    ("athena://db/table?work_group=x", "has work_group=; expected only workgroup, output, catalog"),
    ("athena://db/table?workgroup=", "workgroup is empty or given twice"),
    ("athena://db/table?workgroup=a&workgroup=b", "workgroup is empty or given twice"),
    ("athena://db/table?output=results/of/athena", "names no bucket; expected s3://bucket/prefix"),
]

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@pytest.mark.parametrize(("text", "address"), READ)
def test_an_address_is_read(text, address):
    """Database and table are all it needs; the rest has defaults."""
    assert parse_address(text) == address


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_no_address_is_refused(text, says):
    """The error has what was got and what was expected."""
    with pytest.raises(RequestError) as caught:
        parse_address(text)
    assert says in str(caught.value)
    assert text in str(caught.value) or "names no bucket" in says


def test_an_address_shows_what_is_not_by_default():
    """No default clutters it."""
    assert str(Address("db", "table")) == "athena://db/table"
    shown = str(Address("db", "table", "team", "s3://results/of/athena", "other"))
    assert shown == "athena://db/table?workgroup=team&output=s3://results/of/athena&catalog=other"


@given(names, names, names, names, st.none() | st.just("s3://results/a b/ü&c"))
def test_addresses_read_back(database, table, workgroup, catalog, output):
    """Whatever the names hold."""
    address = Address(database, table, workgroup, output, catalog)
    assert parse_address(str(address)) == address
