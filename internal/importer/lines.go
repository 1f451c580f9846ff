package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A lineReader reads lines and counts them.
type lineReader struct {
	r     *bufio.Reader
	line  int       // of the last that was read
	back  []rawLine // lines to read again
	taken int       // bytes
	err   error     // of the file
}

// A rawLine is a line without its "\n", or why it could not be read: io.EOF, an error
// of the file, or that it is too long, after which the next one can be read.
type rawLine struct {
	text []byte
	err  error
}

// start passes over a byte order mark.
func (l *lineReader) start() error {
	head, err := l.r.Peek(3)
	switch {
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		return errors.New("it is UTF-16: export the file as UTF-8")
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		l.r.Discard(3)
	case err != nil && err != io.EOF:
		return err
	}
	return nil
}

// next returns the next line that is not blank, without its line end, and its number.
func (l *lineReader) next() ([]byte, int, error) {
	for {
		line := l.raw()
		if line.err != nil {
			return nil, l.line, line.err
		}
		if text := bytes.TrimSuffix(line.text, []byte("\r")); len(bytes.TrimSpace(text)) > 0 {
			return text, l.line, nil
		}
	}
}

func (l *lineReader) raw() rawLine {
	l.line++
	if len(l.back) > 0 {
		line := l.back[0]
		l.back = l.back[1:]
		return line
	}
	text, err := l.r.ReadSlice('\n')
	l.taken += len(text)
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			text, err = l.r.ReadSlice('\n')
			l.taken += len(text)
		}
		if err == nil || err == io.EOF {
			return rawLine{err: fmt.Errorf("the line is longer than the %d KiB that are read", MaxLineBytes>>10)}
		}
	}
	if err == io.EOF && len(text) > 0 {
		err = nil
	}
	if err != nil {
		if err != io.EOF {
			l.err = err
		}
		l.line--
		return rawLine{err: err}
	}
	return rawLine{text: bytes.Clone(bytes.TrimSuffix(text, []byte("\n")))}
}

// unread gives lines back, to be read as rows of their own.
func (l *lineReader) unread(lines []rawLine) {
	l.back = append(lines, l.back...)
	l.line -= len(lines)
}
