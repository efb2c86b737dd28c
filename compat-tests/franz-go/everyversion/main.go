// SPDX-License-Identifier: Apache-2.0

// Asks the broker in BOOTSTRAP for each API in every version that it offers: everyversion TOPIC
//
// A case passes if the answer parses as that version to its last byte and holds no error code.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const wait = 15 * time.Second

type totals struct{ passed, failed int }

func (t *totals) count(name string, err error) {
	if err == nil {
		t.passed++
		fmt.Printf("ok - %s\n", name)
		return
	}
	t.failed++
	fmt.Printf("not ok - %s: %v\n", name, err)
}

// offered returns the ranges of versions by API key.
func offered(c *connection) (map[int16][2]int16, error) {
	response, err := c.ask((&asker{}).apiVersions(3), 3, wait)
	if err != nil {
		return nil, err
	}
	ranges := map[int16][2]int16{}
	for _, key := range response.(*kmsg.ApiVersionsResponse).ApiKeys {
		ranges[key.ApiKey] = [2]int16{key.MinVersion, key.MaxVersion}
	}
	return ranges, nil
}

// prepare creates the topic that most requests are about and learns its id.
func prepare(c *connection, a *asker) error {
	create := a.createTopics(0).(*kmsg.CreateTopicsRequest)
	create.Topics[0].Topic = a.topic
	if _, err := c.ask(create, 7, wait); err != nil {
		return err
	}
	response, err := c.ask(a.metadata(11), 11, wait)
	if err != nil {
		return err
	}
	a.topicID = response.(*kmsg.MetadataResponse).Topics[0].TopicID
	return nil
}

func run(c *connection, a *asker) (*totals, error) {
	ranges, err := offered(c)
	if err != nil {
		return nil, fmt.Errorf("ApiVersions: %w", err)
	}
	if err := prepare(c, a); err != nil {
		return nil, fmt.Errorf("a topic to ask about: %w", err)
	}
	t := &totals{}
	for _, api := range a.apis() {
		key := api.request(0).Key()
		versions, found := ranges[key]
		if !found {
			t.count(api.name+" is offered", fmt.Errorf("it is not"))
			continue
		}
		for version := max(versions[0], api.lowest); version <= min(versions[1], api.request(0).MaxVersion()); version++ {
			patience := wait
			if api.allowed != nil {
				patience = time.Second
			}
			_, err := c.ask(api.request(version), version, patience)
			if api.allowed != nil && errors.Is(err, api.allowed) {
				err = nil
			}
			t.count(fmt.Sprintf("%s version %d", api.name, version), err)
		}
	}
	last := a.deleteTopics(6).(*kmsg.DeleteTopicsRequest)
	last.Topics[0].Topic, last.Topics[0].TopicID = nil, a.topicID
	_, err = c.ask(last, 6, wait)
	t.count("DeleteTopics by id", err)
	return t, nil
}

func main() {
	a := &asker{topic: os.Args[1], config: map[string]string{"retention.ms": "604800001"}}
	for _, pair := range strings.Fields(os.Getenv("TOPIC_CONFIG")) {
		name, value, _ := strings.Cut(pair, "=")
		a.config[name] = value
	}
	c, err := dial(os.Getenv("BOOTSTRAP"))
	if err != nil {
		fmt.Printf("not ok - connect: %v\n0 passed, 1 failed\n", err)
		os.Exit(1)
	}
	t, err := run(c, a)
	if err != nil {
		fmt.Printf("not ok - prepare: %v\n0 passed, 1 failed\n", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
	if t.failed > 0 {
		os.Exit(1)
	}
}
