"""From a condition's text to sqlglot's tree, by way of a list of the tokens that a condition may have.

No function, type or statement is known to this dialect, so that whatever is written reaches our own lists.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from sqlglot import Dialect, ParseError, Token, TokenError, TokenType, exp
from sqlglot import parser as sqlglot_parser

from histlib.engines.where.places import Place

_LONGEST: Final = 200_000
_DEEPEST: Final = 25  # a level takes sqlglot some 22 of Python's 1,000 frames
_WORD: Final = re.compile(r"[^\W\d]\w*")
_CLOSED: Final = re.compile(r"""(?:'[^']*'|"[^"]*"|--[^\n]*|/\*.*?\*/|-(?!-)|/(?!\*)|[^'"/-])*+""", re.DOTALL)
_BETWEEN: Final = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)

_ALLOWED: Final = frozenset(
    {
        TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.TIMESTAMP,
        TokenType.L_PAREN, TokenType.R_PAREN, TokenType.L_BRACKET, TokenType.R_BRACKET, TokenType.COMMA,
        TokenType.DOT, TokenType.COLON, TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT,
        TokenType.GTE, TokenType.AND, TokenType.OR, TokenType.NOT, TokenType.IN, TokenType.BETWEEN, TokenType.LIKE,
        TokenType.ILIKE, TokenType.ESCAPE, TokenType.IS, TokenType.NULL, TokenType.TRUE, TokenType.FALSE,
        TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.DPIPE,
    }
)  # fmt: skip

_HINTS: Final = {
    TokenType.SELECT: "a condition has no subqueries",
    TokenType.SEMICOLON: "a condition is one expression, without ;",
    TokenType.SLASH: "there is no division, which has no exact result; multiply the other side",
    TokenType.PLACEHOLDER: "write :name and pass params",
    TokenType.DATE: "write TIMESTAMP '2026-11-08', or the text alone",
    TokenType.CASE: "there is no CASE; write it with AND and OR",
    TokenType.WHERE: "write what follows WHERE only",
}


_PAIRS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Add, exp.Sub, exp.Mul)

#: sqlglot's node → those of its parts that we know; a node with another part is refused.
_PARTS: Final[dict[type, set[str]]] = {
    exp.And: {"this", "expression"}, exp.Or: {"this", "expression"}, exp.Not: {"this"}, exp.Paren: {"this"},
    exp.Is: {"this", "expression"}, exp.In: {"this", "expressions", "field"},
    exp.Between: {"this", "low", "high"}, exp.Like: {"this", "expression", "negate"},
    exp.ILike: {"this", "expression", "negate"}, exp.Escape: {"this", "expression"}, exp.Boolean: {"this"},
    exp.Null: set(), exp.Literal: {"this", "is_string"}, exp.Neg: {"this"}, exp.Placeholder: {"this"},
    exp.Anonymous: {"this", "expressions"}, exp.DPipe: {"this", "expression", "safe"}, exp.Cast: {"this", "to"},
    exp.Column: {"this", "table", "db", "catalog"}, exp.Dot: {"this", "expression"},
    exp.Bracket: {"this", "expressions"},
    **{kind: {"this", "expression"} for kind in _PAIRS},
}  # fmt: skip


class _Dialect(Dialect):
    class Parser(sqlglot_parser.Parser):
        FUNCTIONS = {}  # noqa: RUF012
        FUNCTION_PARSERS = {}  # noqa: RUF012
        NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
        NO_PAREN_FUNCTION_PARSERS = {}  # noqa: RUF012
        ARRAY_CONSTRUCTORS = {}  # noqa: RUF012 — array and list are names like others


def parse(text: str) -> exp.Expr:
    """sqlglot's tree of a condition.

    Raises:
        ConditionNotValidError: not one SQL expression of the tokens a condition may have.
    """
    tokens = _tokens(text)
    _check_gaps(text, tokens)
    _check_depth(text, tokens)
    tokens = [_plain(text, tokens, position) for position in range(len(tokens))]
    try:
        tree = _Dialect().parser().parse_into(exp.Condition, tokens, text)[0]
    except ParseError as error:
        raise _stopped(text, tokens, error) from error
    except RecursionError as error:
        raise Place(text, 0, len(text)).refuse("it is nested too deeply") from error
    if tree is None:
        raise Place(text, 0, len(text)).refuse("expected a condition")
    _place_params(tree, tokens)
    return tree


def place_of(node: exp.Expr, text: str) -> Place:
    """Where in the text a node stands: all of its parts that know it; else the whole text."""
    spans = [each.meta for each in node.walk() if "start" in each.meta]
    if not spans:
        return Place(text, 0, len(text))
    return Place(text, min(span["start"] for span in spans), max(span["end"] for span in spans) + 1)


