"""What every connection of every driver says and what must be answered: one description for all of them.

`run` writes a script per connection; README.md tells the format. Nothing here knows a driver.
"""

import datetime
import random

CONNECTIONS = 8

# As tables are made anew for each driver, an answer depends on nothing but the connection and the round.
SCHEMA = """
DROP SCHEMA IF EXISTS public, s0, s1, s2, s3, s4, s5, s6, s7 CASCADE;
CREATE SCHEMA public;
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE TABLE account (id int4 PRIMARY KEY, n int4 NOT NULL);
INSERT INTO account SELECT k, 0 FROM generate_series(0, 7) AS k;
CREATE TABLE kept (client int4, n int4);
""" + "".join(
    f"""
CREATE SCHEMA s{c};
CREATE TABLE s{c}.who (id int4, name text);
INSERT INTO s{c}.who SELECT k, 's{c} ' || k FROM generate_series(0, 9) AS k;
DO $$ BEGIN CREATE ROLE role{c}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
"""
    for c in range(CONNECTIONS)
)

# Zones whose distance from UTC, in minutes, was the same throughout the day that is asked for.
ZONES = [("UTC", 0), ("Asia/Kolkata", 330), ("Asia/Tokyo", 540), ("America/Phoenix", -420),
         ("Africa/Lagos", 60), ("Asia/Kathmandu", 345), ("Pacific/Honolulu", -600), ("Asia/Dubai", 240)]
A_DAY = 946728000  # noon of the first of January 2000, in UTC


def parameter(value):
    """A value as the scripts write it: a letter for its type, then its text."""
    if value is None:
        return "n"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, bytes):
        return "x" + value.hex()
    if isinstance(value, list):
        kind = "I" if isinstance(value[0], int) else "T"
        return kind + ",".join("NULL" if each is None else str(each) for each in value)
    return "t" + value


def shown(value):
    """A value as PostgreSQL shows it in text, NULL as \\N."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list):
        return "{" + ",".join("NULL" if each is None else str(each) for each in value) + "}"
    return str(value)


class Script:
    """The lines of one connection, and what is known of its state."""

    def __init__(self, number, seed):
        self.number = number
        self.random = random.Random(seed * 100 + number)
        self.lines = []
        self.round = 0
        self.balance = 0
        self.kept = []
        self.application_name = None
        self.zone = None
        self.schema = None

    @property
    def mark(self):
        """A number that nobody else has and that was not there before."""
        return self.number * 1000000 + self.round

    def say(self, what, sql="", values=(), rows=()):
        fields = [what, sql, *map(parameter, values)]
        answers = ["\t".join(map(shown, row)) for row in rows]
        self.lines.append("\t->\t".join(["\t".join(fields), *answers]))

    def ask(self, sql, values, *rows):
        self.say("ask", sql, values, rows)

    def prepared(self, sql, values, *rows):
        self.say("prepared", sql, values, rows)

    def plain(self, sql, *rows):
        self.say("plain", sql, (), rows)

    def fails(self, sql, values, sqlstate):
        self.say("fails", sql, values, [[sqlstate]])


def same_text(s):
    """Equal texts on all connections, other values."""
    text = "SELECT CAST($1 AS int4), CAST($2 AS text)"
    name = f"{s.number}/{s.round} it's"
    s.ask(text, [s.mark, name], [s.mark, name])
    s.prepared(text, [s.mark + 1, name], [s.mark + 1, name])
    s.plain(f"SELECT {s.mark}", [s.mark])


def own_text(s):
    """A text that only this connection has, with as many columns as no other."""
    values = [s.mark + k for k in range(s.number + 1)]
    columns = ", ".join(f"CAST(${k + 1} AS int4)" for k in range(len(values)))
    text = f"SELECT 'connection {s.number}' AS who, {columns}"
    s.prepared(text, values, [f"connection {s.number}", *values])
    s.ask(text, values[::-1], [f"connection {s.number}", *values[::-1]])


def many_texts(s):
    """A new text each round, so that what is kept on servers and in drivers is dropped again."""
    s.ask(f"SELECT {s.round}, CAST($1 AS int4)", [s.mark], [s.round, s.mark])
    s.prepared(f"SELECT CAST($1 AS int4), {s.round}", [s.mark], [s.mark, s.round])


def types(s):
    """NULL, bytea, arrays, a type that a driver must look up."""
    s.ask("SELECT CAST($1 AS text), CAST($2 AS int4)", [None, None], [None, None])
    data = bytes([s.number, s.round % 256, 0, 39, 92, 255])
    s.prepared("SELECT CAST($1 AS bytea)", [data], [data])
    s.ask("SELECT CAST($1 AS int4[])", [[s.number, s.round, None]], [[s.number, s.round, None]])
    words = [f"c{s.number}", None, f"r{s.round}"]
    s.prepared("SELECT CAST($1 AS text[])", [words], [words])
    mood = ("calm", "wild")[s.mark % 2]
    s.ask("SELECT CAST($1 AS mood)", [mood], [mood])


def large(s):
    """A value longer than any buffer, every tenth round."""
    if s.round % 10 == s.number:
        value = chr(97 + s.number) * 300000
        s.ask("SELECT CAST($1 AS text)", [value], [value])


def many(s):
    """The driver's way of running one statement with many sets of values."""
    sets = [[s.number, s.mark + k] for k in range(10)]
    values = [value for each in sets for value in (*each, ";")][:-1]
    fields = [";" if value == ";" else parameter(value) for value in values]
    sql = "INSERT INTO kept VALUES (CAST($1 AS int4), CAST($2 AS int4))"
    s.lines.append("\t".join(["many", sql, *fields]))
    s.kept += [n for _, n in sets]
    s.prepared("SELECT CAST(count(*) AS int4), CAST(sum(n) AS text) FROM kept WHERE client = CAST($1 AS int4)",
               [s.number], [len(s.kept), sum(s.kept)])


