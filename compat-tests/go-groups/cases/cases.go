// SPDX-License-Identifier: Apache-2.0

// Package cases has what a group of consumers goes through with each Go client.
package cases

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	partitions = 6
	round      = 30 // records a partition and round
	wait       = 60 * time.Second
)

// A Member commits whatever it has read, at the latest when it leaves.
type Member interface {
	Owned() []int32
	Leave() error
}

// An Adapter is what a client must offer.
type Adapter interface {
	Protocols() []string // "classic", "consumer"
	Create(topic string, partitions int32) error
	Delete(topic string) error
	Produce(topic string, partition int32, values []string) error // returns when all are acknowledged
	Committed(group, topic string, partitions int32) (int64, error)
	Join(group, topic, protocol string, read func(partition int32, value string)) (Member, error)
}

type record struct {
	partition int32
	value     string
}

type member struct {
	Member
	mutex sync.Mutex
	read  []record
}

func (m *member) records() []record {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return append([]record(nil), m.read...)
}

type group struct {
	adapter  Adapter
	protocol string
	name     string
	produced map[string]bool
	members  []*member
}

func (g *group) join() (*member, error) {
	m := &member{}
	joined, err := g.adapter.Join(g.name, g.name, g.protocol, func(partition int32, value string) {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		m.read = append(m.read, record{partition, value})
	})
	m.Member = joined
	g.members = append(g.members, m)
	return m, err
}

func (g *group) produce() error {
	first := len(g.produced) / partitions
	for partition := int32(0); partition < partitions; partition++ {
		var values []string
		for i := first; i < first+round; i++ {
			values = append(values, fmt.Sprintf("%d-%d", partition, i))
		}
		if err := g.adapter.Produce(g.name, partition, values); err != nil {
			return err
		}
		for _, value := range values {
			g.produced[value] = true
		}
	}
	return nil
}

func (g *group) waitFor(what string, condition func() bool) error {
	for end := time.Now().Add(wait); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			shown := ""
			for _, m := range g.members {
				shown += fmt.Sprintf(" %v:%d", m.Owned(), len(m.records()))
			}
			return fmt.Errorf("not within %v: %s; owned and read:%s", wait, what, shown)
		}
	}
	return nil
}

func (g *group) allRead() bool {
	read := map[string]bool{}
	for _, m := range g.members {
		for _, r := range m.records() {
			read[r.value] = true
		}
	}
	return len(read) == len(g.produced)
}

// In each partition each member has read in order; what is read again, as it was not committed, is no fault.
func (g *group) inOrder() error {
	for _, m := range g.members {
		seen := map[string]bool{}
		last := map[int32]int{}
		for _, r := range m.records() {
			number, _ := strconv.Atoi(strings.SplitN(r.value, "-", 2)[1])
			if before, any := last[r.partition]; any && !seen[r.value] && number < before {
				return fmt.Errorf("%s after %d", r.value, before)
			}
			seen[r.value] = true
			last[r.partition] = number
		}
	}
	return nil
}

func (g *group) one() error {
	if err := g.adapter.Create(g.name, partitions); err != nil {
		return err
	}
	if err := g.produce(); err != nil {
		return err
	}
	m, err := g.join()
	if err != nil {
		return err
	}
	return g.waitFor("one member reads all", func() bool { return g.allRead() && len(m.Owned()) == partitions })
}

func apart(one, other []int32) bool {
	owned := map[int32]bool{}
	for _, partition := range append(append([]int32(nil), one...), other...) {
		owned[partition] = true
	}
	return len(one) == partitions/2 && len(other) == partitions/2 && len(owned) == partitions
}

func (g *group) two() error {
	other, err := g.join()
	if err != nil {
		return err
	}
	if err := g.waitFor("each has half", func() bool { return apart(g.members[0].Owned(), other.Owned()) }); err != nil {
		return err
	}
	if err := g.produce(); err != nil {
		return err
	}
	if err := g.waitFor("both read", g.allRead); err != nil {
		return err
	}
	if len(other.records()) == 0 {
		return fmt.Errorf("the second member has read nothing")
	}
	return nil
}

func (g *group) leave() error {
	if err := g.members[1].Leave(); err != nil {
		return err
	}
	takesOver := func() bool { return len(g.members[0].Owned()) == partitions }
	if err := g.waitFor("the first takes over", takesOver); err != nil {
		return err
	}
	if err := g.produce(); err != nil {
		return err
	}
	if err := g.waitFor("it reads all", g.allRead); err != nil {
		return err
	}
	return g.inOrder()
}

func (g *group) survive() error {
	if err := g.members[0].Leave(); err != nil {
		return err
	}
	committed, err := g.adapter.Committed(g.name, g.name, partitions)
	if err != nil || committed != int64(len(g.produced)) {
		return fmt.Errorf("%d committed of %d: %v", committed, len(g.produced), err)
	}
	before := map[string]bool{}
	for value := range g.produced {
		before[value] = true
	}
	if err := g.produce(); err != nil {
		return err
	}
	successor, err := g.join()
	if err != nil {
		return err
	}
	if err := g.waitFor("a successor reads the rest", g.allRead); err != nil {
		return err
	}
	for _, r := range successor.records() {
		if before[r.value] {
			return fmt.Errorf("the successor has read %s, which was committed", r.value)
		}
	}
	return successor.Leave()
}

// Each case rests on the one before: the first that fails is the last.
func (g *group) run() (passed, failed int) {
	steps := []struct {
		name string
		step func() error
	}{{"one member reads all", g.one}, {"a second member gets half", g.two},
		{"one leaves, the other takes over", g.leave}, {"offsets survive the group", g.survive}}
	for _, s := range steps {
		if err := s.step(); err != nil {
			fmt.Printf("not ok - %s group: %s: %v\n", g.protocol, s.name, err)
			return passed, 1
		}
		passed++
		fmt.Printf("ok - %s group: %s\n", g.protocol, s.name)
	}
	_ = g.adapter.Delete(g.name)
	return passed, 0
}

// Run prints a line per case and the totals, and ends the program.
func Run(name string, adapter Adapter) {
	passed, failed := 0, 0
	for _, protocol := range adapter.Protocols() {
		g := group{adapter: adapter, protocol: protocol, produced: map[string]bool{}}
		g.name = fmt.Sprintf("compat-group-%s-%s-%d-%d", name, protocol, time.Now().Unix(), os.Getpid())
		p, f := g.run()
		passed += p
		failed += f
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
