"""What the Python programs have in common: eight threads, each with a connection and its script.

A program makes a subclass of Client for its driver and calls main().
"""

import os
import re
import sys
import threading

CONNECTIONS = 8
PLACE = re.compile(r"\$(\d+)")


class Client:
    """A connection. ask() and sqlstate() must be there; the others have a meaning without a driver's help."""

    # What stands for a parameter in the driver's texts; {} is its number.
    place = "${}"

    def ask(self, sql, values):
        """Runs a statement with values and returns its rows."""
        raise NotImplementedError

    def sqlstate(self, error):
        raise NotImplementedError

    def prepared(self, sql, values):
        return self.ask(sql, values)

    def plain(self, sql):
        return self.ask(sql, [])

    def stream(self, sql, values):
        return self.ask(sql, values)

    def many(self, sql, sets):
        for values in sets:
            self.ask(sql, values)

    def fails(self, sql, values):
        try:
            self.ask(sql, values)
        except Exception as error:
            state = self.sqlstate(error)
            if state is None:
                raise
            return [[state]]
        return [["no error"]]

    def aborted(self, sql, values):
        return self.fails(sql, values)

    def begin(self):
        self.plain("BEGIN")

    def commit(self):
        self.plain("COMMIT")

    def rollback(self):
        self.plain("ROLLBACK")


def value(field):
    kind, text = field[0], field[1:]
    if kind == "n":
        return None
    if kind == "i":
        return int(text)
    if kind == "x":
        return bytes.fromhex(text)
    if kind == "t":
        return text
    read = int if kind == "I" else str
    return [None if each == "NULL" else read(each) for each in text.split(",")]


def shown(cell):
    if cell is None:
        return "\\N"
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(cell).hex()
    if isinstance(cell, list):
        return "{" + ",".join("NULL" if each is None else str(each) for each in cell) + "}"
    return str(cell)


def sets_of(fields):
    sets = [[]]
    for field in fields:
        if field == ";":
            sets.append([])
        else:
            sets[-1].append(value(field))
    return sets


def answer(client, what, sql, fields):
    """The rows of one line, as text."""
    if what in ("begin", "commit", "rollback"):
        getattr(client, what)()
        return []
    if what == "plain":
        rows = client.plain(sql)
    elif what == "many":
        rows = client.many(sql, sets_of(fields))
    else:
        rows = getattr(client, what)(sql, [value(field) for field in fields])
    return ["\t".join(map(shown, row)) for row in rows or []]


def fail(number, line, question, expected, came):
    os.write(1, f"connection {number}, line {line}: {question[:300]}\n"
                f"  expected: {str(expected)[:300]}\n  came:     {str(came)[:600]}\n".encode())
    os._exit(1)


def play(client, number, counts):
    with open(f"{os.environ['SCRIPT']}.{number}", encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            question, *expected = text.rstrip("\n").split("\t->\t")
            what, sql, *fields = question.split("\t")
            try:
                came = answer(client, what, PLACE.sub(lambda m: client.place.format(m[1]), sql), fields)
            except Exception as error:
                fail(number, line, question, expected, f"{type(error).__name__}: {error}")
            if came != expected:
                fail(number, line, question, expected, came)
            counts[number] += 1


def main(name, make):
    """Plays all scripts at once over the clients that make(number) returns."""
    counts = [0] * CONNECTIONS
    together = threading.Barrier(CONNECTIONS)

    def run(number):
        try:
            client = make(number)
        except Exception as error:
            fail(number, 0, "connect", [], f"{type(error).__name__}: {error}")
        together.wait()
        play(client, number, counts)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{name}: {sum(counts)} queries, 0 wrong")
    sys.stdout.flush()