def stream(s):
    """The driver's way of fetching rows little by little, in a transaction."""
    s.say("begin")
    s.say("stream", "SELECT k, CAST($1 AS int4) FROM generate_series(1, 120) AS k ORDER BY k", [s.mark],
          [[k, s.mark] for k in range(1, 121)])
    s.say("commit")


def add(s, n):
    s.balance += n
    s.ask("UPDATE account SET n = n + CAST($1 AS int4) WHERE id = CAST($2 AS int4) RETURNING n",
          [n, s.number], [s.balance])


def balance(s):
    s.prepared("SELECT n FROM account WHERE id = CAST($1 AS int4)", [s.number], [s.balance])


def commit(s):
    """A transaction's work is seen after it."""
    s.say("begin")
    add(s, 3)
    balance(s)
    s.say("commit")
    balance(s)


def rollback(s):
    """It is not, after a rollback."""
    before = s.balance
    s.say("begin")
    add(s, 5)
    balance(s)
    s.say("rollback")
    s.balance = before
    balance(s)


FAILURES = [
    ("SELECT 1 / CAST($1 AS int4)", [0], "22012"),
    ("SELECT CAST($1 AS int4) FROM nowhere", [0], "42P01"),
    ("INSERT INTO account VALUES (CAST($1 AS int4), 0)", [0], "23505"),
]


def failure(s):
    """Each kind of error outside a transaction, and in one, which can only be rolled back then."""
    for failing in FAILURES:
        s.fails(*failing)
        balance(s)
    s.say("begin")
    s.fails(*s.random.choice(FAILURES))
    s.say("aborted", "SELECT n FROM account WHERE id = CAST($1 AS int4)", [s.number], [["25P02"]])
    s.say("rollback")
    balance(s)


def application_name(s):
    """A setting that the server reports: kept, undone by a rollback, local to a transaction."""
    if s.application_name is None or s.round % 4 == 0:
        s.application_name = f"it's {s.mark}"
        s.plain("SET application_name = '{}'".format(s.application_name.replace("'", "''")))
    s.plain("SHOW application_name", [s.application_name])
    s.say("begin")
    s.plain(f"SET {s.random.choice(['', 'SESSION ', 'LOCAL '])}application_name = 'passing'")
    s.plain("SHOW application_name", ["passing"])
    s.say("rollback")
    s.prepared("SELECT current_setting(CAST($1 AS text))", ["application_name"], [s.application_name])
    s.say("begin")
    s.plain("SET LOCAL application_name = 'passing'")
    s.say("commit")
    s.plain("SHOW application_name", [s.application_name])


def time_zone(s):
    """Another one, on which answers to prepared statements depend."""
    if s.zone is None or s.round % 5 == 0:
        s.zone = ZONES[(s.number + s.round) % len(ZONES)]
        s.plain(f"SET TimeZone = '{s.zone[0]}'")
    s.plain("SHOW TimeZone", [s.zone[0]])
    zone = datetime.timezone(datetime.timedelta(minutes=s.zone[1]))
    time = datetime.datetime.fromtimestamp(A_DAY + s.round, zone)
    text = time.strftime("%Y-%m-%d %H:%M:%S%z")
    text = text[:-2] if text.endswith("00") else f"{text[:-2]}:{text[-2:]}"
    s.prepared("SELECT CAST(to_timestamp(CAST($1 AS int4)) AS text)", [A_DAY + s.round], [text])


