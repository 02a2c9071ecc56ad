package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdaurl"
)

type order struct {
	ID string `json:"id"`
}

type result struct {
	ID  string `json:"id"`
	PID int    `json:"pid"`
}

func runFunction() {
	if os.Getenv("ECHO_BROKEN") == "exit" {
		os.Exit(7)
	}
	if body := os.Getenv("ECHO_INIT_ERROR"); body != "" {
		reportInitError(body)
	}
	os.Stderr.WriteString("echo: cold start\n")
	if child := os.Getenv("ECHO_CHILD"); child != "" {
		cmd := exec.Command("/bin/sh", "-c", child)
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			panic(err)
		}
	}
	if os.Getenv("ECHO_SIGTERM") != "" {
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		go func() {
			<-terminated
			handle(context.Background(), order{ID: "SIGTERM"})
			os.Exit(0)
		}()
	}
	if os.Getenv("ECHO_EVENT") != "" {
		lambda.Start(func(event json.RawMessage) (*events.LambdaFunctionURLStreamingResponse, error) {
			return &events.LambdaFunctionURLStreamingResponse{Body: bytes.NewReader(event)}, nil
		})
	}
	if os.Getenv("ECHO_HTTP") != "" {
		lambdaurl.Start(http.HandlerFunc(serveHTTP))
	}
	lambda.Start(handle)
}

func reportInitError(body string) {
	r, err := http.NewRequest("POST", "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Lambda-Runtime-Function-Error-Type", "Runtime.FromTheHeader")
	if _, err := http.DefaultClient.Do(r); err != nil {
		panic(err)
	}
	if os.Getenv("ECHO_BROKEN") != "hang" {
		os.Exit(7)
	}
	select {}
}

func handle(ctx context.Context, o order) (result, error) {
	pid := os.Getpid()
	req, err := http.NewRequest("POST", os.Getenv("ECHO_URL")+"?id="+o.ID+"&pid="+strconv.Itoa(pid), nil)
	if err != nil {
		return result{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{}, err
	}
	defer resp.Body.Close()
	do, err := io.ReadAll(resp.Body)
	if err != nil {
		return result{}, err
	}
	switch string(do) {
	case "fail":
		return result{}, errors.New("instructed to fail")
	case "panic":
		panic("instructed to panic")
	case "exit":
		os.Exit(3)
	case "exit-0":
		os.Exit(0)
	case "environment":
		return result{strings.Join(os.Environ(), "\n"), pid}, nil
	}
	return result{o.ID, pid}, nil
}

func serveHTTP(w http.ResponseWriter, r *http.Request) {
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
