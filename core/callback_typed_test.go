package core_test

import (
	"context"
	"testing"

	"github.com/eryx-go/eryx/core"
)

type place struct {
	City string   `json:"city"`
	Zip  *int     `json:"zip,omitempty"`
	Tags []string `json:"tags,omitempty"`
}

type findArgs struct {
	Name  string  `json:"name" jsonschema:"whom to find"`
	Limit *int    `json:"limit"`
	Near  *place  `json:"near,omitempty"`
	Ratio float64 `json:"ratio,omitempty"`
}

func TestTypedCallback(t *testing.T) {
	find := core.TypedCallback("find", "Finds people.", func(_ context.Context, a findArgs) (any, error) {
		limit := -1
		if a.Limit != nil {
			limit = *a.Limit
		}
		city := ""
		if a.Near != nil {
			city = a.Near.City
		}
		return []any{a.Name, limit, city, a.Ratio}, nil
	})
	home := core.TypedCallback("home", "Where one lives.", func(context.Context, struct{}) (place, error) {
		return place{City: "Ulm", Tags: []string{"a"}}, nil
	})
	expectOutput(t, `
import inspect
print(inspect.signature(find), inspect.signature(home))
print(await find("Ada"), await find("Bob", 3, {"city": "Rom"}), await find(name="C", limit=None, near=None, ratio=1))
print(await home())
async def refused(**kw):
    try:
        print("took", await find(**kw))
    except CallbackError as e:
        print(e.code, "|", e)
await refused()
await refused(name=1)
await refused(name=None)
await refused(name="x", limit="many")
await refused(name="x", near={"city": 1})
await refused(name="x", other=1)
await refused(name="x", ratio=float("nan"))
`, `
(name: str, limit: int | None = Ellipsis, near: dict | None = Ellipsis, ratio: float = Ellipsis) ()
['Ada', -1, '', 0.0] ['Bob', 3, 'Rom', 0.0] ['C', -1, '', 1.0]
{'city': 'Ulm', 'tags': ['a']}
`+typedRefusals, find, home)
}

const typedRefusals = `invalid_arguments | invalid arguments: required: missing properties: ["name"]
invalid_arguments | invalid arguments: name: type: 1 has type "integer", want "string"
invalid_arguments | invalid arguments: name: type: None has type "null", want "string"
invalid_arguments | invalid arguments: limit: type: many has type "string", want one of "null, integer"
invalid_arguments | invalid arguments: near.city: type: 1 has type "integer", want "string"
invalid_arguments | invalid arguments: unexpected additional properties ["other"]
invalid_arguments | invalid arguments: unsupported value: NaN
`

func TestTypedCallbackOfNoStruct(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("arguments that are no struct are taken")
		}
	}()
	core.TypedCallback("bad", "", func(context.Context, int) (any, error) { return nil, nil })
}
