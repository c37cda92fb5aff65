// What the Go programs have in common: eight goroutines, each with a connection and its script.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const connections = 8

var background = context.Background()

// Client is a connection of some driver. Rows come as cells of text; sqlstate is empty for errors
// that are not the server's.
type Client interface {
	ask(sql string, fields []string) ([][]string, error)
	prepared(sql string, fields []string) ([][]string, error)
	plain(sql string) ([][]string, error)
	many(sql string, sets [][]string) error
	begin() error
	end(commit bool) error
	sqlstate(err error) string
}

// A value that is no array; arrays are the drivers' own matter.
func value(field string) any {
	text := field[1:]
	switch field[0] {
	case 'n':
		return nil
	case 'i':
		number, _ := strconv.Atoi(text)
		return int32(number)
	case 'x':
		bytes, _ := hex.DecodeString(text)
		return bytes
	}
	return text
}

func setsOf(fields []string) [][]string {
	sets := [][]string{nil}
	for _, field := range fields {
		if field == ";" {
			sets = append(sets, nil)
		} else {
			sets[len(sets)-1] = append(sets[len(sets)-1], field)
		}
	}
	return sets
}

func answer(client Client, what, sql string, fields []string) ([][]string, error) {
	switch what {
	case "plain":
		return client.plain(sql)
	case "prepared":
		return client.prepared(sql, fields)
	case "many":
		return nil, client.many(sql, setsOf(fields))
	case "begin":
		return nil, client.begin()
	case "commit", "rollback":
		return nil, client.end(what == "commit")
	case "fails", "aborted":
		_, err := client.ask(sql, fields)
		if err == nil {
			return [][]string{{"no error"}}, nil
		}
		if state := client.sqlstate(err); state != "" {
			return [][]string{{state}}, nil
		}
		return nil, err
	}
	return client.ask(sql, fields)
}

func fail(number, line int, question string, expected []string, came any) {
	fmt.Printf("connection %d, line %d: %.300s\n  expected: %.300s\n  came:     %.600s\n",
		number, line, question, fmt.Sprint(expected), fmt.Sprint(came))
	os.Exit(1)
}

func play(client Client, number int) int {
	text, err := os.ReadFile(fmt.Sprintf("%s.%d", os.Getenv("SCRIPT"), number))
	if err != nil {
		fail(number, 0, "script", nil, err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	for k, line := range lines {
		parts := strings.Split(line, "\t->\t")
		question, expected := parts[0], parts[1:]
		fields := strings.Split(question, "\t")
		rows, err := answer(client, fields[0], fields[1], fields[2:])
		if err != nil {
			fail(number, k+1, question, expected, err)
		}
		came := []string{}
		for _, row := range rows {
			came = append(came, strings.Join(row, "\t"))
		}
		if !reflect.DeepEqual(came, append([]string{}, expected...)) {
			fail(number, k+1, question, expected, came)
		}
	}
	return len(lines)
}

func run(name string, connect func() (Client, error)) {
	var queries int64
	var all, ready sync.WaitGroup
	ready.Add(connections)
	for number := 0; number < connections; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			client, err := connect()
			if err != nil {
				fail(number, 0, "connect", nil, err)
			}
			ready.Done()
			ready.Wait()
			atomic.AddInt64(&queries, int64(play(client, number)))
		}(number)
	}
	all.Wait()
	fmt.Printf("%s: %d queries, 0 wrong\n", name, queries)
}
