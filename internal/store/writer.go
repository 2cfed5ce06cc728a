package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"sealpost/internal/webhook"
)

// The writer is the one goroutine that changes the file. Callers hand in
// operations and wait; whatever has gathered while the last commit was being
// synced goes into the next one together. So an operation that comes alone on
// a quiet store waits for nothing but its own commit, and a thousand that come
// at once share a few.
//
// An operation is either shared or separate. A shared one (publish, finish)
// fails only when the file fails: then the whole transaction is rolled back
// and each operation runs again in one of its own, so that none can spoil the
// others. A separate one may refuse, and runs inside a savepoint. Whatever an
// operation sets besides the file it sets anew in each run, and after a statement
// that failed it runs no other.
//
// A patient one (finish) has nobody waiting for it. While only such are there,
// the writer lingers, so that they ride on the commit of the next impatient
// one: an event then costs a good half of the syncs.

// operation is one caller's change.
type operation struct {
	run      func(*session) error
	separate bool
	patient  bool
	after    func() // after the commit, in order of the operations
	done     chan error
}

// linger bounds how long patient operations wait for an impatient one. What a
// crash in that time costs is a repeated delivery.
const linger = 5 * time.Millisecond

// company bounds how long impatient operations wait for as many as shared the
// last commit.
const company = time.Millisecond

// maxShared bounds how many operations share a commit, so that a flood does
// not turn into one endless transaction.
const maxShared = 512

// writer gathers operations and commits them.
type writer struct {
	store   *Store
	session *session

	mu      sync.Mutex
	queue   []*operation
	urgent  int // operations in queue that are not patient
	enough  int // of those, how many the writer waits for
	last    int // of those, how many shared the last commit; the writer's own
	wake    chan struct{}
	closing bool
	peek    bool // look for other processes' changes
	version int64
	stopped chan struct{}
}

func startWriter(ctx context.Context, s *Store) (*writer, error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		store:   s,
		session: &session{conn: conn, tallies: s.tallies, prepared: make(map[string]*sql.Stmt), waiting: make(map[int64]int64), stored: make(map[int64]int64), fresh: true},
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	if err := w.notice(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go w.loop()
	return w, nil
}

// stop refuses further operations and returns when those handed in are done.
func (w *writer) stop() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.poke()
	<-w.stopped
}

func (w *writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// submit hands in an operation and waits for its commit. When ctx ends before it
// has begun, it is not carried out. One that has begun is waited for: it may be
// writing what its caller is about to read.
func (w *writer) submit(ctx context.Context, op *operation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op.done = make(chan error, 1)
	if err := w.enqueue(op); err != nil {
		return err
	}
	select {
	case err := <-op.done:
		return changing(w.store.path, err)
	case <-ctx.Done():
		if w.withdraw(op) {
			return ctx.Err()
		}
		return changing(w.store.path, <-op.done)
	}
}

// withdraw takes an operation back that has not begun. A patient one stays: what
// it records has happened.
func (w *writer) withdraw(op *operation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, op)
	if i < 0 || op.patient {
		return false
	}
	w.queue = slices.Delete(w.queue, i, i+1)
	w.urgent--
	return true
}

var errClosed = errors.New("the database has been closed")

func (w *writer) enqueue(op *operation) error {
	w.mu.Lock()
	if w.closing {
		w.mu.Unlock()
		return errClosed
	}
	w.queue = append(w.queue, op)
	if !op.patient {
		w.urgent++
	}
	enough := w.urgent >= w.enough
	w.mu.Unlock()
	if enough {
		w.poke()
	}
	return nil
}

func (w *writer) loop() {
	defer close(w.stopped)
	defer w.session.close()
	var batch []*operation
	for range w.wake {
		w.gather()
		for {
			var closing, peek bool
			batch, closing, peek = w.take(batch[:0])
			if peek && len(batch) == 0 {
				_ = w.notice() // what fails here fails again with the next change, and is told then
			}
			if len(batch) == 0 {
				if closing {
					return
				}
				break
			}
			w.commit(batch)
			clear(batch)
			w.gather()
		}
	}
}

// take moves what is to share the next commit from the queue into batch.
func (w *writer) take(batch []*operation) (taken []*operation, closing, peek bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxShared)
	batch = append(batch, w.queue[:n]...)
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	w.enough, w.last = 0, 0
	for _, op := range batch {
		if !op.patient {
			w.last++
		}
	}
	w.urgent -= w.last
	peek, w.peek = w.peek, false
	return batch, w.closing, peek
}

// gather lets company come before a commit: patient operations wait for an
// impatient one, and impatient ones for as many as shared the last commit,
// since callers who were answered together tend to come back together. One
// that comes alone waits for nothing.
func (w *writer) gather() {
	w.await(1, linger)
	w.await(w.last, company)
}

// await waits until so many impatient operations are there, or nothing is, for
// a bounded time.
func (w *writer) await(enough int, most time.Duration) {
	var over <-chan time.Time
	for {
		w.mu.Lock()
		waits := len(w.queue) > 0 && w.urgent < enough && !w.closing
		if w.enough = 0; waits {
			w.enough = enough
		}
		w.mu.Unlock()
		if !waits {
			return
		}
		if over == nil {
			timer := time.NewTimer(most)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-w.wake:
		case <-over:
			return
		}
	}
}

