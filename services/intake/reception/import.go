package reception

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Sizes of an import's working set: how many lines share a transaction, and how
// many groups are read ahead of the database.
const (
	groupLines = 64
	groupBytes = 1 << 20
	readAhead  = 2
)

// Import takes in a stream of events, one a line, and hands each line's verdict to
// answer in the order of the lines; flush says that no more are ready just now.
// Blank lines count and get no verdict. It holds a few groups of lines in memory,
// whatever the length of the stream.
//
// It ends with the first error of reading, answering or storing: what has a
// verdict is taken in, what has none is not. interrupt ends a read of in that
// waits for a sender who has nothing to say.
func (r *Reception) Import(ctx context.Context, in io.Reader, interrupt func(), answer func(line int, v referral.Verdict) error, flush func() error) error {
	ctx, stop := context.WithCancelCause(ctx)
	groups := make(chan group, readAhead)
	read := make(chan error, 1)
	go func() {
		defer close(groups)
		read <- r.readLines(ctx, in, groups)
	}()
	err := r.takeGroups(ctx, groups, answer, flush)
	stop(errStopped)
	if err != nil {
		interrupt()
	}
	for range groups { // the reader sees the end of ctx, and then closes
	}
	readErr := <-read
	if err != nil {
		return err
	}
	return readErr
}

type group struct {
	lines    []int
	readings []Reading
}

func (r *Reception) takeGroups(ctx context.Context, groups <-chan group, answer func(int, referral.Verdict) error, flush func() error) error {
	for g := range groups {
		verdicts, err := r.Receive(ctx, ViaImport, g.readings)
		for i, v := range verdicts {
			if err := answer(g.lines[i], v); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if len(groups) == 0 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// readLines reads ahead: a group is full, or the sender pauses with the next line
// not there yet.
func (r *Reception) readLines(ctx context.Context, in io.Reader, groups chan<- group) error {
	br := bufio.NewReaderSize(in, 256<<10)
	var g group
	size := 0
	send := func() error {
		if len(g.lines) == 0 {
			return nil
		}
		select {
		case groups <- g:
			g, size = group{}, 0
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for line := 1; ; line++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		raw, tooLong, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(send(), err)
		}
		if len(bytes.TrimSpace(raw)) > 0 || tooLong {
			rd := Reading{Faults: []fault.Field{{Pointer: "", Code: "too_large", Detail: "too large: an event is at most 1048576 bytes"}}}
			if !tooLong {
				rd = r.Read(ctx, raw)
			}
			g.lines, g.readings = append(g.lines, line), append(g.readings, rd)
			size += len(raw)
		}
		if err != nil {
			return send()
		}
		if len(g.lines) >= groupLines || size >= groupBytes || !lineBuffered(br) {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// lineBuffered says whether another whole line can be read without waiting.
func lineBuffered(br *bufio.Reader) bool {
	ahead, err := br.Peek(br.Buffered())
	return err == nil && bytes.IndexByte(ahead, '\n') >= 0
}

// readLine reads a line of at most referral.MaxEvent bytes; of a longer one it
// reads to the end and keeps nothing.
func readLine(br *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := br.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
			if len(line) > referral.MaxEvent+2 {
				line, tooLong = nil, true
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}