def check(node: exp.Expr, text: str) -> None:
    """Raises ConditionNotValidError where a node, or a part of it, is none that a condition may have."""
    known = _PARTS.get(type(node))
    if known is None or any(value for name, value in node.args.items() if name not in known):
        raise place_of(node, text).refuse("a condition has nothing like this; expected like item.price > 100")


def _place_params(tree: exp.Expr, tokens: list[Token]) -> None:
    """sqlglot does not note where a parameter stands; by its name we know one place."""
    after_colon = [token for before, token in pairwise(tokens) if before.token_type == TokenType.COLON]
    spans = {token.text: {"start": token.start - 1, "end": token.end} for token in reversed(after_colon)}
    for node in tree.find_all(exp.Placeholder):
        node.meta.update(spans.get(node.name, {}))


def _tokens(text: str) -> list[Token]:
    whole = Place(text, 0, len(text))
    if not text.strip():
        raise whole.refuse("it is empty; expected like item.price > 100")
    if len(text) > _LONGEST:
        raise whole.refuse(f"it has {len(text)} characters; pass long lists as params (IN :ids)")
    try:
        text.encode()
        tokens: list[Token] = list(_Dialect().tokenize(text))
    except UnicodeEncodeError as error:
        raise Place(text, error.start, error.end).refuse("half a surrogate pair is no character") from error
    except TokenError as error:
        closed = _CLOSED.match(text)
        place = Place(text, closed.end() if closed else 0, len(text))
        raise place.refuse("a quote or comment is not closed; a quote inside text is written twice") from error
    if not tokens:
        raise whole.refuse("it is empty; expected like item.price > 100")
    return tokens


def _check_gaps(text: str, tokens: list[Token]) -> None:
    """What the tokenizer skipped is white space or a comment of SQL, nothing of a template language."""
    ends = [0, *(token.end + 1 for token in tokens)]
    starts = [*(token.start for token in tokens), len(text)]
    for start, end in zip(ends, starts, strict=True):
        if start < end and not _BETWEEN.fullmatch(text, start, end):
            raise Place(text, start, end).refuse("this is no SQL")


def _check_depth(text: str, tokens: list[Token]) -> None:
    depth = prefixes = 0
    for token in tokens:
        depth += token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET)
        depth -= token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET)
        prefix = token.token_type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS)
        prefixes = prefixes + 1 if prefix else 0
        if depth + prefixes > _DEEPEST:
            raise Place(text, token.start, token.end + 1).refuse(f"it is nested more than {_DEEPEST} levels deep")


def _plain(text: str, tokens: list[Token], position: int) -> Token:
    """The token, a plain word where it is a name (after a dot or colon, a keyword may be one); else refused."""
    token = tokens[position]
    before = tokens[position - 1].token_type if position else None
    after = tokens[position + 1].token_type if position + 1 < len(tokens) else None
    kind = token.token_type
    place = Place(text, token.start, token.end + 1)
    if before == TokenType.STRING == kind:
        raise place.refuse("two texts in a row; is a comma or an operator missing?")
    if kind == TokenType.NUMBER and before == TokenType.DOT and position > 1 and _ends_name(tokens[position - 2]):
        raise place.refuse('no plain name; write it in double quotes, like item."2nd"')
    quoted = kind in (TokenType.IDENTIFIER, TokenType.STRING)
    named = before in (TokenType.DOT, TokenType.COLON) and not quoted and _WORD.fullmatch(token.text)
    if named or (kind == TokenType.TIMESTAMP and after != TokenType.STRING):
        return _var(token)
    if kind not in _ALLOWED:
        hint = _HINTS.get(kind, f"a condition has no {token.text.upper()}")
        raise place.refuse(hint)
    if kind == TokenType.VAR and token.text[0] in "“”‘’":
        raise place.refuse("typographic quotes; write ' around text")
    return token


def _ends_name(token: Token) -> bool:
    return token.token_type in (TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_BRACKET)


def _var(token: Token) -> Token:
    return Token(TokenType.VAR, token.text, token.line, token.col, token.start, token.end)


def _stopped(text: str, tokens: list[Token], error: ParseError) -> Exception:
    found = error.errors[0] if error.errors else {}
    at = (found.get("line"), found.get("col"))
    token = next((each for each in tokens if (each.line, each.col) == at), tokens[-1])
    if token is tokens[-1] and "Unexpected" not in str(found.get("description")):
        return Place(text, len(text), len(text)).refuse("something is missing; expected like item.price > 100")
    return Place(text, token.start, token.end + 1).refuse("this does not fit here; expected like item.price > 100")
