"""Django over psycopg2: autocommit, atomic() blocks, and the ORM for what the scripts ask of `account`."""

import os

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
                           "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"],
                           "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}},
    USE_TZ=True, TIME_ZONE="Europe/Helsinki", DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()

from django.db import Error, connection, models, transaction  # noqa: E402: these need the settings

from client import Client, main  # noqa: E402


class Account(models.Model):
    id = models.IntegerField(primary_key=True)
    n = models.IntegerField()

    class Meta:
        app_label = "drivers"
        db_table = "account"
        managed = False


class Kept(models.Model):
    # Has no key of its own; Django only needs to be told of one.
    n = models.IntegerField(primary_key=True)
    client = models.IntegerField()

    class Meta:
        app_label = "drivers"
        db_table = "kept"
        managed = False


class Django(Client):
    place = "%s"

    def __init__(self, _number):
        connection.ensure_connection()
        self.atomic = None

    def run(self, call):
        with connection.cursor() as cursor:
            call(cursor)
            return cursor.fetchall() if cursor.description else []

    def ask(self, sql, values):
        return self.run(lambda cursor: cursor.execute(sql, values))

    def prepared(self, sql, values):
        if sql.startswith("SELECT n FROM account"):
            return [(Account.objects.get(id=values[0]).n,)]
        return self.ask(sql, values)

    def plain(self, sql):
        return self.run(lambda cursor: cursor.execute(sql))

    def many(self, sql, sets):
        Kept.objects.bulk_create([Kept(client=number, n=n) for number, n in sets])

    def stream(self, sql, values):
        # A queryset's iterator() is a server-side cursor; a raw cursor has none.
        assert [each.id for each in Account.objects.order_by("id").iterator(chunk_size=3)] == list(range(8))
        return self.ask(sql, values)

    def begin(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def commit(self):
        self.atomic.__exit__(None, None, None)

    def rollback(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def sqlstate(self, error):
        return getattr(error.__cause__, "pgcode", None) if isinstance(error, Error) else None


main("Django " + django.get_version(), Django)