// commit carries out a batch in one transaction, or, when that fails for a
// reason that may be one operation's own, each in its own.
func (w *writer) commit(batch []*operation) {
	results := make([]error, len(batch))
	began := time.Now()
	err := w.transaction(batch, results)
	if err == nil && w.store.measured != nil {
		w.store.measured(len(batch), w.session.rows, time.Since(began))
	}
	if err != nil && len(batch) > 1 && !Busy(err) && !errors.Is(err, errCommit) {
		for i := range batch {
			one := batch[i : i+1]
			w.answer(one, []error{w.transaction(one, results[i:i+1])}, results[i:i+1])
		}
		return
	}
	errs := make([]error, len(batch))
	for i := range errs {
		errs[i] = err
	}
	w.answer(batch, errs, results)
}

// answer tells each caller what came of its operation, after the engine has
// heard of it. Where a batch only publishes and finishes, publishers come first,
// the engine when they have been let run: the sooner they are back with the next
// event, the sooner the next commit begins, and deliveries are made while it is
// being synced. Whoever changes what the engine goes by must find it told.
func (w *writer) answer(batch []*operation, failed, results []error) {
	outcome := func(i int) error { return cmp.Or(failed[i], results[i]) }
	for i := range batch {
		w.store.failed(outcome(i)) // first, so that whoever is refused finds the daemon unready
	}
	early := !slices.ContainsFunc(batch, func(op *operation) bool { return op.separate })
	if early {
		for i, op := range batch {
			if !op.patient {
				op.done <- outcome(i)
			}
		}
		runtime.Gosched()
	}
	for i, op := range batch {
		err := outcome(i)
		if err == nil && op.after != nil {
			op.after()
		}
		if !early || op.patient {
			op.done <- err
		}
	}
}

// errCommit marks a COMMIT that failed: whether it took effect is not known,
// so nothing may be tried again behind the caller's back.
var errCommit = errors.New("commit failed")

func (w *writer) transaction(batch []*operation, results []error) (err error) {
	s := w.session
	s.rows = 0
	if err := s.control(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	if err := w.notice(); err != nil {
		return errors.Join(err, s.control(`ROLLBACK`))
	}
	changes := false
	defer func() {
		if changes { // whether it took effect or not, and before anybody hears of it
			w.store.remembered.forget()
		}
	}()
	for i, op := range batch {
		results[i] = nil
		mark := len(w.store.tallies.noted)
		switch {
		case op.separate && len(batch) > 1:
			results[i], err = s.savepoint(op.run)
		default:
			err = op.run(s)
		}
		if results[i] != nil {
			w.store.tallies.back(mark)
		}
		if op.separate {
			s.fresh, changes = true, true // it may have changed what publishing goes by
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = s.flush()
	}
	if err == nil {
		if err = s.control(`COMMIT`); err == nil {
			w.store.tallies.settle()
			return nil
		}
		err = errors.Join(errCommit, err)
	}
	s.fresh = true
	w.store.fanouts.forget()
	if w.store.tallies.back(0); errors.Is(err, errCommit) { // it may have taken effect
		w.store.tallies.distrust()
	}
	if rollback := s.control(`ROLLBACK`); rollback != nil && !errors.Is(err, errCommit) {
		err = errors.Join(err, rollback)
	}
	return err
}

// shared submits an operation that fails only when the file fails; a patient
// one may wait a little to share a commit.
func (s *Store) shared(ctx context.Context, patient bool, run func(*session) error, after func()) error {
	return s.writer.submit(ctx, &operation{run: run, patient: patient, after: after})
}

// separate submits an operation that may refuse. Below the floor of free disk it is refused ([Space]).
func (s *Store) separate(ctx context.Context, run func(*session) error) error {
	return s.releasing(ctx, func(tx *session, _ *webhook.Committed) error { return run(tx) })
}

// releasing submits an operation that may refuse and may bring work for the
// engine, of which it leaves word. Below the floor of free disk it is refused ([Space]).
func (s *Store) releasing(ctx context.Context, run func(*session, *webhook.Committed) error) error {
	if err := s.spare(); err != nil {
		return err
	}
	return s.alwaysReleasing(ctx, run)
}

// alwaysReleasing is releasing for changes that are taken below the floor of free disk.
func (s *Store) alwaysReleasing(ctx context.Context, run func(*session, *webhook.Committed) error) error {
	var committed webhook.Committed
	return s.writer.submit(ctx, &operation{
		separate: true,
		run: func(tx *session) error {
			committed = webhook.Committed{Changed: true}
			return run(tx, &committed)
		},
		after: func() { s.notify(committed) },
	})
}

// Measure has fn called after each commit with how many operations shared it,
// how many rows they wrote, and how long it took. It must be set before the first write and return at
// once.
func (s *Store) Measure(fn func(operations, rows int, took time.Duration)) { s.measured = fn }

// Notify has fn called after each commit that brought work for the engine, in
// the order of commits; before the callers are answered, but for publishers. It
// must be set before the first write and return at once.
func (s *Store) Notify(fn func(webhook.Committed)) { s.written = fn }

// notify tells the engine, if there is one in this process.
func (s *Store) notify(c webhook.Committed) {
	if s.written != nil {
		s.written(c)
	}
}
