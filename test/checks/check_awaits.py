#!/usr/bin/env python3
"""The await grammar that keeps GCC 12 from miscompiling coroutines (src/README.md).

co_await stands only as a statement, as the initialiser of a named local, or in co_return. What it
awaits is a call, whose arguments hold no braces (so no lambda), no ?: and no temporary of a class
written Type(...): each of these was seen to free twice. A coroutine is never a capturing lambda.

Usage: check_awaits.py ROOT | --self-test
"""

import re

import source_text

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|\[\[|\]\]|\S")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")
TYPE_NAME = re.compile(r"[A-Z]\w*[a-z]\w*$")
OPEN, CLOSE = "([{", ")]}"
CONTROL = ("if", "while", "for", "switch")
BEFORE_BLOCK = {")", "]", ";", "{", "}", ":", "else", "do", "try", "const", "noexcept", "override",
                "final", "mutable"}
COROUTINE_WORDS = {"co_await", "co_return", "co_yield"}


class Source:
    """The tokens of a file, with their lines and the partner of each bracket."""

    def __init__(self, path):
        text = source_text.without_comments_and_literals(path.read_text())
        text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text,
                      flags=re.MULTILINE)
        self.tokens, self.lines = [], []
        line, seen = 1, 0
        for match in TOKEN.finditer(text):
            line += text.count("\n", seen, match.start())
            seen = match.start()
            self.tokens.append(match.group(0))
            self.lines.append(line)
        self.partner = self._match_brackets()

    def _match_brackets(self):
        partner, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token in OPEN:
                stack.append(i)
            elif token in CLOSE and stack:
                partner[i] = stack[-1]
                partner[stack.pop()] = i
        return partner

    def opens_block(self, i):
        """Whether the brace at i opens statements rather than an initialiser."""
        if i == 0 or self.tokens[i - 1] in BEFORE_BLOCK:
            return True
        # A return type after an arrow: `-> Task<int> {`.
        while i > 0 and self.tokens[i - 1] not in (";", "{", "}", "(", ")"):
            i -= 1
            if self.tokens[i] == "->":
                return True
        return False


def statement_before(source, i):
    """The tokens of the statement that come before token i; None if i lies within an expression."""
    at = i - 1
    while at >= 0:
        token = source.tokens[at]
        if token in (";", "}"):
            break
        if token == "{":
            if not source.opens_block(at):
                return None
            break
        if token in "([":
            return None
        at = source.partner[at] - 1 if token in ")]" and at in source.partner else at - 1
    return source.tokens[at + 1:i]


def without_control(tokens):
    """Drops `if (...)`, `else`, `case x:` and their kind from the front of a statement."""
    while tokens:
        if tokens[0] in ("else", "do"):
            tokens = tokens[1:]
        elif tokens[0] in CONTROL:
            depth, at = 0, 1
            while at < len(tokens):
                depth += {"(": 1, ")": -1}.get(tokens[at], 0)
                at += 1
                if depth == 0 and tokens[at - 1] == ")":
                    break
            tokens = tokens[at:]
        elif ":" in tokens and (tokens[0] in ("case", "default") or tokens[1:2] == [":"]):
            tokens = tokens[tokens.index(":") + 1:]
        else:
            break
    return tokens


def is_declaration(tokens):
    """`Type name =`, and nothing that could be an assignment."""
    if len(tokens) < 3 or tokens[-1] != "=" or not IDENTIFIER.match(tokens[-2]):
        return False
    before = tokens[:-2]
    if not IDENTIFIER.match(before[0]) or not re.match(r"[\w>&*]", before[-1][-1]):
        return False
    return not any(t in (".", "->", "(", "=", "+", "-", "/", "|") for t in before)


def operand_of(source, i):
    """Indices of what the co_await at i awaits: up to the end of its statement or brackets."""
    end = i + 1
    while end < len(source.tokens) and source.tokens[end] not in (";", ")", "]", "}"):
        end = source.partner.get(end, end) + 1
    return range(i + 1, end)


def is_call(source, operand):
    """A chain of names, `.`, `->`, `::`, template arguments and calls that ends with a call."""
    if not operand or source.tokens[operand[-1]] != ")":
        return False
    opening = source.partner[operand[-1]]
    if opening <= operand[0] or not re.match(r"[\w>]", source.tokens[opening - 1][-1]):
        return False
    at = operand[0]
    while at <= operand[-1]:
        token = source.tokens[at]
        if token in "([":
            at = source.partner[at]
        elif not IDENTIFIER.match(token) and token not in (".", "->", "::", "<", ">", ","):
            return False
        at += 1
    return True


def faults_of_operand(source, operand):
    if not is_call(source, operand):
        yield "what is awaited must be a call"
    tokens = [source.tokens[k] for k in operand]
    if "{" in tokens:
        yield "braces in an awaited call: name the object or lambda first"
    if "?" in tokens:
        yield "?: in an awaited call: name the value first"
    for k, token in enumerate(tokens[:-1]):
        if TYPE_NAME.match(token) and tokens[k + 1] == "(":
            yield f"temporary {token}(...) in an awaited call: name it first"


def faults_of_awaits(source):
    for i, token in enumerate(source.tokens):
        if token != "co_await":
            continue
        before = statement_before(source, i)
        before = None if before is None else without_control(before)
        if before is None or not (before in ([], ["co_return"]) or is_declaration(before)):
            yield i, "co_await must be a statement, initialise a named local, or follow co_return"
        for text in faults_of_operand(source, operand_of(source, i)):
            yield i, text


def lambda_body(source, i):
    """The index of the brace that opens the body, if a lambda's captures open at token i."""
    before = source.tokens[i - 1] if i > 0 else ";"
    if (IDENTIFIER.match(before) and before not in ("return", "co_return", "co_await", "co_yield")
            or before in (")", "]", '"')) or i not in source.partner:
        return None
    at = source.partner[i] + 1
    while at < len(source.tokens) and source.tokens[at] not in ("{", ";", ")", "]", "}", "="):
        at = source.partner[at] + 1 if source.tokens[at] == "(" else at + 1
    return at if at < len(source.tokens) and source.tokens[at] == "{" else None


def faults_of_lambdas(source):
    bodies = {}
    for i, token in enumerate(source.tokens):
        if token == "[":
            body = lambda_body(source, i)
            if body is not None:
                bodies[body] = i
    for body, intro in bodies.items():
        if source.partner[intro] == intro + 1:
            continue  # captures nothing
        at = body + 1
        while at < source.partner[body]:
            if at in bodies:  # an inner lambda answers for itself
                at = source.partner[at]
            elif source.tokens[at] in COROUTINE_WORDS:
                yield intro, "a capturing lambda must not be a coroutine"
                break
            at += 1


def check(path):
    source = Source(path)
    for i, text in [*faults_of_awaits(source), *faults_of_lambdas(source)]:
        yield path, source.lines[i], text


def self_test(samples):
    return source_text.compare_with_marks(sorted(samples.glob("awaits_*.cc")), check)


if __name__ == "__main__":
    source_text.main(check, self_test)
