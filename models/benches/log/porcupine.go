// Judges a history of a store of keys and values by Porcupine: what the bench `log` runs beside.
//
// porcupine FILE split|whole SECONDS_MAX
//
// FILE is a log as JSON lines. Prints the verdict, the seconds that reading took, those that judging took, and the most
// memory that the process has held, in KiB. A call that never ended has the end of the history as its end, and any result,
// as Porcupine's own readers of logs do.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

type line struct {
	Begin  int64  `json:"begin"`
	End    *int64 `json:"end"`
	Name   string `json:"name"`
	Fields struct {
		Key    int         `json:"key"`
		Value  string      `json:"value"`
		From   string      `json:"from"`
		To     string      `json:"to"`
		Result interface{} `json:"result"`
	} `json:"fields"`
}

type kind uint8

const (
	get kind = iota
	put
	add
	cas
)

type input struct {
	kind kind
	key  int
	// What is put, appended, or expected by a swap; and what a swap puts.
	value, to string
}

type output struct {
	isKnown bool
	found   string
	swapped bool
}

// step gives the value after a call, and whether the call can have answered so.
func step(held string, in input, out output) (bool, string) {
	switch in.kind {
	case get:
		return !out.isKnown || out.found == held, held
	case put:
		return true, in.value
	case add:
		return true, held + in.value
	default:
		swaps := held == in.value
		if swaps {
			held = in.to
		}
		return !out.isKnown || out.swapped == swaps, held
	}
}

// split judges each key by itself; a state is its value.
var split = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		places := make(map[int]int)
		var parts [][]porcupine.Operation
		for _, operation := range history {
			key := operation.Input.(input).key
			place, known := places[key]
			if !known {
				place = len(parts)
				places[key] = place
				parts = append(parts, nil)
			}
			parts[place] = append(parts[place], operation)
		}
		return parts
	},
	Init: func() interface{} { return "" },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		ok, held := step(state.(string), in.(input), out.(output))
		return ok, held
	},
	Hash: func(state interface{}) uint64 {
		hash := fnv.New64a()
		hash.Write([]byte(state.(string)))
		return hash.Sum64()
	},
}

// whole judges all keys together; a state is a map, copied where it changes.
var whole = porcupine.Model{
	Init: func() interface{} { return map[int]string{} },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		values, asked := state.(map[int]string), in.(input)
		ok, held := step(values[asked.key], asked, out.(output))
		if !ok || held == values[asked.key] {
			return ok, state
		}
		next := make(map[int]string, len(values)+1)
		for key, value := range values {
			next[key] = value
		}
		next[asked.key] = held
		return ok, next
	},
	Equal: func(one, other interface{}) bool {
		left, right := one.(map[int]string), other.(map[int]string)
		if len(left) != len(right) {
			return false
		}
		for key, value := range left {
			if held, known := right[key]; !known || held != value {
				return false
			}
		}
		return true
	},
	Hash: func(state interface{}) uint64 {
		var sum uint64
		for key, value := range state.(map[int]string) {
			hash := fnv.New64a()
			hash.Write([]byte{byte(key), byte(key >> 8)})
			hash.Write([]byte(value))
			sum += hash.Sum64()
		}
		return sum
	},
}

func read(name string) []porcupine.Operation {
	file, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var history []porcupine.Operation
	lines := bufio.NewScanner(file)
	kinds := map[string]kind{"get": get, "put": put, "append": add, "cas": cas}
	for lines.Scan() {
		var said line
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			panic(err)
		}
		fields := said.Fields
		asked := input{kind: kinds[said.Name], key: fields.Key, value: fields.Value}
		if asked.kind == cas {
			asked.value, asked.to = fields.From, fields.To
		}
		end, answered := int64(math.MaxInt64), output{}
		if said.End != nil {
			end, answered.isKnown = *said.End, true
			answered.found, _ = fields.Result.(string)
			answered.swapped, _ = fields.Result.(bool)
		}
		history = append(history, porcupine.Operation{Input: asked, Call: said.Begin, Output: answered, Return: end})
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
	return history
}

func peakKiB() string {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest := strings.TrimPrefix(line, "VmHWM:"); rest != line {
			return strings.Fields(rest)[0]
		}
	}
	return "0"
}

func main() {
	model := whole
	if os.Args[2] == "split" {
		model = split
	}
	seconds, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	begun := time.Now()
	history := read(os.Args[1])
	readAt := time.Now()
	verdict := porcupine.CheckOperationsTimeout(model, history, time.Duration(seconds)*time.Second)
	judged := time.Since(readAt)
	words := map[porcupine.CheckResult]string{porcupine.Ok: "conforms", porcupine.Illegal: "diverges"}
	word, known := words[verdict]
	if !known {
		word = "incomplete"
	}
	fmt.Println(word, readAt.Sub(begun).Seconds(), judged.Seconds(), peakKiB())
}
