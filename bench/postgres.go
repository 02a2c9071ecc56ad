package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/emulators/childprocess"
	"triptych/internal/loopback"
	"triptych/local/stack"
	"triptych/local/supervisor"
	"triptych/picture"
)

const postgresProcess = "temporal-postgres"

//go:embed postgres.yaml
var postgresConfig string

// postgres is PostgreSQL with its default settings, so each commit is flushed to the disk.
type postgres struct {
	bin, dir, port, password string
	process                  *exec.Cmd
	as                       *syscall.Credential // nil, or the user postgres if bench runs as root, because PostgreSQL refuses to run as root
}

// postgresServer starts Temporal's production server on a new PostgreSQL database.
func (r *rig) postgresServer(ctx context.Context) (server, error) {
	db, err := r.startPostgres(ctx)
	if err != nil {
		return server{}, err
	}
	fmt.Fprintln(r.progress, "building Temporal's server and its SQL tool …")
	schemaTool, err := supervisor.BuildTool(ctx, "sql", r.progress)
	if err != nil {
		return server{}, err
	}
	path, err := supervisor.BuildTool(ctx, "server", r.progress)
	if err != nil {
		return server{}, err
	}
	for _, database := range []string{"temporal", "visibility"} {
		for _, command := range [][]string{{"create"}, {"setup-schema", "-v", "0.0"}, {"update-schema", "--schema-name", "postgresql/v12/" + database}} {
			args := slices.Concat([]string{"--plugin", "postgres12", "--ep", "127.0.0.1", "-p", db.port, "-u", "temporal", "--db", database}, command)
			c := exec.CommandContext(ctx, schemaTool, args...)
			c.Env = append(os.Environ(), "SQL_PASSWORD="+db.password)
			if out, err := c.CombinedOutput(); err != nil {
				return server{}, fmt.Errorf("creating the database %s: %w: %s", database, err, out)
			}
		}
	}
	s := server{process: postgresProcess, database: db.dir, postgres: db.process.Process.Pid}
	dir := filepath.Join(r.stack.Dir(), postgresProcess)
	if s.addr, err = db.writeServerConfig(dir); err != nil {
		return s, err
	}
	r.closers = append(r.closers, func() { r.stack.StopProgram(s.process) }) // before PostgreSQL ends
	r.stack.StartExecutable(s.process, path, []string{"GOGC=400"}, "--root", dir, "--config", ".", "--env", "bench", "--allow-no-auth", "start")
	return s, r.prepareNamespace(ctx, s)
}

// findPostgres returns Debian's directory of PostgreSQL's programs.
func findPostgres() (string, error) {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is valid
	if len(installed) == 0 {
		return "", errors.New("triptych-postgres needs PostgreSQL: apt-get install postgresql")
	}
	return filepath.Dir(installed[len(installed)-1]), nil
}

