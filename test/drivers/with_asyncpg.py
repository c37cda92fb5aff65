"""asyncpg: all connections on one event loop, which prepares every statement that has values."""

import asyncio
import threading

import asyncpg

from client import Client, main

loop = asyncio.new_event_loop()


def wait(awaitable):
    return asyncio.run_coroutine_threadsafe(awaitable, loop).result()


class Asyncpg(Client):
    def __init__(self, _number):
        self.connection = wait(asyncpg.connect())
        self.statements = {}
        self.transaction = None

    def ask(self, sql, values):
        return wait(self.connection.fetch(sql, *values))

    def prepared(self, sql, values):
        if sql not in self.statements:
            self.statements[sql] = wait(self.connection.prepare(sql))
        return wait(self.statements[sql].fetch(*values))

    def plain(self, sql):
        if sql.startswith(("SELECT", "SHOW", "EXECUTE")):
            return wait(self.connection.fetch(sql))
        wait(self.connection.execute(sql))

    def many(self, sql, sets):
        wait(self.connection.executemany(sql, sets))

    def stream(self, sql, values):
        async def rows():
            return [row async for row in self.connection.cursor(sql, *values, prefetch=50)]
        return wait(rows())

    def begin(self):
        self.transaction = self.connection.transaction()
        wait(self.transaction.start())

    def commit(self):
        wait(self.transaction.commit())

    def rollback(self):
        wait(self.transaction.rollback())

    def sqlstate(self, error):
        return getattr(error, "sqlstate", None)


threading.Thread(target=loop.run_forever, daemon=True).start()
main("asyncpg " + asyncpg.__version__, Asyncpg)
