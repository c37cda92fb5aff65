// JDBC: a thread per connection. The driver prepares under a name what it has run five times; a batch is a pipeline.

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.*;
import java.util.*;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;

class WithJdbc {
    static final int CONNECTIONS = 8;
    static final AtomicInteger queries = new AtomicInteger();
    static final CyclicBarrier together = new CyclicBarrier(CONNECTIONS);

    static Connection connect() throws SQLException {
        var env = System.getenv();
        return DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/"
            + env.get("PGDATABASE"), env.get("PGUSER"), env.get("PGPASSWORD"));
    }

    static class Client {
        final Connection connection;
        final Map<String, PreparedStatement> kept = new HashMap<>();

        Client() throws SQLException { connection = connect(); }

        Array array(String type, String text) throws SQLException {
            var elements = new ArrayList<Object>();
            for (String each : text.split(","))
                elements.add(each.equals("NULL") ? null : type.equals("int4") ? (Object) Integer.valueOf(each) : each);
            return connection.createArrayOf(type, elements.toArray());
        }

        void bind(PreparedStatement statement, int place, String field) throws SQLException {
            String text = field.substring(1);
            switch (field.charAt(0)) {
                case 'n' -> statement.setNull(place, Types.NULL);
                case 'i' -> statement.setInt(place, Integer.parseInt(text));
                case 't' -> statement.setString(place, text);
                case 'x' -> statement.setBytes(place, HexFormat.of().parseHex(text));
                case 'I' -> statement.setArray(place, array("int4", text));
                default -> statement.setArray(place, array("text", text));
            }
        }

        PreparedStatement bound(PreparedStatement statement, List<String> fields) throws SQLException {
            for (int k = 0; k < fields.size(); k++) bind(statement, k + 1, fields.get(k));
            return statement;
        }

        List<String> rows(Statement statement, boolean hasRows) throws SQLException {
            var rows = new ArrayList<String>();
            if (!hasRows) return rows;
            try (ResultSet result = statement.getResultSet()) {
                int columns = result.getMetaData().getColumnCount();
                while (result.next()) {
                    var row = new ArrayList<String>();
                    for (int k = 1; k <= columns; k++) row.add(shown(result.getObject(k)));
                    rows.add(String.join("\t", row));
                }
            }
            return rows;
        }

        List<String> ask(String sql, List<String> fields, int fetchSize) throws SQLException {
            try (var statement = bound(connection.prepareStatement(sql), fields)) {
                statement.setFetchSize(fetchSize);
                return rows(statement, statement.execute());
            }
        }

        List<String> prepared(String sql, List<String> fields) throws SQLException {
            if (!kept.containsKey(sql)) kept.put(sql, connection.prepareStatement(sql));
            var statement = bound(kept.get(sql), fields);
            return rows(statement, statement.execute());
        }

        List<String> plain(String sql) throws SQLException {
            try (var statement = connection.createStatement()) {
                return rows(statement, statement.execute(sql));
            }
        }

        List<String> many(String sql, List<String> fields) throws SQLException {
            try (var statement = connection.prepareStatement(sql)) {
                for (int from = 0, k = 0; k <= fields.size(); k++) {
                    if (k < fields.size() && !fields.get(k).equals(";")) continue;
                    bound(statement, fields.subList(from, k)).addBatch();
                    from = k + 1;
                }
                statement.executeBatch();
            }
            return List.of();
        }

        List<String> fails(String sql, List<String> fields) throws SQLException {
            try {
                ask(sql, fields, 0);
            } catch (SQLException error) {
                if (error.getSQLState().startsWith("08")) throw error;
                return List.of(error.getSQLState());
            }
            return List.of("no error");
        }

        List<String> begin() throws SQLException {
            connection.setAutoCommit(false);
            return List.of();
        }

        List<String> end(boolean commit) throws SQLException {
            if (commit) connection.commit(); else connection.rollback();
            connection.setAutoCommit(true);
            return List.of();
        }

        List<String> answer(String what, String sql, List<String> fields) throws SQLException {
            return switch (what) {
                case "ask" -> ask(sql, fields, 0);
                case "prepared" -> prepared(sql, fields);
                case "plain" -> plain(sql);
                case "stream" -> ask(sql, fields, 50);
                case "many" -> many(sql, fields);
                case "fails", "aborted" -> fails(sql, fields);
                case "begin" -> begin();
                default -> end(what.equals("commit"));
            };
        }
    }

    static String shown(Object cell) throws SQLException {
        if (cell == null) return "\\N";
        if (cell instanceof byte[] bytes) return "\\x" + HexFormat.of().formatHex(bytes);
        if (cell instanceof Array array)
            return Arrays.toString((Object[]) array.getArray()).replace("null", "NULL").replace(", ", ",")
                .replace('[', '{').replace(']', '}');
        return cell.toString();
    }

    static void fail(int number, int line, String question, Object expected, Object came) {
        System.out.printf("connection %d, line %d: %.300s%n  expected: %.300s%n  came:     %.600s%n",
            number, line, question, expected, came);
        System.out.flush();
        Runtime.getRuntime().halt(1);
    }

    static void play(int number) {
        int line = 0;
        String question = "connect";
        List<String> expected = List.of();
        try {
            var client = new Client();
            together.await();
            for (String text : Files.readAllLines(Path.of(System.getenv("SCRIPT") + "." + number))) {
                line++;
                var parts = List.of(text.split("\t->\t", -1));
                question = parts.get(0);
                expected = parts.subList(1, parts.size());
                var fields = List.of(question.split("\t", -1));
                var came = client.answer(fields.get(0), fields.get(1).replaceAll("\\$\\d+", "?"),
                    fields.subList(2, fields.size()));
                if (!came.equals(expected)) fail(number, line, question, expected, came);
                queries.incrementAndGet();
            }
        } catch (Exception error) {
            fail(number, line, question, expected, error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        var threads = new ArrayList<Thread>();
        for (int k = 0; k < CONNECTIONS; k++) {
            int number = k;
            threads.add(new Thread(() -> play(number)));
        }
        for (var thread : threads) thread.start();
        for (var thread : threads) thread.join();
        System.out.printf("JDBC %s: %d queries, 0 wrong%n", org.postgresql.util.DriverInfo.DRIVER_VERSION, queries.get());
    }
}
