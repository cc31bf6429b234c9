package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// writer notes the status of an answer and whether it has begun.
type writer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Begun says whether the answer's header has been sent.
func (w *writer) Begun() bool { return w.status != 0 }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush sends what is buffered, if the connection can.
func (w *writer) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		if w.status == 0 {
			w.status = http.StatusOK
		}
		f.Flush()
	}
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// checkedBody is a body that has been read and checked. oapi-codegen's runtime
// takes the decoded value from it rather than decoding a second time.
type checkedBody struct {
	*bytes.Reader
}

func (checkedBody) Close() error { return nil }

type valuedBody struct {
	checkedBody
	value any
}

// ValidatedValue is the JSON value of the body.
func (b valuedBody) ValidatedValue() any { return b.value }

func newCheckedBody(data []byte, value any) io.ReadCloser {
	body := checkedBody{bytes.NewReader(data)}
	if value == nil {
		return body
	}
	return valuedBody{body, value}
}

// patientBody lets a stream take as long as it needs, as long as it keeps coming.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	wait    time.Duration
}

func (b *patientBody) Read(p []byte) (int, error) {
	// Where no deadline can be set (a test's recorder) nothing can stall either.
	_ = b.control.SetReadDeadline(time.Now().Add(b.wait))
	return b.ReadCloser.Read(p)
}
