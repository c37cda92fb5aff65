// lib/pq under database/sql: an unnamed statement is parsed and bound in different batches.
package main

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/lib/pq"
)

type libPq struct {
	connection  *sql.Conn
	transaction *sql.Tx
	statements  map[string]*sql.Stmt
}

func argument(field string) any {
	if field[0] != 'I' && field[0] != 'T' {
		return value(field)
	}
	texts := []sql.NullString{}
	numbers := []sql.NullInt64{}
	for _, each := range strings.Split(field[1:], ",") {
		number, _ := strconv.ParseInt(each, 10, 64)
		numbers = append(numbers, sql.NullInt64{Int64: number, Valid: each != "NULL"})
		texts = append(texts, sql.NullString{String: each, Valid: each != "NULL"})
	}
	if field[0] == 'I' {
		return pq.Array(numbers)
	}
	return pq.Array(texts)
}

func arguments(fields []string) []any {
	list := []any{}
	for _, field := range fields {
		list = append(list, argument(field))
	}
	return list
}

func shown(cell any, column *sql.ColumnType) string {
	bytes, isBytes := cell.([]byte)
	switch {
	case cell == nil:
		return `\N`
	case isBytes && column.DatabaseTypeName() == "BYTEA":
		return `\x` + hex.EncodeToString(bytes)
	case isBytes:
		return string(bytes)
	}
	return fmt.Sprint(cell)
}

func read(rows *sql.Rows, err error) ([][]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	table := [][]string{}
	for rows.Next() {
		cells := make([]any, len(columns))
		places := make([]any, len(columns))
		for k := range cells {
			places[k] = &cells[k]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		row := []string{}
		for k, cell := range cells {
			row = append(row, shown(cell, columns[k]))
		}
		table = append(table, row)
	}
	return table, rows.Err()
}

func (c *libPq) ask(text string, fields []string) ([][]string, error) {
	if c.transaction != nil {
		return read(c.transaction.QueryContext(background, text, arguments(fields)...))
	}
	return read(c.connection.QueryContext(background, text, arguments(fields)...))
}

func (c *libPq) prepared(text string, fields []string) ([][]string, error) {
	if c.transaction != nil {
		return c.preparedInTransaction(text, fields)
	}
	if c.statements[text] == nil {
		statement, err := c.connection.PrepareContext(background, text)
		if err != nil {
			return nil, err
		}
		c.statements[text] = statement
	}
	return read(c.statements[text].QueryContext(background, arguments(fields)...))
}

func (c *libPq) preparedInTransaction(text string, fields []string) ([][]string, error) {
	statement, err := c.transaction.PrepareContext(background, text)
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	return read(statement.QueryContext(background, arguments(fields)...))
}

func (c *libPq) plain(text string) ([][]string, error) { return c.ask(text, nil) }

func (c *libPq) many(text string, sets [][]string) error {
	statement, err := c.connection.PrepareContext(background, text)
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, fields := range sets {
		if _, err := statement.ExecContext(background, arguments(fields)...); err != nil {
			return err
		}
	}
	return nil
}

func (c *libPq) begin() (err error) {
	c.transaction, err = c.connection.BeginTx(background, nil)
	return err
}

func (c *libPq) end(commit bool) error {
	transaction := c.transaction
	c.transaction = nil
	if commit {
		return transaction.Commit()
	}
	return transaction.Rollback()
}

func (c *libPq) sqlstate(err error) string {
	var failure *pq.Error
	if errors.As(err, &failure) {
		return string(failure.Code)
	}
	return ""
}

func main() {
	// Everything else comes from the environment; the default of sslmode is require.
	database, err := sql.Open("postgres", "sslmode=disable")
	if err != nil {
		panic(err)
	}
	run("lib/pq "+os.Getenv("VERSION"), func() (Client, error) {
		connection, err := database.Conn(background)
		return &libPq{connection: connection, statements: map[string]*sql.Stmt{}}, err
	})
}
