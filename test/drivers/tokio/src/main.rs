//! tokio-postgres: every statement is prepared under a name of the driver's and closed when it is dropped;
//! what does not wait for an answer is sent at once, as a pipeline.

use futures_util::future::{try_join_all, BoxFuture, FutureExt};
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio_postgres::types::{private::BytesMut, to_sql_checked, FromSql, IsNull, Kind, ToSql, Type};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, Statement};

type Failure = Box<dyn Error + Send + Sync>;

/// A value of the script, sent in the binary form of whatever type the server wants.
#[derive(Debug)]
struct Field(String);

impl ToSql for Field {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        let text = &self.0[1..];
        let elements = || text.split(',').map(|each| (each != "NULL").then_some(each));
        match &self.0[..1] {
            "n" => Ok(IsNull::Yes),
            "i" => text.parse::<i32>()?.to_sql(wanted, out),
            "x" => bytes_of(text)?.to_sql(wanted, out),
            "I" => elements()
                .map(|each| each.map(str::parse::<i32>).transpose())
                .collect::<Result<Vec<_>, _>>()?
                .to_sql(wanted, out),
            "T" => elements().collect::<Vec<_>>().to_sql(wanted, out),
            _ => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..hex.len())
        .step_by(2)
        .map(|k| u8::from_str_radix(&hex[k..k + 2], 16))
        .collect()
}

/// A cell as PostgreSQL shows it in text.
struct Shown(String);

impl<'a> FromSql<'a> for Shown {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        if let Kind::Array(_) = of.kind() {
            let elements: Vec<Option<Shown>> = FromSql::from_sql(of, raw)?;
            let texts: Vec<_> = elements
                .into_iter()
                .map(|each| each.map_or("NULL".into(), |shown| shown.0))
                .collect();
            return Ok(Shown(format!("{{{}}}", texts.join(","))));
        }
        Ok(Shown(match *of {
            Type::INT4 => i32::from_sql(of, raw)?.to_string(),
            Type::BYTEA => format!(
                "\\x{}",
                raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            ),
            _ => std::str::from_utf8(raw)?.to_string(),
        }))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

struct Connection {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Connection {
    async fn open() -> Result<Self, Failure> {
        let of = |name: &str| std::env::var(name).unwrap();
        let target = format!(
            "host={} port={} dbname={} user={} password={}",
            of("PGHOST"),
            of("PGPORT"),
            of("PGDATABASE"),
            of("PGUSER"),
            of("PGPASSWORD")
        );
        let (client, connection) = tokio_postgres::connect(&target, NoTls).await?;
        tokio::spawn(connection);
        Ok(Connection {
            client,
            statements: Mutex::default(),
        })
    }

    async fn rows(&self, statement: &Statement, fields: &[&str]) -> Result<Vec<String>, Failure> {
        let values: Vec<Field> = fields.iter().map(|field| Field(field.to_string())).collect();
        let references: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let rows = self.client.query(statement, &references).await?;
        rows.iter()
            .map(|row| {
                let cells: Result<Vec<_>, _> = (0..row.len())
                    .map(|k| row.try_get::<_, Option<Shown>>(k))
                    .collect();
                Ok(cells?
                    .into_iter()
                    .map(|cell| cell.map_or("\\N".into(), |shown| shown.0))
                    .collect::<Vec<_>>()
                    .join("\t"))
            })
            .collect()
    }

    async fn ask(&self, sql: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
        let statement = self.client.prepare(sql).await?;
        self.rows(&statement, fields).await
    }

    async fn prepared(&self, sql: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
        let known = self.statements.lock().await.get(sql).cloned();
        let statement = match known {
            Some(statement) => statement,
            None => self.client.prepare(sql).await?,
        };
        self.statements.lock().await.insert(sql.into(), statement.clone());
        self.rows(&statement, fields).await
    }

    async fn plain(&self, sql: &str) -> Result<Vec<String>, Failure> {
        let messages = self.client.simple_query(sql).await?;
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|k| row.get(k).unwrap_or("\\N"))
                        .collect::<Vec<_>>()
                        .join("\t"),
                ),
                _ => None,
            })
            .collect())
    }

    async fn many(&self, sql: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
        let statement = self.client.prepare(sql).await?;
        try_join_all(
            fields
                .split(|field| *field == ";")
                .map(|set| self.rows(&statement, set)),
        )
        .await?;
        Ok(vec![])
    }

    async fn fails(&self, sql: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
        let Err(error) = self.ask(sql, fields).await else {
            return Ok(vec!["no error".into()]);
        };
        let state = error
            .downcast_ref::<tokio_postgres::Error>()
            .and_then(|error| error.code())
            .map(|code| code.code().to_string());
        state.map(|code| vec![code]).ok_or(error)
    }

    async fn answer(&self, what: &str, sql: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
        match what {
            "prepared" => self.prepared(sql, fields).await,
            "plain" => self.plain(sql).await,
            "many" => self.many(sql, fields).await,
            "fails" | "aborted" => self.fails(sql, fields).await,
            "begin" | "commit" | "rollback" => self.plain(what).await,
            _ => self.ask(sql, fields).await,
        }
    }
}

fn fail(number: usize, line: usize, question: &str, expected: &[&str], came: String) -> ! {
    println!(
        "connection {number}, line {line}: {question:.300}\n  expected: {:.300}\n  came:     {came:.600}",
        expected.join(" | ")
    );
    std::process::exit(1)
}

async fn line(connection: &Connection, number: usize, at: usize, text: &str) {
    let mut parts = text.split("\t->\t");
    let question = parts.next().unwrap();
    let expected: Vec<&str> = parts.collect();
    let fields: Vec<&str> = question.split('\t').collect();
    match connection.answer(fields[0], fields[1], &fields[2..]).await {
        Ok(came) if came == expected => {}
        Ok(came) => fail(number, at, question, &expected, came.join(" | ")),
        Err(error) => fail(number, at, question, &expected, format!("{error:?}")),
    }
}

async fn play(connection: Arc<Connection>, number: usize) -> usize {
    let script = std::fs::read_to_string(format!("{}.{number}", std::env::var("SCRIPT").unwrap())).unwrap();
    let mut flying: Vec<BoxFuture<()>> = vec![];
    for (k, text) in script.lines().enumerate() {
        // One that is prepared already overtakes others, so only what reads goes together.
        let waits = !text.starts_with("ask\tSELECT") && !text.starts_with("prepared\tSELECT");
        if waits {
            futures_util::future::join_all(flying.drain(..)).await;
        }
        flying.push(line(&connection, number, k + 1, text).boxed());
        if waits {
            futures_util::future::join_all(flying.drain(..)).await;
        }
    }
    futures_util::future::join_all(flying).await;
    script.lines().count()
}

#[tokio::main]
async fn main() {
    let opened = try_join_all((0..8).map(|_| Connection::open())).await;
    let connections = opened.unwrap_or_else(|error| fail(0, 0, "connect", &[], format!("{error:?}")));
    let players = connections
        .into_iter()
        .enumerate()
        .map(|(number, each)| tokio::spawn(play(Arc::new(each), number)));
    let queries: usize = try_join_all(players).await.unwrap().into_iter().sum();
    println!(
        "tokio-postgres {}: {queries} queries, 0 wrong",
        std::env::var("VERSION").unwrap_or_default()
    );
}
