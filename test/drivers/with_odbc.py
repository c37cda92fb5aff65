"""PostgreSQL's ODBC driver, through pyodbc. Arrays are texts to it.

Connections with an even number are in autocommit mode, the others commit after each statement.
"""

import os

import pyodbc

from client import Client, main, shown

TARGET = "DRIVER={{PostgreSQL Unicode}};SERVER={PGHOST};PORT={PGPORT};DATABASE={PGDATABASE};UID={PGUSER};PWD={PGPASSWORD}"


def plain_values(values):
    return [shown(each) if isinstance(each, list) else each for each in values]


class Odbc(Client):
    place = "?"

    def __init__(self, number):
        self.connection = pyodbc.connect(TARGET.format(**os.environ), autocommit=number % 2 == 0)
        self.autocommit = self.connection.autocommit
        self.in_transaction = False
        self.statements = {}

    def settle(self, end):
        if not self.in_transaction and not self.autocommit:
            end()

    def run(self, call):
        try:
            cursor = call()
            rows = cursor.fetchall() if cursor.description else []
        except pyodbc.Error:
            self.settle(self.connection.rollback)
            raise
        self.settle(self.connection.commit)
        return rows

    def ask(self, sql, values):
        return self.run(lambda: self.connection.cursor().execute(sql, plain_values(values)))

    def prepared(self, sql, values):
        # A cursor that runs its text again does not prepare it again.
        cursor = self.statements.setdefault(sql, self.connection.cursor())
        return self.run(lambda: cursor.execute(sql, plain_values(values)))

    def plain(self, sql):
        return self.run(lambda: self.connection.cursor().execute(sql))

    def many(self, sql, sets):
        def call():
            cursor = self.connection.cursor()
            cursor.executemany(sql, sets)
            return cursor
        self.run(call)

    def aborted(self, sql, values):
        # The driver undoes a failed statement by a savepoint, so that the transaction goes on.
        self.ask(sql, values)
        return [["25P02"]]

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
        return error.args[0] if isinstance(error, pyodbc.Error) else None


version = pyodbc.connect(TARGET.format(**os.environ)).getinfo(pyodbc.SQL_DRIVER_VER)
main(f"psqlodbc {version}, pyodbc {pyodbc.version}", Odbc)
