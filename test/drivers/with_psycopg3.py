"""psycopg 3, which prepares what it has run five times, and sends executemany() as a pipeline.

Connections with an even number are in autocommit mode, the others commit after each statement.
"""

import psycopg

from client import Client, main


class Psycopg3(Client):
    place = "%s"

    def __init__(self, number):
        self.connection = psycopg.connect("", autocommit=number % 2 == 0)
        self.transaction = None

    def run(self, call):
        try:
            with self.connection.cursor() as cursor:
                call(cursor)
                rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error:
            if not self.transaction:
                self.connection.rollback()
            raise
        if not self.transaction:
            self.connection.commit()
        return rows

    def ask(self, sql, values):
        return self.run(lambda cursor: cursor.execute(sql, values))

    def prepared(self, sql, values):
        return self.run(lambda cursor: cursor.execute(sql, values, prepare=True))

    def plain(self, sql):
        return self.run(lambda cursor: cursor.execute(sql))

    def many(self, sql, sets):
        self.run(lambda cursor: cursor.executemany(sql, sets))

    def stream(self, sql, values):
        with self.connection.cursor("streamed") as cursor:
            cursor.itersize = 50
            cursor.execute(sql, values)
            return list(cursor)

    def begin(self):
        self.transaction = self.connection.transaction()
        self.transaction.__enter__()

    def commit(self):
        self.transaction.__exit__(None, None, None)
        self.transaction = None

    def rollback(self):
        undo = psycopg.Rollback()
        self.transaction.__exit__(psycopg.Rollback, undo, None)
        self.transaction = None

    def sqlstate(self, error):
        return getattr(error, "sqlstate", None)


main("psycopg " + psycopg.__version__, Psycopg3)
