// pgx: every statement is prepared under a name of the driver's and kept; a batch is a pipeline.
package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgtype"
	"github.com/jackc/pgx/v4"
)

type pgxClient struct {
	connection  *pgx.Conn
	transaction pgx.Tx
	names       map[string]string
}

func argument(field string) any {
	texts := []*string{}
	numbers := []*int32{}
	for _, each := range strings.Split(field[1:], ",") {
		text, number := each, int32(0)
		parsed, _ := strconv.Atoi(each)
		number = int32(parsed)
		if each == "NULL" {
			texts, numbers = append(texts, nil), append(numbers, nil)
		} else {
			texts, numbers = append(texts, &text), append(numbers, &number)
		}
	}
	switch field[0] {
	case 'I':
		return numbers
	case 'T':
		return texts
	}
	return value(field)
}

func arguments(fields []string) []any {
	list := []any{}
	for _, field := range fields {
		list = append(list, argument(field))
	}
	return list
}

func shown(cell any) string {
	switch typed := cell.(type) {
	case nil:
		return `\N`
	case []byte:
		return `\x` + hex.EncodeToString(typed)
	case pgtype.TextEncoder: // arrays
		text, _ := typed.EncodeText(nil, nil)
		return strings.ReplaceAll(string(text), `"`, "")
	}
	return fmt.Sprint(cell)
}

func read(rows pgx.Rows, err error) ([][]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	table := [][]string{}
	for rows.Next() {
		cells, err := rows.Values()
		if err != nil {
			return nil, err
		}
		row := []string{}
		for _, cell := range cells {
			if array, ok := cell.(pgtype.Int4Array); ok {
				cell = &array
			} else if array, ok := cell.(pgtype.TextArray); ok {
				cell = &array
			}
			row = append(row, shown(cell))
		}
		table = append(table, row)
	}
	return table, rows.Err()
}

func (c *pgxClient) ask(sql string, fields []string) ([][]string, error) {
	if c.transaction != nil {
		return read(c.transaction.Query(background, sql, arguments(fields)...))
	}
	return read(c.connection.Query(background, sql, arguments(fields)...))
}

func (c *pgxClient) prepared(sql string, fields []string) ([][]string, error) {
	if c.names[sql] == "" {
		name := fmt.Sprintf("q%d", len(c.names))
		if _, err := c.connection.Prepare(background, name, sql); err != nil {
			return nil, err
		}
		c.names[sql] = name
	}
	return c.ask(c.names[sql], fields)
}

func (c *pgxClient) plain(sql string) ([][]string, error) { return c.ask(sql, nil) }

func (c *pgxClient) many(sql string, sets [][]string) error {
	batch := &pgx.Batch{}
	for _, fields := range sets {
		batch.Queue(sql, arguments(fields)...)
	}
	return c.connection.SendBatch(background, batch).Close()
}

func (c *pgxClient) begin() (err error) {
	c.transaction, err = c.connection.Begin(background)
	return err
}

func (c *pgxClient) end(commit bool) error {
	transaction := c.transaction
	c.transaction = nil
	if commit {
		return transaction.Commit(background)
	}
	return transaction.Rollback(background)
}

func (c *pgxClient) sqlstate(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return ""
}

func main() {
	run("pgx "+os.Getenv("VERSION"), func() (Client, error) {
		connection, err := pgx.Connect(background, "")
		return &pgxClient{connection: connection, names: map[string]string{}}, err
	})
}
