"""psycopg2. Connections with an even number are in autocommit mode, the others commit after each statement."""

import psycopg2

from client import Client, main


class Psycopg2(Client):
    place = "%s"

    def __init__(self, number):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = number % 2 == 0
        self.autocommit = self.connection.autocommit
        self.in_transaction = False

    def settle(self, end):
        if not self.in_transaction and not self.autocommit:
            end()

    def run(self, call):
        try:
            with self.connection.cursor() as cursor:
                call(cursor)
                rows = cursor.fetchall() if cursor.description else []
        except psycopg2.Error:
            self.settle(self.connection.rollback)
            raise
        self.settle(self.connection.commit)
        return rows

    def ask(self, sql, values):
        return self.run(lambda cursor: cursor.execute(sql, values))

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
        self.in_transaction = True
        self.connection.autocommit = False

    def end(self, how):
        how()
        self.in_transaction = False
        self.connection.autocommit = self.autocommit

    def commit(self):
        self.end(self.connection.commit)

    def rollback(self):
        self.end(self.connection.rollback)

    def sqlstate(self, error):
        return getattr(error, "pgcode", None)


main("psycopg2 " + psycopg2.__version__.split()[0], Psycopg2)
