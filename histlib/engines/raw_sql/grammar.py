"""What a statement may consist of: lists of what is allowed, everything else is refused."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

#: Parts that mean the same to every engine here.
PARTS: Final = frozenset(
    {
        # statements
        exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE,
        exp.From, exp.Join, exp.Table, exp.TableAlias, exp.Where, exp.Group, exp.Having,
        exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Exists,
        # values and names
        exp.Alias, exp.Column, exp.Dot, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.Placeholder,
        exp.Paren, exp.Tuple, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam,
        exp.Var, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript,
        # operators
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.Escape,
        exp.In, exp.Between, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ,
        exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe,
        # windows
        exp.Window, exp.WindowSpec, exp.Filter,
    }
)  # fmt: skip

#: Functions: their name for people → what the parser makes of it.
FUNCTIONS: Final = {
    "count": exp.Count, "sum": exp.Sum, "min": exp.Min, "max": exp.Max, "avg": exp.Avg,
    "min_by": exp.ArgMin, "max_by": exp.ArgMax, "count_if": exp.CountIf, "arbitrary": exp.AnyValue,
    "lower": exp.Lower, "upper": exp.Upper, "length": exp.Length, "substr": exp.Substring, "trim": exp.Trim,
    "concat": exp.Concat, "replace": exp.Replace, "strpos": exp.StrPosition, "split_part": exp.SplitPart,
    "starts_with": exp.StartsWith, "regexp_like": exp.RegexpLike, "json_extract_scalar": exp.JSONExtractScalar,
    "coalesce": exp.Coalesce, "nullif": exp.Nullif, "abs": exp.Abs, "round": exp.Round,
    "date_trunc": exp.TimestampTrunc, "from_unixtime": exp.UnixToTime,
    "row_number": exp.RowNumber, "rank": exp.Rank, "dense_rank": exp.DenseRank,
    "lag": exp.Lag, "lead": exp.Lead, "first_value": exp.FirstValue, "last_value": exp.LastValue,
}  # fmt: skip

#: Types of CAST and TRY_CAST (DECIMAL with digits, the others without).
TYPES: Final = frozenset({"VARCHAR", "INT", "BIGINT", "DOUBLE", "DECIMAL", "BOOLEAN", "TIMESTAMP", "DATE"})

#: Units of date_trunc.
UNITS: Final = frozenset({"SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})

#: Sides and kinds of a JOIN.
JOINS: Final = frozenset({"", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER"})

#: Most arguments of functions that the engines would take more of, to another meaning.
MOST_ARGUMENTS: Final[dict[type[exp.Expr], int]] = {
    exp.ArgMin: 2,
    exp.ArgMax: 2,
    exp.UnixToTime: 1,
    exp.RegexpLike: 2,
    exp.StrPosition: 2,
}

#: What begins so is ours.
RESERVED: Final = "histlib_"


def described() -> str:
    """The functions that are allowed, for people."""
    return ", ".join(sorted([*FUNCTIONS, "cast", "try_cast", "if", "case"]))