def search_path(s):
    """A setting that the server does not report, on which the meaning of equal texts depends."""
    if s.schema is None or s.round % 3 == 0:
        s.schema = f"s{(s.number + s.round) % CONNECTIONS}"
        s.plain(f"SET search_path = {s.schema}, public")
    text = "SELECT name FROM who WHERE id = CAST($1 AS int4)"
    key = s.round % 10
    s.prepared(text, [key], [f"{s.schema} {key}"])
    s.ask(text, [key], [f"{s.schema} {key}"])
    s.say("begin")
    s.plain(f"SET search_path TO s{s.number}, public")
    s.ask(text, [key], [f"s{s.number} {key}"])
    s.say("rollback")
    s.prepared(text, [key], [f"{s.schema} {key}"])
    s.plain("SHOW search_path", [f"{s.schema}, public"])


def statement_timeout(s):
    """Set, shown, reset."""
    timeout = 100001 + s.number * 1000
    s.plain(f"SET statement_timeout = {timeout}")
    s.plain("SHOW statement_timeout", [f"{timeout}ms"])
    s.ask("SELECT current_setting(CAST($1 AS text))", ["statement_timeout"], [f"{timeout}ms"])
    s.plain("RESET statement_timeout")
    s.plain("SHOW statement_timeout", ["0"])
    s.plain(f"SELECT set_config('lock_timeout', '{timeout}', false)", [f"{timeout}ms"])
    s.plain("SHOW lock_timeout", [f"{timeout}ms"])


def set_local(s):
    """What is set for a transaction ends with it."""
    s.say("begin")
    s.plain(f"SET LOCAL work_mem = '{s.number + 5}MB'")
    s.plain("SHOW work_mem", [f"{s.number + 5}MB"])
    s.say("commit")
    s.plain("SHOW work_mem", ["4MB"])


def role(s):
    """SET ROLE, and back."""
    s.plain(f"SET ROLE role{s.number}")
    s.prepared("SELECT CAST(current_user AS text), CAST($1 AS int4)", [s.mark], [f"role{s.number}", s.mark])
    s.plain("RESET ROLE")
    s.prepared("SELECT CAST(current_user AS text), CAST($1 AS int4)", [s.mark], ["demo", s.mark])


def savepoint(s):
    """What was set after a savepoint is undone with it; the rest is committed."""
    timeout = 200001 + s.number * 1000
    s.say("begin")
    s.plain(f"SET lock_timeout = {timeout}")
    s.plain("SAVEPOINT here")
    s.plain(f"SET lock_timeout = {timeout + 1}")
    s.plain("ROLLBACK TO here")
    s.plain("SHOW lock_timeout", [f"{timeout}ms"])
    s.say("commit")
    s.plain("SHOW lock_timeout", [f"{timeout}ms"])


def reset_all(s):
    """Everything as it was at the start, every seventh round."""
    if s.round % 7 == s.number % 7:
        s.plain("RESET ALL")
        s.plain("SHOW search_path", ['"$user", public'])
        s.plain("SHOW lock_timeout", ["0"])
        s.application_name = s.zone = s.schema = None


def sql_prepare(s):
    """PREPARE under a name that all connections use, with a text that no other one has."""
    text = f"SELECT {s.mark} AS mark, n FROM account WHERE id = {s.number}"
    answer = [s.mark, s.balance]
    s.plain(f"PREPARE q AS {text}")
    s.plain("EXECUTE q", answer)
    balance(s)
    s.plain("EXECUTE q", answer)
    s.plain("DEALLOCATE q")
    s.say("begin")
    s.plain(f"PREPARE \"Q\" AS {text}")
    s.plain("EXECUTE \"Q\"", answer)
    s.say("commit")  # after a rollback psycopg 3 sends DEALLOCATE ALL
    s.plain("EXECUTE \"Q\"", answer)
    s.plain("DEALLOCATE PREPARE \"Q\"")


# Groups that may be chosen.
CHECKS = {
    "protocol": [same_text, own_text, many_texts, types, large, many, stream, commit, rollback, failure,
                 application_name, time_zone],
    "settings": [search_path, statement_timeout, set_local, savepoint, role, reset_all],
    "prepare": [sql_prepare],
}


def write(path, groups, rounds, seed):
    """Writes path.0 to path.7."""
    for number in range(CONNECTIONS):
        script = Script(number, seed)
        checks = [check for group in groups for check in CHECKS[group]]
        for script.round in range(rounds):
            script.random.shuffle(checks)
            for check in checks:
                check(script)
        with open(f"{path}.{number}", "w", encoding="utf-8") as file:
            file.write("\n".join(script.lines) + "\n")