func (r *rig) startPostgres(ctx context.Context) (db postgres, err error) {
	if db.bin, err = findPostgres(); err != nil {
		return db, err
	}
	// Not in the stack's directory: the user postgres could not enter it.
	if db.dir, err = os.MkdirTemp("", "triptych-postgres-"); err != nil {
		return db, fmt.Errorf("creating a directory for PostgreSQL: %w", err)
	}
	r.closers = append(r.closers, func() { os.RemoveAll(db.dir) })
	if os.Getuid() == 0 {
		if err := db.useAccount("postgres"); err != nil {
			return db, err
		}
	}
	fmt.Fprintln(r.progress, "starting PostgreSQL …")
	if err := db.create(ctx); err != nil {
		return db, err
	}
	addr, err := loopback.FreeAddr()
	if err != nil {
		return db, err
	}
	_, db.port, _ = net.SplitHostPort(addr)
	db.process = db.command(context.WithoutCancel(ctx), "postgres", "-D", filepath.Join(db.dir, "data"), "-p", db.port, "-k", "", "-c", "listen_addresses=127.0.0.1")
	if err := childprocess.Start(db.process); err != nil {
		return db, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	r.closers = append(r.closers, func() {
		db.process.Process.Signal(syscall.SIGINT) // ends its connections
		db.process.Wait()
	})
	return db, waitUntilReady(ctx, "PostgreSQL", func(ctx context.Context) error {
		return db.command(ctx, "pg_isready", "-h", "127.0.0.1", "-p", db.port).Run()
	})
}

// create makes a superuser with a password. Without it, other users of the machine could run programs: COPY FROM PROGRAM.
func (db *postgres) create(ctx context.Context) error {
	db.password = rand.Text()
	file := filepath.Join(db.dir, "password")
	if err := os.WriteFile(file, []byte(db.password), 0o600); err != nil {
		return fmt.Errorf("writing the password of PostgreSQL: %w", err)
	}
	defer os.Remove(file)
	if err := db.chown(file); err != nil {
		return err
	}
	out, err := db.command(ctx, "initdb", "-D", filepath.Join(db.dir, "data"), "-U", "temporal", "-A", "scram-sha-256", "--pwfile", file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initialising PostgreSQL: %w: %s", err, out)
	}
	return nil
}

func (db *postgres) useAccount(name string) error {
	account, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("finding the user of PostgreSQL: %w", err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	db.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return db.chown(db.dir)
}

// chown lets PostgreSQL use a file or a directory of bench.
func (db *postgres) chown(path string) error {
	if db.as == nil {
		return nil
	}
	return os.Chown(path, int(db.as.Uid), int(db.as.Gid))
}

func (db *postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(db.bin, name), args...)
	c.Dir = db.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: db.as}
	return c
}

// writeServerConfig returns the address of the frontend.
func (db *postgres) writeServerConfig(dir string) (addr string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("creating the directory of the server's settings: %w", err)
	}
	values := map[string]any{"Postgres": db.port, "Password": db.password, "DynamicConfig": filepath.Join(dir, "dynamic.yaml")}
	for _, service := range []string{"frontend", "matching", "history", "worker"} {
		a, err := loopback.FreeAddr()
		if err != nil {
			return "", err
		}
		if service == "frontend" {
			addr = a
		}
		_, values[service+"GRPC"], _ = net.SplitHostPort(a)
		values[service+"Membership"] = smallFreePort()
	}
	var text strings.Builder
	if err := template.Must(template.New("").Parse(postgresConfig)).Execute(&text, values); err != nil {
		return "", fmt.Errorf("filling in the server's settings: %w", err)
	}
	var dynamic strings.Builder
	for _, setting := range append(stack.DynamicConfig(), "system.enableNexus=false") { // as in temporalite
		key, value, _ := strings.Cut(setting, "=")
		fmt.Fprintf(&dynamic, "%s:\n- value: %s\n", key, value)
	}
	for name, content := range map[string]string{"bench.yaml": text.String(), "dynamic.yaml": dynamic.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("writing the server's settings: %w", err)
		}
	}
	return addr, nil
}

// smallFreePort returns a port that fits into 15 bits, because the schema for PostgreSQL has a smallint for it.
func smallFreePort() int {
	for {
		port := 1<<14 + mathrand.IntN(1<<14)
		if ln, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			ln.Close()
			return port
		}
	}
}

// prepareNamespace creates the namespace and the search attributes that the other servers create at their start.
func (r *rig) prepareNamespace(ctx context.Context, s server) error {
	c, err := client.NewLazyClient(client.Options{HostPort: s.addr, Logger: silentLogger})
	if err != nil {
		return fmt.Errorf("making a client of the server with PostgreSQL: %w", err)
	}
	defer c.Close()
	err = waitUntilReady(ctx, "the Temporal server "+s.process, func(ctx context.Context) error {
		if err := dial(s.addr); err != nil {
			return err
		}
		return register(ctx, c, client.DefaultNamespace)
	})
	if err != nil {
		return err
	}
	return waitUntilReady(ctx, "the search attributes", func(ctx context.Context) error {
		_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: client.DefaultNamespace, SearchAttributes: map[string]enumspb.IndexedValueType{
				picture.StatusAttribute: enumspb.INDEXED_VALUE_TYPE_KEYWORD, picture.ReasonAttribute: enumspb.INDEXED_VALUE_TYPE_KEYWORD,
			},
		})
		return err
	})
}
