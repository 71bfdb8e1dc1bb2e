package core

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Journal is what the callbacks of an execution came to, in the order in which they were called. Given to WithJournal,
// it answers the same calls of another execution without asking the host: that is how a program goes on after a
// crash, a timeout or a suspension. The program must do the same again; that is the caller's duty.
//
// A journal is data that can be stored as JSON. Who can change it decides what the program is told: see Sign.
type Journal struct {
	// Code is the program that was executed, for the reader's sake.
	Code    string
	Entries []JournalEntry
}

// JournalEntry is one call of a callback. Exactly one of Value, Err and Abandoned is set.
type JournalEntry struct {
	Name string
	// ArgsJSON is the arguments as JSON with sorted keys and no spaces: with Name it is what calls are found by.
	ArgsJSON string
	// Value is what the callback returned, as JSON; "null" for a stream that ended well. What JSON lacks is tagged:
	// {"$eryx": "bytes", "base64": "..."} and {"$eryx": "float", "value": "nan" | "inf" | "-inf"}.
	Value json.RawMessage
	// Items are what a stream gave before it ended, each like Value.
	Items []json.RawMessage
	// Err is what the callback failed with.
	Err *JournalError
	// Abandoned says that the program stopped waiting for the answer.
	Abandoned bool
}

// JournalError is an error as the program saw it: CallbackError.code and its text.
type JournalError struct{ Code, Message string }

// SuspendedCallback is the call at which an execution was suspended.
type SuspendedCallback struct {
	Name     string
	ArgsJSON string // as JournalEntry.ArgsJSON
	Reason   string
}

// The JSON form is pyeryx's, with "code" beside "Err", "items" and "Abandoned" added.
type journalRecord struct {
	Code    *string         `json:"code"`
	Entries *[]journalEntry `json:"entries"`
}

type journalEntry struct {
	Index    int               `json:"index"`
	Name     string            `json:"name"`
	ArgsJSON *string           `json:"args_json"`
	Result   journalResult     `json:"result"`
	Items    []json.RawMessage `json:"items,omitempty"`
}

// A journalResult has exactly one key of Ok, Err and Abandoned. Ok may be null, so presence is what counts.
type journalResult map[string]any

// MarshalJSON implements json.Marshaler.
func (j *Journal) MarshalJSON() ([]byte, error) {
	entries := make([]journalEntry, len(j.Entries))
	for i := range j.Entries {
		e := &j.Entries[i]
		entries[i] = journalEntry{Index: i, Name: e.Name, ArgsJSON: &e.ArgsJSON, Items: e.Items, Result: e.result()}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(journalRecord{Code: &j.Code, Entries: &entries})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (e *JournalEntry) result() journalResult {
	switch {
	case e.Err != nil:
		return journalResult{"Err": e.Err.Message, "code": e.Err.Code}
	case e.Abandoned:
		return journalResult{"Abandoned": nil}
	}
	return journalResult{"Ok": e.Value}
}

// UnmarshalJSON implements json.Unmarshaler. It takes journals of pyeryx, too. Errors say which entry is wrong.
func (j *Journal) UnmarshalJSON(text []byte) error {
	var record struct {
		Code    *string            `json:"code"`
		Entries *[]json.RawMessage `json:"entries"`
	}
	if err := json.Unmarshal(text, &record); err != nil {
		return invalid("Invalid journal: %s", jsonFault(err))
	}
	switch {
	case record.Code == nil:
		return invalid("Invalid journal: missing field `code`")
	case record.Entries == nil:
		return invalid("Invalid journal: missing field `entries`")
	}
	entries := make([]JournalEntry, len(*record.Entries))
	for i, raw := range *record.Entries {
		if err := entries[i].read(raw); err != nil {
			return invalid("Invalid journal: entry %d: %v", i, err)
		}
	}
	j.Code, j.Entries = *record.Code, entries
	return nil
}

// jsonFault is what is wrong with JSON, without Go's types.
func jsonFault(err error) string {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return err.Error()
	}
	if kind.Field == "" {
		return "unexpected " + kind.Value
	}
	return fmt.Sprintf("unexpected %s for `%s`", kind.Value, kind.Field)
}

// read reads one entry.
func (e *JournalEntry) read(raw []byte) error {
	var record struct {
		Name     string                     `json:"name"`
		ArgsJSON *string                    `json:"args_json"`
		Result   map[string]json.RawMessage `json:"result"`
		Items    []json.RawMessage          `json:"items"`
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		return errors.New(jsonFault(err))
	}
	switch {
	case record.Name == "":
		return errors.New("missing field `name`")
	case record.ArgsJSON == nil:
		return errors.New("missing field `args_json`")
	}
	e.Name, e.ArgsJSON, e.Items = record.Name, *record.ArgsJSON, record.Items
	return e.readResult(record.Result)
}

func (e *JournalEntry) readResult(result map[string]json.RawMessage) error {
	value, ok := result["Ok"]
	failed, isError := result["Err"]
	_, abandoned := result["Abandoned"]
	switch {
	case ok && !isError && !abandoned:
		e.Value = value
	case isError && !ok && !abandoned:
		e.Err = &JournalError{Code: defaultErrorCode}
		if err := json.Unmarshal(failed, &e.Err.Message); err != nil {
			return fmt.Errorf("`Err`: %w", err)
		}
		if code, ok := result["code"]; ok {
			if err := json.Unmarshal(code, &e.Err.Code); err != nil {
				return fmt.Errorf("`code`: %w", err)
			}
		}
	case abandoned && !ok && !isError:
		e.Abandoned = true
	default:
		return errors.New("`result` must have one of `Ok`, `Err` and `Abandoned`")
	}
	return e.check()
}

// check reports a value that could not be given to a program.
func (e *JournalEntry) check() error {
	for _, value := range append([]json.RawMessage{e.Value}, e.Items...) {
		if value == nil {
			continue
		}
		if _, err := journalValue(value); err != nil {
			return err
		}
	}
	return nil
}

// Sign is the HMAC-SHA256 of the journal, its code included. A host that keeps journals where others could change
// them stores it beside them and has Verify check it: a forged journal would tell a program what no callback said.
func (j *Journal) Sign(key []byte) ([]byte, error) {
	text, err := j.MarshalJSON()
	if err != nil {
		return nil, invalid("encode the journal: %v", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil), nil
}

// Verify reports whether signature is what Sign gave for this journal, and the journal is of code.
func (j *Journal) Verify(code string, key, signature []byte) bool {
	want, err := j.Sign(key)
	return err == nil && j.Code == code && hmac.Equal(want, signature)
}
