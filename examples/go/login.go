// The second step of a login, with database/sql, whose DB is a pool, and lib/pq.
//
//	DATABASE_URL=postgres://app@db.example.com/shop go run login.go
//
// beginLogin and finishLogin are what a web application calls in its handlers. Here, lines on standard
// input stand for the web: "begin NUMBER", then "finish NUMBER CODE", or with the id of the request in
// place of the number.
//
// Behind a PgBouncer in transaction mode, add binary_parameters=yes to the URL: lib/pq then sends statement
// and parameters at once, and not in two steps that could reach different sessions.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/lib/pq"
)

const sendLimitReached = "MF001"

// errNotYet's text is followed by when the next code may be asked for.
var errNotYet = errors.New("not yet")

// beginLogin sends a code, and returns the id of the request, to keep in the person's session.
func beginLogin(ctx context.Context, db *sql.DB, phone string) (string, error) {
	var request string
	err := db.QueryRowContext(ctx, "SELECT mfa_send($1)", phone).Scan(&request)
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == sendLimitReached {
		return "", fmt.Errorf("%w: %s", errNotYet, refused.Detail)
	}
	return request, err
}

// finishLogin tries a code, for the id of a request or for a number. "verified" is the only good status.
func finishLogin(ctx context.Context, db *sql.DB, request, code string) (status string, attemptsLeft sql.NullInt32, err error) {
	err = db.QueryRowContext(ctx, "SELECT status, attempts_left FROM mfa_check($1, $2)", request, code).
		Scan(&status, &attemptsLeft)
	return status, attemptsLeft, err
}

func serve(ctx context.Context, db *sql.DB, line string) (string, error) {
	words := strings.Fields(line)
	switch {
	case len(words) == 2 && words[0] == "begin":
		request, err := beginLogin(ctx, db, words[1])
		if errors.Is(err, errNotYet) {
			return err.Error(), nil
		}
		return "request " + request, err
	case len(words) == 3 && words[0] == "finish":
		status, attemptsLeft, err := finishLogin(ctx, db, words[1], words[2])
		switch status {
		case "verified":
			return "welcome", err
		case "wrong":
			return fmt.Sprintf("wrong code; attempts left: %d", attemptsLeft.Int32), err
		}
		return "please ask for a new code: " + status, err
	}
	return "begin NUMBER, or finish NUMBER|REQUEST CODE", nil
}

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		answer, err := serve(ctx, db, input.Text())
		cancel()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer)
	}
}
