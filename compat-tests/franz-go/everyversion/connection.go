// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"reflect"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// connection asks one request at a time, in exactly the version it was given.
type connection struct {
	socket        net.Conn
	formatter     *kmsg.RequestFormatter
	correlationID int32
}

func dial(address string) (*connection, error) {
	socket, err := net.DialTimeout("tcp", address, wait)
	return &connection{socket: socket, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("every-version"))}, err
}

// ask asks again for so long, as clients do, while the answer is an error that goes away by itself.
func (c *connection) ask(
	request kmsg.Request, version int16, patience time.Duration,
) (response kmsg.Response, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		response, err = c.askOnce(request, version)
		if !kerr.IsRetriable(err) || time.Now().After(deadline) {
			return response, err
		}
	}
}

// askOnce returns the parsed answer; one that does not come back to the same bytes when written again is an error, so
// that neither a missing field nor a byte too many goes unseen.
func (c *connection) askOnce(request kmsg.Request, version int16) (kmsg.Response, error) {
	request.SetVersion(version)
	c.correlationID++
	c.socket.SetDeadline(time.Now().Add(wait))
	if _, err := c.socket.Write(c.formatter.AppendRequest(nil, request, c.correlationID)); err != nil {
		return nil, err
	}
	body, err := c.readAnswer(request)
	if err != nil {
		return nil, err
	}
	response := request.ResponseKind()
	response.SetVersion(version)
	if err := response.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("the answer does not parse: %w", err)
	}
	if again := response.AppendTo(nil); !bytes.Equal(again, body) {
		return nil, fmt.Errorf("the answer of %d bytes has %d when written again", len(body), len(again))
	}
	return response, firstError(reflect.ValueOf(response))
}

// readAnswer returns the body, after the header that belongs to the version.
func (c *connection) readAnswer(request kmsg.Request) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.socket, size[:]); err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(c.socket, frame); err != nil {
		return nil, fmt.Errorf("half an answer: %w", err)
	}
	if len(frame) < 4 || int32(binary.BigEndian.Uint32(frame)) != c.correlationID {
		return nil, fmt.Errorf("another correlation id in %x", frame[:min(len(frame), 8)])
	}
	frame = frame[4:]
	if request.IsFlexible() && request.Key() != int16(kmsg.ApiVersions) {
		if len(frame) < 1 || frame[0] != 0 {
			return nil, fmt.Errorf("the answer's header has no empty tag section")
		}
		frame = frame[1:]
	}
	return frame, nil
}

// firstError looks for an error code anywhere in an answer.
func firstError(value reflect.Value) error {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		return firstError(value.Elem())
	case reflect.Slice:
		for i := 0; i < value.Len(); i++ {
			if err := firstError(value.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := 0; i < value.NumField(); i++ {
			field := value.Field(i)
			if value.Type().Field(i).Name == "ErrorCode" {
				if err := kerr.ErrorForCode(int16(field.Int())); err != nil {
					return err
				}
			} else if err := firstError(field); err != nil {
				return err
			}
		}
	}
	return nil
}
