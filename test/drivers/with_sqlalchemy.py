"""SQLAlchemy over psycopg2, in its own manner: a transaction begins by itself and is committed.

Connections come from its pool. Even numbers have isolation_level AUTOCOMMIT, the manner of many web frameworks.
"""

import os

import sqlalchemy
from sqlalchemy import text

from client import Client, main

engine = sqlalchemy.create_engine("postgresql+psycopg2:///" + os.environ["PGDATABASE"], pool_size=8, future=True)


class SqlAlchemy(Client):
    place = ":p{}"

    def __init__(self, number):
        self.autocommit = number % 2 == 0
        self.connection = engine.connect()
        if self.autocommit:
            self.connection = self.connection.execution_options(isolation_level="AUTOCOMMIT")
        self.in_transaction = False

    def run(self, sql, values):
        try:
            result = self.connection.execute(text(sql), values)
            rows = result.fetchall() if result.returns_rows else []
        except sqlalchemy.exc.DBAPIError:
            if not self.in_transaction:
                self.connection.rollback()
            raise
        if not self.in_transaction:
            self.connection.commit()
        return rows

    def ask(self, sql, values):
        return self.run(sql, {f"p{k}": each for k, each in enumerate(values, 1)})

    def many(self, sql, sets):
        self.run(sql, [{f"p{k}": each for k, each in enumerate(values, 1)} for values in sets])

    def stream(self, sql, values):
        statement = text(sql).execution_options(stream_results=True, yield_per=50)
        return self.connection.execute(statement, {"p1": values[0]}).fetchall()

    def isolation(self, level):
        if self.autocommit:
            self.connection = self.connection.execution_options(isolation_level=level)

    def begin(self):
        self.isolation("READ COMMITTED")
        self.in_transaction = True

    def end(self, how):
        how()
        self.in_transaction = False
        self.isolation("AUTOCOMMIT")

    def commit(self):
        self.end(self.connection.commit)

    def rollback(self):
        self.end(self.connection.rollback)

    def sqlstate(self, error):
        return getattr(getattr(error, "orig", None), "pgcode", None)


main("SQLAlchemy " + sqlalchemy.__version__, SqlAlchemy)
