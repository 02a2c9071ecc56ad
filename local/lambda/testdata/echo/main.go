// Command echo is a function that asks ECHO_URL what to do, and does it.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
)

type order struct {
	ID string `json:"id"`
}

type answer struct {
	ID  string `json:"id"`
	PID int    `json:"pid"`
}

func main() {
	if os.Getenv("ECHO_BROKEN") != "" {
		os.Exit(7)
	}
	os.Stderr.WriteString("echo is cold\n")
	lambda.Start(handle)
}

func handle(ctx context.Context, o order) (answer, error) {
	pid := os.Getpid()
	req, err := http.NewRequest("POST", os.Getenv("ECHO_URL")+"?id="+o.ID+"&pid="+strconv.Itoa(pid), nil)
	if err != nil {
		return answer{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	do, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	switch string(do) {
	case "fail":
		return answer{}, errors.New("asked to fail")
	case "panic":
		panic("asked to panic")
	case "exit":
		os.Exit(3)
	}
	return answer{o.ID, pid}, nil
}
