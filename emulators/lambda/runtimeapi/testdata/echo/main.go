// Command echo is a function that asks ECHO_URL what to do, and does it; with ECHO_HTTP, behind a function URL.
package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdaurl"
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
	if os.Getenv("ECHO_HTTP") != "" {
		lambdaurl.Start(http.HandlerFunc(answerHTTP))
	}
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

// answerHTTP tells what it was asked, then asks what to do, and ends when it was told.
func answerHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Host", r.Host)
	w.Header().Set("X-Echo", r.Header.Get("X-Echo"))
	w.WriteHeader(http.StatusTeapot)
	io.WriteString(w, r.URL.RequestURI()+" "+string(body)+"\n")
	done, err := handle(r.Context(), order{ID: r.URL.Query().Get("id")})
	if err != nil {
		panic(err)
	}
	io.WriteString(w, "done "+done.ID+"\n")
}
