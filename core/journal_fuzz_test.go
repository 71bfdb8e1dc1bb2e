package core

import (
	"bytes"
	"testing"
)

// FuzzJournal: whatever is taken as a journal can be written, and read again to the same.
func FuzzJournal(f *testing.F) {
	for _, seed := range []string{
		`{"code":"","entries":[]}`,
		`{"code":"x","entries":[{"index":0,"name":"a","args_json":"{}","result":{"Ok":[1,1.0,null,"é",{"$eryx":"bytes","base64":"AA=="}]}}]}`,
		`{"code":"x","entries":[{"name":"a","args_json":"","result":{"Err":"no","code":"c"}},{"name":"b","args_json":"{}","result":{"Abandoned":null}}]}`,
		`{"code":"x","entries":[{"name":"s","args_json":"{}","items":[1,{"$eryx":"float","value":"nan"}],"result":{"Ok":null}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, second Journal
		if first.UnmarshalJSON(text) != nil {
			return
		}
		written, err := first.MarshalJSON()
		if err != nil {
			t.Fatalf("a journal that was read cannot be written: %v", err)
		}
		if err := second.UnmarshalJSON(written); err != nil {
			t.Fatalf("%v in %s", err, written)
		}
		if again, err := second.MarshalJSON(); err != nil || !bytes.Equal(again, written) {
			t.Fatalf("%s became %s (%v)", written, again, err)
		}
	})
}

// FuzzJournalValue: a value goes through a journal unchanged.
func FuzzJournalValue(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5,-0.0,1e300,123456789012345678901234567890,"x",true,null]}`))
	f.Add([]byte(`{"$eryx":"map","value":{"$eryx":"bytes"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := journalValue(text)
		if err != nil {
			return
		}
		written, err := journalJSON(value)
		if err != nil {
			t.Fatal(err)
		}
		back, err := journalValue(written)
		if err != nil {
			t.Fatalf("%v in %s", err, written)
		}
		if again, err := journalJSON(back); err != nil || !bytes.Equal(again, written) {
			t.Fatalf("%s became %s (%v)", written, again, err)
		}
	})
}
